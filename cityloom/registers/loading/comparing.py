"""After a load: where what it brought is not what other sources say. Sets are compared, not entries one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from django.db import connection, transaction

from cityloom.bus import actions as bus
from cityloom.kernel import ids
from cityloom.registers.domain.facts import Noted
from cityloom.registers.domain.reviewing import JOINED
from cityloom.registers.domain.survivorship import PEOPLE
from cityloom.registers.events import RecordsDisagree
from cityloom.registers.loading import person_believed, person_settling
from cityloom.registers.loading.differing import Count, Differing, Sides
from cityloom.registers.loading.joining import COMPARED, sides_of
from cityloom.registers.models import RECORDS, Comparison, Disagreement, Load, RecordLink, Source
from cityloom.registers.trust import disagreements, pairs, rules
from cityloom.registers.trust.disagreements import When

_ROWS = 10_000
_GONE_FROM = 1 << 31


def compare_due(at: datetime) -> None:
    """Compare every load that is known and was not compared yet, in their order; what was cut short begins again."""
    last = Comparison.objects.order_by("-load").values_list("load", flat=True).first() or 0
    due = Load.objects.filter(state=Load.DONE, number__gt=last, register__in=[*COMPARED, PEOPLE])
    for load in due.order_by("number"):
        compare(load, at)


def compare(load: Load, at: datetime) -> None:
    """Note where a load's records and the last words of other sources say different things, and publish how many."""
    work = _Work(load, Differing(load.register, rules.in_force()))
    if load.register == PEOPLE and work.others:
        for low, high in work.parts:
            people = person_believed.touched(low, high)
            _note_people(work, people, at)
    if load.register in COMPARED and work.others:
        for low, high in work.parts:
            joined = work.joined(low, high)
            found = work.found(low, high, joined)
            disagreements.note(load.register, found, work.known(low, high, joined), When(load.number, at))
    _publish(work, at)


def _note_people(work: _Work, people: list[int], at: datetime) -> None:
    """Note where sources disagree on people; where that ends a steward's decision, the rules hold again."""
    load, known = work.load, person_believed.known(people)
    settled = [row for row in known if row.state == Disagreement.SETTLED]
    found = person_believed.found_among(people, load.number, work.compared, work.differ, load.source_id)
    disagreements.note(PEOPLE, found, known, When(load.number, at))
    over = sorted({int(row.key) for row in settled if row.state != Disagreement.SETTLED})
    if over:
        person_settling.put_in_force(over, load.number)


@dataclass
class _Work:
    """One load's comparison."""

    load: Load
    differing: Differing
    compared: Counter[Count] = field(default_factory=Counter)
    differ: Counter[Count] = field(default_factory=Counter)

    @cached_property
    def others(self) -> list[int]:
        """The other sources that ever brought something into the register."""
        loads = Load.objects.filter(state=Load.DONE, register=self.load.register, number__lt=self.load.number)
        return sorted({*loads.values_list("source_id", flat=True).distinct()} - {self.load.source_id})

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

    @cached_property
    def _has_joins(self) -> bool:
        return RecordLink.objects.filter(register=self.load.register, state__in=JOINED).exists()

    def joined(self, low: int, high: int) -> dict[str, set[str]]:
        """The keys of a range that are one entry with others, and these."""
        if not self._has_joins:
            return {}
        link, table = RecordLink._meta.db_table, self.differing.table
        # CROSS JOIN and || keep SQLite from walking through all joined links for each range, or for each record
        asked = " UNION ".join(
            f"SELECT a.key FROM {table} a CROSS JOIN {link} l WHERE a.id >= %s AND a.id < %s AND a.source_id = %s"  # noqa: S608
            f" AND l.register = %s AND l.{side} = a.key AND l.state || '' IN ('certain', 'same')"
            for side in ("left_key", "right_key")
        )
        with connection.cursor() as cursor:
            cursor.execute(asked, [low, high, self.load.source_id, self.load.register] * 2)
            keys = [key for (key,) in cursor.fetchall()]
        others = pairs.joined(self.load.register, keys)
        return {key: others.get(key, set()) for key in keys}

    def found(self, low: int, high: int, joined: dict[str, set[str]]) -> list[Noted]:
        """Where the records of a range disagree with others, and count what was compared."""
        found, last = list[Noted](), self.load.number
        for sides in (self._same_key(low, high), *sides_of(self.differing, joined, last, self._range(low, high))):
            self.differing.count(sides, self.compared)
            found += self.differing.found(sides, self.differ)
        return found

    def _same_key(self, low: int, high: int) -> Sides:
        """A range of this load's records beside what other sources say of the same entries, as of this load."""
        following = self.load.number + 1
        return Sides(
            f" FROM {self.differing.table} a JOIN {self.differing.table} b"
            f" ON b.key = a.key AND b.source_id <> a.source_id"
            f" WHERE {self._range(low, high)} AND NOT a.is_gone AND NOT b.is_gone"
            f" AND b.id < {following << 32} AND b.closed_by >= {following} AND a.closed_by >= {following}", []
        )  # fmt: skip

    @staticmethod
    def _range(low: int, high: int) -> str:
        return f"a.id >= {low} AND a.id < {high}"

    def known(self, low: int, high: int, joined: dict[str, set[str]]) -> list[Disagreement]:
        """What is noted already of the entries of a range, between this source and others."""
        names = self.differing.field_names
        rows = Disagreement.objects.raw(
            f"SELECT DISTINCT d.id FROM {self.differing.table} a JOIN {Disagreement._meta.db_table} d"  # noqa: S608
            " ON d.key = a.key AND d.register = %s WHERE a.id >= %s AND a.id < %s AND d.other_key || '' = ''"
            " AND (d.source_a = a.source_id OR d.source_b = a.source_id)"
            f" AND d.field IN ({', '.join(['%s'] * len(names))})",
            [self.load.register, low, high, *names],
        )
        numbers = [row.id for row in rows]
        same = [row for first in range(0, len(numbers), 500)
                for row in Disagreement.objects.filter(id__in=numbers[first : first + 500])]  # fmt: skip
        return same + disagreements.known_of_joined(self.load.register, joined, names, self.load.source_id)

    def rates(self) -> dict[int, dict[str, tuple[int, int]]]:
        """By other source and field, of how many entries both said something, and of how many different things."""
        rates: dict[int, dict[str, tuple[int, int]]] = {}
        for (other, name), count in self.compared.items():
            rates.setdefault(other, {})[name] = (count, self.differ[other, name])
        return rates


def _publish(work: _Work, at: datetime) -> None:
    """Note that the load was compared and, where there is news, say so; both or neither."""
    load = work.load
    names = dict(Source.objects.values_list("id", "name"))
    news = Disagreement.objects.filter(found_by=load.number, register=load.register)
    by_field = Counter(news.values_list("field", flat=True))
    counts = {names[other]: fields for other, fields in work.rates().items()}
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
    disagreements.note(register, rows, known, When(load, at))
    news = Disagreement.objects.filter(found_by=load, register=register, field__in=list(fields))
    if by_field := Counter(news.values_list("field", flat=True)):
        announce(load, register, Source.objects.values_list("name", flat=True).get(id=source), by_field, at)
