"""What is noted of disagreements: found, listed, decided; never what was said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Count

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.registers import bulk
from cityloom.registers.domain.facts import DisagreementFacts, Noted, Rate
from cityloom.registers.domain.kinds import REGISTERS
from cityloom.registers.models import RECORDS, Comparison, Disagreement, Source

_AT_ONCE = 500
_CHANGES = ("record_a", "record_b", "found_by", "said", "state", "right", "by", "at", "reason", "past")
_NEW = ("register", "key", "other_key", "field", "source_a", "source_b", "record_a", "record_b", "found_by", "said",
        "state", "right", "by", "reason")  # fmt: skip
OPENED = "opened"
"""Among past decisions: that somebody looked, and why."""
Pair = tuple[str, str, int, int, str]
"""Key, field, the two sources, the smaller number first, and the second one's key where it is another."""


@dataclass(frozen=True)
class When:
    """The load that brought a change, 0 for a steward's own, and its instant; who parted two entries, and why."""

    load: int
    at: datetime
    by: str = ""
    reason: str = ""


@dataclass
class Marks:
    """What a comparison changes: rows that are new, rows that were known, and by field how many are news."""

    new: list[Disagreement]
    changed: list[Disagreement]
    news: Counter[str] = field(default_factory=Counter)


def pair_of(noted: Noted) -> tuple[Pair, tuple[int, int]]:
    """A disagreement's pair, and its records in the same order."""
    key, other_key = noted.key, noted.other_key or noted.key
    one, other = sorted(((noted.source, noted.record, key), (noted.other_source, noted.other_record, other_key)))
    second = "" if one[2] == other[2] else other[2]
    return (one[2], noted.field, one[0], other[0], second), (one[1], other[1])


def note(
    register: str, found: Sequence[Noted], known: Iterable[Disagreement], when: When
) -> Counter[str]:  # fmt: skip
    """Keep what was found, in one short transaction; what was `known` of the same entries and is not found has ended.

    A decision holds as long as both sources say what they said. Returns by field how many are news.
    """
    by_pair = {(row.key, row.field, row.source_a, row.source_b, row.other_key): row for row in known}
    marks = Marks([], [])
    for noted in found:
        pair, records = pair_of(noted)
        _note_one(register, pair, records, noted.said, by_pair.pop(pair, None), when, marks)
    for row in by_pair.values():
        if row.state != Disagreement.ENDED:
            _end(row, when, Disagreement.ENDED)
            if when.reason:
                row.by, row.at, row.reason = when.by, when.at, when.reason
            marks.changed.append(row)
    with transaction.atomic():
        if marks.new:
            bulk.write(Disagreement, _columns(marks.new))
        bulk.rewrite(Disagreement, marks.changed, _CHANGES)
    return marks.news


def _columns(rows: Sequence[Disagreement]) -> dict[str, list[Any]]:
    """New rows, which nobody has decided anything about."""
    return {name: [getattr(row, name) for row in rows] for name in _NEW} | {"past": ["[]"] * len(rows)}


def _note_one(
    register: str, pair: Pair, records: tuple[int, int], said: int, row: Disagreement | None, when: When, marks: Marks
) -> None:  # fmt: skip
    if row is None:
        key, name, source_a, source_b, other_key = pair
        marks.news[name] += 1
        marks.new.append(Disagreement(
            register=register, key=key, other_key=other_key, field=name, source_a=source_a, source_b=source_b,
            record_a=records[0], record_b=records[1], found_by=when.load, said=said,
        ))  # fmt: skip
        return
    if (row.record_a, row.record_b, row.said) == (*records, said) and row.state != Disagreement.ENDED:
        return
    is_news = row.said != said or row.state == Disagreement.ENDED
    if is_news and row.state != Disagreement.OPEN:
        _end(row, when, Disagreement.OPEN)
        row.found_by = when.load
        marks.news[row.field] += 1
    row.record_a, row.record_b, row.said = *records, said
    marks.changed.append(row)


def _end(row: Disagreement, when: When, state: str) -> None:
    """Let a decision become a past one."""
    _remember(row, when)
    row.state, row.right, row.by, row.at, row.reason = state, 0, "", None, ""


def _remember(row: Disagreement, when: When) -> None:
    if row.at is not None:
        decided = {"state": row.state, "right": row.right, "by": row.by, "at": clock.to_text(row.at),
                   "reason": row.reason, "until": clock.to_text(when.at), "until_load": when.load}  # fmt: skip
        row.past = [*row.past, decided]


