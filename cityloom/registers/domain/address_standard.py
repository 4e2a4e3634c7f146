"""One form for the many ways in which one address is written, and how far two addresses are the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from cityloom.registers.domain import divisions
from cityloom.registers.domain.address import is_chinese, one_width, parsed
from cityloom.registers.domain.names import folded

LEVELS = ("room", "building", "number", "street", "town", "district", "different", "unknown")
"""How far two addresses are the same, from the smallest part on; `unknown` where one says too little."""
_ROUNDS = 4
_PARTS_KEPT = 30_000  # names of streets and numbers of houses come again and again
_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_NUMERAL = re.compile(r"[零〇一二两三四五六七八九十百]+")
_ROAD_NUMERAL = re.compile(r"[一二两三四五六七八九十]+(?=号?[路街巷弄环组道])")
_NOT_NUMBER = re.compile(
    r"(?:幢楼?|栋楼?|号楼|号院|座楼?|#楼?|号公寓楼?|号别墅|单元|门洞|门|层楼?|楼|号?室|号?房间?|号?商?铺|号?店面?|户|号|"
    r"第)$|^第|^附|\s"
)
_WESTERN_MARKS = re.compile(
    r"\b(?:apartment|apt|appt|appartement|apartamento|apto|flat|unit|suite|ste|room|rm|sala|asunto|as|floor|"
    r"fl|flr|level|etage|et|andar|piso|kerros|krs|"
    r"building|bldg|bloco|bl|bat|batiment|block|blk|tower|entrance|entree|entrada|stair|staircase|rappu|no|"
    r"nr)\b|(?<=\d)\s?(?:o|a|st|nd|rd|th|e|eme)(?=\s|$)"
)
_WORDS = {
    "str": "street", "ave": "avenue", "av": "avenue", "avenida": "avenue", "rd": "road", "blvd": "boulevard",
    "bd": "boulevard", "boul": "boulevard", "ln": "lane", "dr": "drive", "ct": "court", "pl": "place", "plz": "plaza",
    "sq": "square", "hwy": "highway", "pkwy": "parkway", "ter": "terrace", "cir": "circle", "aly": "alley", "r": "rua",
    "tv": "travessa", "trav": "travessa", "lg": "largo", "pc": "praca", "pca": "praca", "al": "alameda",
    "estr": "estrada", "calc": "calcada", "imp": "impasse", "ch": "chemin", "all": "allee", "pass": "passage",
    "n": "north", "s": "south", "e": "east", "w": "west", "ste": "sainte", "eng": "engenheiro", "prof": "professor",
    "gen": "general", "sra": "senhora", "sto": "santo", "sta": "santa", "dq": "duque", "pr": "prince",
}  # fmt: skip
_SMALL = frozenset({"de", "da", "do", "das", "dos", "du", "des", "la", "le", "les", "l", "d", "the", "of"})
_SIDES = {
    "esquerdo": "esq", "esquerda": "esq", "direito": "dto", "direita": "dto", "dir": "dto", "dt": "dto",
    "frente": "ft", "fr": "ft", "fte": "ft", "frt": "ft",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standard:
    """An address as it is compared: each part in one way of writing, "" where the address does not say it."""

    script: str
    division: str
    town: str
    community: str
    street: str
    number: str
    side: str
    compound: str
    building: str
    unit: str
    floor: str
    room: str

    @property
    def key(self) -> str:
        """One text for all writings of one address, from the street or compound to the room."""
        where = "/".join((self.street, self.side, self.number)) if self.street else self.compound
        return "|".join(
            (where or self.community, self.building, self.unit, self.floor if not self.room else "", self.room)
        )


@lru_cache(maxsize=4_096)
def standard(text: str, home: str = "") -> Standard:
    """The standard form of an address, of its parts each in one way of writing. Never fails."""
    address = parsed(text, home)
    parts = address.by_kind()
    chinese = address.script == "chinese"
    name, number = (_chinese_name, _chinese_number) if chinese else (_western_name, _western_number)
    side = " ".join(
        filter(None, (_chinese_name(parts.get("side_road", "")), _chinese_number(parts.get("side_road_number", ""))))
    )
    return Standard(
        address.script, address.division, town_stem(parts.get("town", "")), name(parts.get("community", "")),
        name(parts.get("road", "")), number(parts.get("road_number", "")), side, name(parts.get("compound", "")),
        number(parts.get("building", "")), number(parts.get("unit", "")), number(parts.get("floor", "")),
        number(parts.get("room", "")),
    )  # fmt: skip


_ROAD_DIGITS = re.compile(r"\d{1,2}(?=[路街巷环道])")
_TENS = ("", "十", *(f"{sign}十" for sign in "二三四五六七八九"))


def _spoken(name: str) -> str:
    """A street's name with its number in Chinese signs, as most write it."""
    return _ROAD_DIGITS.sub(
        lambda found: _TENS[int(found[0]) // 10] + " 一二三四五六七八九"[int(found[0]) % 10].strip(), name
    )


def town_stem(town: str) -> str:
    """The name of a town or subdistrict without the word for it."""
    return re.sub(r"(?:街道办事处|街道|镇|乡)$", "", one_width(town))


@lru_cache(maxsize=_PARTS_KEPT)
def _chinese_name(text: str) -> str:
    plain = "".join(one_width(text).split()).casefold()
    return _ROAD_NUMERAL.sub(lambda found: str(value_of(found[0])), plain)


@lru_cache(maxsize=_PARTS_KEPT)
def _chinese_number(text: str) -> str:
    plain = "".join(one_width(text).split()).upper()
    plain = plain.replace("负", "-").replace("地下室", "-1层").replace("地下", "-")
    plain = _NUMERAL.sub(lambda found: str(value_of(found[0])), plain)
    shorter = _NOT_NUMBER.sub("", plain)
    return re.sub(r"[—–~至、/]", "-", shorter or plain).removeprefix("0")


def value_of(numeral: str) -> int:
    """The value of a Chinese numeral: 二十三 and 二三 are 23, 一百零五 is 105."""
    if not set(numeral) & {"十", "百"}:
        return int("".join(str(_DIGITS[sign]) for sign in numeral))
    total = pending = 0
    for sign in numeral:
        if sign in _DIGITS:
            pending = pending * 10 + _DIGITS[sign] if pending and not total else _DIGITS[sign]
        else:
            total += (pending or (1 if sign == "十" or not total else 0)) * (10 if sign == "十" else 100)
            pending = 0
    return total + pending


@lru_cache(maxsize=_PARTS_KEPT)
def _western_name(text: str) -> str:
    words = folded(text).split()
    full = [_full_word(word, place, len(words)) for place, word in enumerate(words)]
    return " ".join(word for word in full if word not in _SMALL)


def _full_word(word: str, place: int, count: int) -> str:
    """A word without its abbreviation; St is a saint before a name and a street after it."""
    if word == "st":
        return "saint" if place < count - 1 and count > 1 and place == 0 else "street"
    if len(word) == 1 and 0 < place < count - 1:
        return word
    return _WORDS.get(word, word)


@lru_cache(maxsize=_PARTS_KEPT)
def _western_number(text: str) -> str:
    words = folded(text)
    found = _WESTERN_MARKS.sub(" ", words).split()
    joined = "".join(_SIDES.get(word, word) for word in found)
    dashed = "-".join(found) if re.search(r"\d\s?[-–/]\s?\d", text) else joined
    return (dashed or words.replace(" ", "")).lstrip("0").upper()


def same_as_far_as(one: Standard, other: Standard) -> str:
    """How far two addresses are the same, one of `LEVELS`.

    A part that one of them does not tell is no difference, but ends what is known to be the same.
    """
    if _differ(one.division[:4].rstrip("0"), other.division[:4].rstrip("0")):
        return "different"
    known = _levels(one, other)
    reached = "unknown"
    for level, told in known:
        if told is False:
            return (
                reached
                if reached not in ("unknown", "district", "town") or level not in ("number", "street")
                else _apart(reached)
            )
        if told:
            reached = level
    return reached


def _apart(reached: str) -> str:
    return reached if reached != "unknown" else "different"


def _differ(one: str, other: str) -> bool:
    length = min(len(one), len(other))
    return one[:length] != other[:length]


def _levels(one: Standard, other: Standard) -> tuple[tuple[str, bool | None], ...]:
    """By level whether both say the same; None where one says nothing."""
    return (
        ("district", _same(one.division, other.division)),
        ("town", _same(one.town, other.town)),
        ("street", _same_street(one, other)),
        ("number", _same(f"{one.number}{one.side}", f"{other.number}{other.side}")),
        ("building", _same(one.building, other.building)),
        ("room", _same_inside(one, other)),
    )


def _same(one: str, other: str) -> bool | None:
    return one == other if one and other else None


def _same_street(one: Standard, other: Standard) -> bool | None:
    street = _same(one.street, other.street)
    compound = _same(one.compound, other.compound)
    if street is None:
        return compound if compound is not None else _same(one.community, other.community)
    return street


def _same_inside(one: Standard, other: Standard) -> bool | None:
    room = _same(one.room, other.room)
    if room is None:
        return None
    return room and _same(one.unit, other.unit) is not False and _same(one.floor, other.floor) is not False


def standardised(text: str, home: str = "") -> str:
    """An address written in one way: standardising it again changes nothing."""
    plain = _plain(text)
    written = plain
    for _ in range(_ROUNDS):
        again = _rewritten(written, home)
        if again == written:
            return written
        written = again
    return plain


def _plain(text: str) -> str:
    return " ".join(one_width(text[:300]).split())


def _rewritten(text: str, home: str) -> str:
    if not text:
        return ""
    said, form = parsed(text, home), standard(text, home)
    return _in_chinese(said.by_kind(), form) if said.script == "chinese" else _in_latin(said.by_kind(), form)


def _in_chinese(parts: dict[str, str], form: Standard) -> str:
    code = form.division
    above = (
        [divisions.coded(code[:2] + "0000"), divisions.coded(code[:4] + "00"), divisions.coded(code)] if code else []
    )
    head = (
        "".join(dict.fromkeys(above))
        if code
        else "".join(parts.get(kind, "") for kind in ("province", "city", "district"))
    )
    words = [
        head,
        parts.get("zone", ""),
        one_width(parts.get("town", "")),
        _spoken(form.community),
        _spoken(form.street),
        _with(form.number, "号"),
        _spoken(form.side),
    ]
    words += [
        form.compound,
        one_width(parts.get("sub_compound", "")),
        _with(form.building, "栋"),
        _with(form.unit, "单元"),
    ]
    words += [
        _with(form.floor, "楼") if not form.room else "",
        _with(form.room, "室"),
        one_width(parts.get("relation", "")),
        one_width(parts.get("occupant", "")),
    ]
    return "".join(words)


def _with(number: str, word: str) -> str:
    return f"{number}{word}" if number else ""


def _in_latin(parts: dict[str, str], form: Standard) -> str:
    street = " ".join(filter(None, (form.street, form.number.lower())))
    inside = [
        _before("building", form.building),
        _before("entrance", form.unit),
        _before("floor", form.floor),
        _before("apt", form.room),
    ]
    city = " ".join(filter(None, (parts.get("postcode", ""), folded(parts.get("city", "")))))
    pieces = [
        street,
        *inside,
        folded(parts.get("compound", "")),
        city,
        parts.get("province", "").lower(),
        folded(parts.get("country", "")),
    ]
    return ", ".join(filter(None, pieces))


def _before(word: str, number: str) -> str:
    return f"{word} {number.lower()}" if number else ""


def name_key(name: str) -> str:
    """The name of a street, building or area as it is compared, in whichever script it is written."""
    return _chinese_name(name) if is_chinese(one_width(name)) else _western_name(name)
