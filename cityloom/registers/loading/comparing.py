"""After a load: where what it brought is not what other sources say. Sets are compared, not entries one by one."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from cityloom.bus import actions as bus
from cityloom.kernel import ids
from cityloom.registers.domain.facts import Noted
from cityloom.registers.domain.kinds import REGISTERS, Field
from cityloom.registers.domain.sameness import plain
from cityloom.registers.domain.survivorship import FieldRule, Rules, is_compared, is_same
from cityloom.registers.events import RecordsDisagree
from cityloom.registers.models import RECORDS, Comparison, Disagreement, Load, Source
from cityloom.registers.trust import disagreements, rules

COMPARED = [name for name in RECORDS if name != "people"]
"""What sources say of people is sealed: whoever links them compares them."""
_ROWS = 10_000
_GONE_FROM = 1 << 31
_DEGREE_M = 111_400.0  # a degree of latitude or longitude is never longer
_NUMBERS = ("number", "whole", "money")


def compare_due(at: datetime) -> None:
    """Compare every load that is known and was not compared yet, in their order; what was cut short begins again."""
    last = Comparison.objects.order_by("-load").values_list("load", flat=True).first() or 0
    for load in Load.objects.filter(state=Load.DONE, number__gt=last, register__in=COMPARED).order_by("number"):
        compare(load, at)


def compare(load: Load, at: datetime) -> None:
    """Note where a load's records and the last words of other sources say different things, and publish how many."""
    work = _Work(load, rules.in_force())
    if load.register in COMPARED and work.others:
        for low, high in work.parts:
            found, known = work.found(low, high), work.known(low, high)
            disagreements.note(load.register, found, known, load=load.number, at=at)
    _publish(work, at)


@dataclass
class _Work:
    """One load's comparison."""

    load: Load
    rules: Rules
    counts: dict[int, dict[str, list[int]]] = field(default_factory=dict)

    @cached_property
    def others(self) -> list[int]:
        """The other sources that ever brought something into the register."""
        loads = Load.objects.filter(state=Load.DONE, register=self.load.register, number__lt=self.load.number)
        return sorted({*loads.values_list("source_id", flat=True).distinct()} - {self.load.source_id})

    @cached_property
    def fields(self) -> list[tuple[Field, FieldRule]]:
        """The fields that are compared, each with its rule; a place is one of them."""
        register = REGISTERS[self.load.register]
        kept = {each.name for each in RECORDS[register.name]._meta.concrete_fields}
        pairs = [(each, self.rules.of(register.name, each.name)) for each in register.fields
                 if each.name in kept and is_compared(register, each)]  # fmt: skip
        return [(each, rule) for each, rule in pairs if rule.compare]

    @property
    def parts(self) -> Iterator[tuple[int, int]]:
        """Ranges of the load's records, small enough for a short transaction."""
        start = self.load.number << 32
        gone = self.load.counts.get("gone", 0)
        for first, count in ((0, self._last_row() + 1), (_GONE_FROM, gone)):
            for low in range(first, first + count, _ROWS):
                yield start + low, start + min(low + _ROWS, first + count)

    def _last_row(self) -> int:
        table, start = RECORDS[self.load.register], self.load.number << 32
        rows = table._default_manager.filter(id__gte=start, id__lt=start + _GONE_FROM)
        return (rows.order_by("-id").values_list("id", flat=True).first() or start) - start

    @property
    def _table(self) -> str:
        return RECORDS[self.load.register]._meta.db_table

    @property
    def _joined(self) -> str:
        """A range of this load's records beside what other sources say of the same entries, as of this load."""
        following = self.load.number + 1
        return (
            f" FROM {self._table} a JOIN {self._table} b ON b.key = a.key AND b.source_id <> a.source_id"
            f" WHERE a.id >= %s AND a.id < %s AND NOT a.is_gone AND NOT b.is_gone"
            f" AND b.id < {following << 32} AND b.closed_by >= {following} AND a.closed_by >= {following}"
        )

    def found(self, low: int, high: int) -> list[Noted]:
        """Where the records of a range disagree with others, and count what was compared."""
        with connection.cursor() as cursor:
            self._count(cursor, low, high)
            columns = [f"{side}.{name}" for side in "ab" for name in ("id", "source_id", *self._names)]
            cursor.execute(f"SELECT a.key, {', '.join(columns)}{self._joined} AND ({self._may_differ})", [low, high])
            return [noted for row in cursor.fetchall() for noted in self._noted(row)]

    @cached_property
    def _names(self) -> list[str]:
        names = [each.name for each, _rule in self.fields]
        return [*names, "lat"] if "lon" in names else names

    def _count(self, cursor: Any, low: int, high: int) -> None:
        sums = ", ".join(f"sum(CASE WHEN {self._filled(each)} THEN 1 ELSE 0 END)" for each, _rule in self.fields)
        cursor.execute(f"SELECT b.source_id, {sums}{self._joined} GROUP BY b.source_id", [low, high])
        for other, *counts in cursor.fetchall():
            held = self.counts.setdefault(other, {each.name: [0, 0] for each, _rule in self.fields})
            for (each, _rule), count in zip(self.fields, counts, strict=True):
                held[each.name][0] += count or 0

    def _filled(self, each: Field) -> str:
        """That both sides say something."""
        names = ("lon", "lat") if each.kind == "lon" else (each.name,)
        return " AND ".join(f"{side}.{name} {self._is_filled(name)}" for side in "ab" for name in names)

    def _is_filled(self, name: str) -> str:
        return "IS NOT NULL" if RECORDS[self.load.register]._meta.get_field(name).null else "<> ''"

    @cached_property
    def _may_differ(self) -> str:
        return " OR ".join(f"({self._filled(each)} AND {_differs(each, rule)})" for each, rule in self.fields)

    def _noted(self, row: Sequence[Any]) -> Iterator[Noted]:
        key, width = row[0], len(self._names) + 2
        one, other = row[1 : 1 + width], row[1 + width :]
        first, second = (dict(zip(self._names, side[2:], strict=True)) for side in (one, other))
        for each, rule in self.fields:
            here, there = _said(each, first), _said(each, second)
            if here is None or there is None or is_same(each.kind, rule, here, there):
                continue
            self.counts[other[1]][each.name][1] += 1
            said = _digest(rule, (one[1], here), (other[1], there))
            yield Noted(key, each.name, one[1], one[0], other[1], other[0], said)

    def known(self, low: int, high: int) -> list[Disagreement]:
        """What is noted already of the entries of a range, between this source and others."""
        names = [each.name for each, _rule in self.fields]
        rows = Disagreement.objects.raw(
            f"SELECT DISTINCT d.id FROM {self._table} a JOIN {Disagreement._meta.db_table} d"  # noqa: S608 - constants
            " ON d.key = a.key AND d.register = %s WHERE a.id >= %s AND a.id < %s"
            " AND (d.source_a = a.source_id OR d.source_b = a.source_id)"
            f" AND d.field IN ({', '.join(['%s'] * len(names))})",
            [self.load.register, low, high, *names],
        )
        numbers = [row.id for row in rows]
        return [row for first in range(0, len(numbers), 500)
                for row in Disagreement.objects.filter(id__in=numbers[first : first + 500])]  # fmt: skip