def known_for(register: str, keys: Collection[str], fields: Collection[str]) -> list[Disagreement]:
    """What is noted of these entries in these fields, between whatever sources."""
    wanted, rows = sorted(keys), []
    for first in range(0, len(wanted), _AT_ONCE):
        some = Disagreement.objects.filter(key__in=wanted[first : first + _AT_ONCE], register=register, other_key="")
        rows += some.filter(field__in=list(fields))
    return rows


def decide(number: int, *, right: str, reason: str, by: str, at: datetime) -> None:
    """Write down which source is right, or with an empty `right` that both may stand.

    Raises: Refused `registers.no_disagreement`, `registers.disagreement_over`, `registers.not_in_it`.
    """
    with transaction.atomic():
        row = Disagreement.objects.select_for_update().filter(id=number).first()
        if row is None:
            raise Refused("registers.no_disagreement", "There is no disagreement {value}; "
                          "`cityloom register disagreements` lists them.", value=number)  # fmt: skip
        if row.state == Disagreement.ENDED:
            raise Refused("registers.disagreement_over", "The sources say the same again, or the entries are joined no "
                          "more, so there is nothing to decide; go back to the list.")  # fmt: skip
        names = dict(Source.objects.filter(id__in=(row.source_a, row.source_b)).values_list("name", "id"))
        if right and right not in names:
            raise Refused("registers.not_in_it", "{value} is not one of the two sources; choose {limit}.",
                          value=right[:60], limit=" or ".join(sorted(names)))  # fmt: skip
        _remember(row, When(0, at))
        row.state = Disagreement.SETTLED if right else Disagreement.ACCEPTED
        row.right, row.by, row.at, row.reason = names.get(right, 0), by, at, reason
        row.save(update_fields=list(_CHANGES))


def note_opened(number: int, *, reason: str, by: str, at: datetime) -> None:
    """Write down why somebody looked at what both sources say; nothing is decided by it."""
    with transaction.atomic():
        row = Disagreement.objects.select_for_update().get(id=number)
        row.past = [*row.past, {"state": OPENED, "right": 0, "by": by, "at": clock.to_text(at), "reason": reason}]
        row.save(update_fields=["past"])


def known_of_joined(
    register: str, keys: Collection[str], fields: Collection[str], source: int = 0
) -> list[Disagreement]:  # fmt: skip
    """What is noted between joined entries: under these keys of the first source, or of one `source` on either side."""
    asked = Disagreement.objects.filter(register=register, field__in=list(fields)).exclude(other_key="")
    first_is, second_is = (asked.filter(source_a=source), asked.filter(source_b=source)) if source else (asked, None)
    wanted, rows = sorted(keys), list[Disagreement]()
    for first in range(0, len(wanted), _AT_ONCE):
        some = wanted[first : first + _AT_ONCE]
        rows += first_is.filter(key__in=some)
        rows += second_is.filter(other_key__in=some) if second_is is not None else []
    return rows


def settled(register: str, keys: Sequence[str], at: datetime | None = None) -> dict[str, str]:
    """By field, the source that a steward found to be right: as decided now, or as it was decided at an instant.

    `keys` are all that are one entry; what was decided between one of them and another counts, too.
    """
    if not _is_decided(register, keys, now=at is None):
        return {}
    asked = Disagreement.objects.filter(key__in=keys, other_key__in=("", *keys), register=register)
    rows = asked.values("field", "state", "right", "at", "past")
    decided = sorted(one for row in rows if (one := _decision(row, at)))
    names = dict(Source.objects.values_list("id", "name")) if decided else {}
    return {name: names[right] for _when, name, right in decided if right in names}


def _is_decided(register: str, keys: Sequence[str], *, now: bool) -> bool:
    """Whether anything was ever decided, or is `now`; raw, since every look at an entry asks, and few were decided."""
    decided, places = "AND at IS NOT NULL" if now else "", ", ".join(["%s"] * len(keys))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT 1 FROM {Disagreement._meta.db_table} WHERE key IN ({places}) AND register = %s {decided} LIMIT 1",  # noqa: S608
            [*keys, register],
        )
        return cursor.fetchone() is not None


