"""What a few words find in the register: places, streets, house numbers, buildings, areas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cityloom.kernel.actor import Actor
from cityloom.registers import queries
from cityloom.registers.browsing import entries
from cityloom.registers.display import register_word, value_word, word
from cityloom.registers.domain import names
from cityloom.registers.domain.building_addresses import UNNUMBERED, known_number
from cityloom.registers.models import Building
from cityloom.ui.domain.declared import Hit

_A_FEW = 3
_MOST_READ = 300
_MOST_FILTERED = 2_000
_MOST_STREETS = 20
_MOST_HOUSES = 3_000
_SHOWN = ("id", "street", "house_number", "name", "use", "lon", "lat", "address_level")
_KINDS = ("area", "place", "street", "land", "building")
_NUMERALS = frozenset("一二三四五六七八九十")
Row = tuple[bytes, str, int, str, str, str, float, float]
_COLUMNS = "folded, kind, row_id, about, name, name_zh, lon, lat"


def find(_actor: Actor | None, text: str, limit: int) -> Sequence[Hit]:
    """Places, streets and areas by the beginning of any of their words, in the order: whole name, then by kind."""
    return [_hit(row) for row in _best(_rows_for(names.folded(text)), names.folded(text))[:limit]]


def addresses(actor: Actor | None, text: str, limit: int) -> Sequence[Hit]:
    """House numbers in a street, and buildings by their number in the register."""
    number = text.strip()
    if number.isascii() and number.isdecimal() and len(number) <= 18:
        return [_house(row, actor) for row in Building.objects.filter(id=int(number)).only(*_SHOWN)]
    wanted = names.address(text)
    found = [_house(row, actor) for row in _houses(*wanted)[:limit]] if wanted else []
    return found or _geocoded(text, actor, limit)


def _geocoded(text: str, actor: Actor | None, limit: int) -> list[Hit]:
    """Where a whole address is, with its town, floor or door, in whichever order and language it is written."""
    if not any(sign.isdecimal() or sign in _NUMERALS for sign in text):
        return []
    found = queries.geocoded(text[: names.LONGEST * 4])
    if found.level == "ambiguous":
        numbers = [one.building for one in found.candidates if one.building][:limit]
        return [_house(row, actor) for row in Building.objects.filter(id__in=numbers).only(*_SHOWN).order_by("id")]
    if found.building:
        return [_house(row, actor) for row in Building.objects.filter(id=found.building).only(*_SHOWN)]
    if found.level != "number":
        return []
    return [Hit(text.strip(), _("about here, within {metres} m").format(metres=round(found.within_m or 0)),
                place=(found.lon, found.lat))]  # fmt: skip


def organisations(actor: Actor | None, text: str, limit: int) -> Sequence[Hit]:
    """Organisations by the beginning of their name or by their code, for those who work here."""
    if actor is None:
        return []
    found = queries.organisations_called(text, limit)
    return [Hit(name, f"{key} · {address}" if address else key, reverse("organisation", args=[key]))
            for key, name, address in found]  # fmt: skip


def registers(actor: Actor | None, text: str, limit: int) -> Sequence[Hit]:
    """Entries of all other registers by the beginning of their key, name or address, for those who work here."""
    if actor is None:
        return []
    found = [line for name in entries.LISTED if name != "organisations"
             for line in entries.listed(name, text=text, limit=_A_FEW).lines]  # fmt: skip
    return [Hit(line.key, " · ".join(filter(None, (register_word(line.register), *_told(line)))),
                reverse("register-entry", args=[line.register, line.key])) for line in found][:limit]  # fmt: skip


def _told(line: entries.Line) -> list[str]:
    return [value_word(name, value) for name, value in line.values.items()][:2]


def _rows_for(wanted: str) -> list[Row]:
    """What begins with the words; else what has the longest of them, and all others beside it."""
    found = _beginning(wanted, _MOST_READ)
    words = wanted.split()
    if found or len(words) < 2:
        return found
    longest = max(words, key=len)
    return [row for row in _beginning(longest, _MOST_FILTERED) if _has_all(row, words)]


def _has_all(row: Row, words: Iterable[str]) -> bool:
    spoken = " " + names.folded(f"{row[4]} {row[5]}")
    return all(f" {part}" in spoken or (not part.isascii() and part in spoken) for part in words)


def _beginning(start: str, most: int) -> list[Row]:
    """Names that begin with a folded text, from any of their words on: a range of the index."""
    low = start[: names.LONGEST].encode(errors="replace")
    if not low:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM registers_name WHERE folded >= %s AND folded < %s ORDER BY folded, id LIMIT %s",  # noqa: S608
            [low, low + b"\xff", most],
        )
        return [(bytes(row[0]), *row[1:]) for row in cursor.fetchall()]


def _best(rows: list[Row], wanted: str) -> list[Row]:
    """Each thing once: what is called exactly so first, then what begins so, then by kind and length of its name."""
    ranked = sorted(rows, key=lambda row: (
        row[0] != wanted.encode(errors="replace"), not names.folded(row[4]).startswith(wanted),
        _KINDS.index(row[1]) if row[1] in _KINDS else len(_KINDS), len(row[4]), row[4],
    ))  # fmt: skip
    return list({(row[1], row[2]): row for row in reversed(ranked)}.values())[::-1]


def _hit(row: Row) -> Hit:
    _folded, kind, _number, about, name, name_zh, lon, lat = row
    title = (name_zh if get_language() == "zh-hans" else name) or name or name_zh
    subtitle = word("street" if kind == "street" else about or kind)
    return Hit(title, subtitle, place=(lon, lat))


def _houses(street: str, number: str) -> list[Building]:
    """Buildings in streets of that name, those with exactly the number first, then those that begin with it."""
    rows = [row for row in _rows_for(names.folded(street)) if row[1] == "street"][:_MOST_STREETS]
    called = {name for row in rows for name in row[4:6] if name}
    wanted = number.casefold()
    numbered = Building.objects.filter(street__in=called).exclude(address_level__in=UNNUMBERED)
    near = numbered.only(*_SHOWN).order_by("street", "house_number", "id")
    exact = list(near.filter(house_number__in={number, number.upper(), wanted})[:_MOST_STREETS])
    known = {row.id for row in exact}
    others = near[:_MOST_HOUSES] if len(exact) < _MOST_STREETS else []
    return exact + [
        row for row in others if row.house_number.casefold().startswith(wanted) and row.id not in known
    ][:_MOST_STREETS]  # fmt: skip


def _house(row: Building, actor: Actor | None) -> Hit:
    title = f"{row.street} {known_number(row.house_number, row.address_level)}".strip() or row.name
    subtitle = " · ".join(part for part in (row.name if row.name != title else "", word(row.use)) if part)
    numbered = _("Building {number}").format(number=row.id)
    return Hit(title or numbered, f"{numbered} · {subtitle}" if title and subtitle else subtitle or numbered,
               reverse("city-building", args=[row.id]) if actor else "", (row.lon, row.lat))  # fmt: skip