def _differs(each: Field, rule: FieldRule) -> str:
    """In SQL: what is surely the same drops out; the exact question is asked of the rest."""
    if each.kind == "lon":
        near = rule.within_m / _DEGREE_M / 1.5
        return f"(abs(a.lon - b.lon) > {near!r} OR abs(a.lat - b.lat) > {near!r})"
    if each.kind in _NUMBERS:
        apart = f"abs(a.{each.name} - b.{each.name})"
        return f"{apart} > {float(rule.tolerance)!r} + {float(rule.share)!r} * abs(a.{each.name})"
    return f"a.{each.name} <> b.{each.name}"


def _said(each: Field, values: dict[str, Any]) -> Any:
    if each.kind == "lon":
        place = (values["lon"], values["lat"])
        return None if None in place else place
    value = values[each.name]
    return None if value in ("", None) else value


def _digest(rule: FieldRule, *sides: tuple[int, Any]) -> int:
    """64 bits that change when either side says something else: a plain digest would confirm a guessed value."""
    key = bytes.fromhex(salted_hmac("cityloom.registers.disagreement", "", algorithm="sha256").hexdigest())
    told = [(source, plain(value, rule.ignore) if isinstance(value, str) else repr(value))
            for source, value in sorted(sides, key=lambda side: side[0])]  # fmt: skip
    return int.from_bytes(hashlib.blake2b(repr(told).encode(), digest_size=8, key=key).digest(), "big", signed=True)


def _publish(work: _Work, at: datetime) -> None:
    """Note that the load was compared and, where there is news, say so; both or neither."""
    load = work.load
    names = dict(Source.objects.values_list("id", "name"))
    news = Disagreement.objects.filter(found_by=load.number, register=load.register)
    by_field = Counter(news.values_list("field", flat=True))
    counts = {names[other]: fields for other, fields in work.counts.items()}
    with transaction.atomic():
        Comparison.objects.create(load=load.number, register=load.register, source_id=load.source_id, counts=counts,
                                  found=by_field.total(), at=at)  # fmt: skip
        if by_field:
            announce(load.number, load.register, names[load.source_id], by_field, at)


def announce(load: int, register: str, source: str, by_field: Counter[str], at: datetime) -> None:
    """Publish that a load's records are not what others say, once for each load and register."""
    fact = RecordsDisagree(load, register, source, by_field.total(), dict(sorted(by_field.items())), at)
    bus.publish(fact, at=at, event_id=ids.named_id("records disagree", load, register))


def note(
    register: str, rows: Sequence[Noted], *, load: int, keys: Collection[str], fields: Collection[str], at: datetime
) -> None:  # fmt: skip
    """Keep what somebody else compared; what was noted of the same entries and fields and is not there has ended."""
    source = Load.objects.values_list("source_id", flat=True).get(number=load)
    known = [row for row in disagreements.known_for(register, keys, fields) if source in (row.source_a, row.source_b)]
    disagreements.note(register, rows, known, load=load, at=at)
    news = Disagreement.objects.filter(found_by=load, register=register, field__in=list(fields))
    if by_field := Counter(news.values_list("field", flat=True)):
        announce(load, register, Source.objects.values_list("name", flat=True).get(id=source), by_field, at)