def _decision(row: Mapping[str, Any], at: datetime | None) -> tuple[str, str, int] | None:
    """When a row was decided, its field, and the source that was right; None where none was, then."""
    taken = [] if row["at"] is None else [(clock.to_text(row["at"]), row["right"])]
    if at is not None:
        taken = [one for one in _taken(row) if one[0] <= clock.to_text(at)]
    last = max(taken, default=("", 0))
    return (last[0], row["field"], last[1]) if last[1] else None


def _taken(row: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Every decision of a row, and with no source the instant at which a load ended one."""
    taken = [] if row["at"] is None else [(clock.to_text(row["at"]), int(row["right"]))]
    for one in row["past"]:
        if one["state"] == OPENED:
            continue
        taken.append((one["at"], one["right"]))
        if ended := one.get("until"):
            taken.append((ended, 0))
    return taken


def listed(
    *, register: str = "", field: str = "", state: str = Disagreement.OPEN, source: str = "", other: str = "",
    load: int = 0, before: int = 0, limit: int = 50,
) -> list[DisagreementFacts]:  # fmt: skip
    """Disagreements, the newest first; `before` the number that the last page ended with."""
    names = dict(Source.objects.values_list("id", "name"))
    numbers = {name: number for number, name in names.items()}
    asked = {"register": register, "field": field, "state": state}
    rows = Disagreement.objects.order_by("-id").filter(**{name: value for name, value in asked.items() if value})
    for wanted in filter(None, (source, other)):
        number = numbers.get(wanted, -1)
        rows = rows.filter(source_a=number) | rows.filter(source_b=number)
    if load:
        rows = rows.filter(found_by=load)
    if before:
        rows = rows.filter(id__lt=before)
    return [facts_of(row, names) for row in rows[:limit]]


def one(number: int) -> DisagreementFacts:
    """A disagreement. Raises: Refused `registers.no_disagreement`."""
    row = Disagreement.objects.filter(id=number).first()
    if row is None:
        raise Refused("registers.no_disagreement", "There is no disagreement {value}; `cityloom register "
                      "disagreements` lists them.", value=number)  # fmt: skip
    return facts_of(row, dict(Source.objects.values_list("id", "name")))


def of_entry(register: str, keys: Sequence[str]) -> list[DisagreementFacts]:
    """What sources disagree on of an entry, which may have several keys; decided or not."""
    asked = Disagreement.objects.filter(register=register, key__in=keys, other_key__in=("", *keys))
    rows = asked.exclude(state=Disagreement.ENDED).order_by("field")
    names = dict(Source.objects.values_list("id", "name"))
    return [facts_of(row, names) for row in rows]


def facts_of(row: Disagreement, names: Mapping[int, str]) -> DisagreementFacts:
    """A disagreement as it is shown."""
    return DisagreementFacts(
        row.id, row.register, row.key, row.field, (names.get(row.source_a, ""), names.get(row.source_b, "")),
        (row.record_a, row.record_b), row.found_by, row.state, names.get(row.right, ""), row.by, row.at, row.reason,
        tuple(one | {"right": names.get(one["right"], "")} for one in row.past), row.other_key,
    )  # fmt: skip


def counted(state: str = Disagreement.OPEN) -> list[tuple[str, str, str, str, int]]:
    """Register, field, the two sources and how many: what there is to decide, the most first."""
    names = dict(Source.objects.values_list("id", "name"))
    rows = Disagreement.objects.filter(state=state).values_list("register", "field", "source_a", "source_b")
    found = rows.annotate(count=Count("id")).order_by("-count", "register", "field")
    return [(register, name, names.get(a, ""), names.get(b, ""), count) for register, name, a, b, count in found]


def rates(limit: int = 20) -> list[Rate]:
    """How often sources disagree, by load, other source and field, the newest load first."""
    names = dict(Source.objects.values_list("id", "name"))
    return [
        Rate(row.load, row.register, names.get(row.source_id, ""), other, name, compared, differing)
        for row in Comparison.objects.order_by("-load")[:limit]
        for other, fields in sorted(row.counts.items())
        for name, (compared, differing) in sorted(fields.items()) if compared
    ]  # fmt: skip


def value_of(register: str, record: int, name: str) -> Any:
    """What a record says of a field; None for a sealed one, and for a register whose records lie elsewhere."""
    if register not in RECORDS or name not in REGISTERS[register].names or REGISTERS[register].field(name).personal:
        return None
    names = ("lon", "lat") if name == "lon" else (name,)
    values = RECORDS[register]._default_manager.filter(id=record).values_list(*names).first()
    return None if values is None else values[0] if len(names) == 1 else " ".join(map(str, values))
