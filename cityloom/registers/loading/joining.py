"""After entries were joined or parted: where sources say different things of what is one entry, under several keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from django.db import transaction

from cityloom.bus import actions as bus
from cityloom.registers.domain.facts import Noted
from cityloom.registers.events import RecordsDisagree
from cityloom.registers.loading.differing import Differing, Sides
from cityloom.registers.models import RECORDS, Load, RecordLink
from cityloom.registers.trust import disagreements, pairs, rules
from cityloom.registers.trust.disagreements import When

COMPARED = [name for name in RECORDS if name != "people"]
"""What sources say of people is sealed: whoever links them compares them."""
_PAIRS_AT_ONCE = 500
_LINKS_AT_ONCE = 500
_LOWER_FIRST = "a.source_id < b.source_id"


def compare_due(at: datetime) -> None:
    """Compare all pairs that were joined, or parted, and not compared since; what was cut short is made up for."""
    due = RecordLink.objects.filter(is_compared=False, register__in=COMPARED).order_by("register", "id")
    for register, links in groupby(due.values_list("register", "id"), key=lambda link: link[0]):
        numbers = [number for _register, number in links]
        for first in range(0, len(numbers), _LINKS_AT_ONCE):
            _compare(register, numbers[first : first + _LINKS_AT_ONCE], When(0, at))


def compare(number: int, *, by: str, at: datetime, reason: str = "") -> None:
    """Compare what is said of both entries of a pair; what ends, since they are parted, ends with the reason."""
    link = RecordLink.objects.get(id=number)
    if link.register in COMPARED and not link.is_compared:
        _compare(link.register, [number], When(0, at, by, reason))


def _compare(register: str, numbers: Sequence[int], when: When) -> None:
    """Compare all that is one with an entry of these pairs, and say so where there is news; all of it or nothing."""
    work = Differing(register, rules.in_force())
    with transaction.atomic():
        links = RecordLink.objects.select_for_update().filter(id__in=numbers)
        touched = {key for keys in links.values_list("left_key", "right_key") for key in keys}
        joined = pairs.joined(register, touched)
        known = disagreements.known_of_joined(register, touched | joined.keys(), work.field_names)
        news = disagreements.note(register, _found(work, joined), known, when)
        RecordLink.objects.filter(id__in=numbers).update(is_compared=True)
        if news:
            by_field = dict(sorted(news.items()))
            bus.publish(RecordsDisagree(0, register, "", news.total(), by_field, when.at), at=when.at)


def _found(work: Differing, joined: Mapping[str, set[str]]) -> list[Noted]:
    """Where what a source says under these keys is not what one with a larger number says of the same entries."""
    last = Load.objects.filter(state=Load.DONE).order_by("-number").values_list("number", flat=True).first() or 0
    return [noted for sides in sides_of(work, joined, last, _LOWER_FIRST) for noted in work.found(sides, Counter())]


def sides_of(work: Differing, joined: Mapping[str, Iterable[str]], last: int, condition: str) -> Iterator[Sides]:
    """Records under keys beside those of other sources under the keys that are one with them, as of a load."""
    ones = [(key, other) for key, others in joined.items() for other in sorted(others)]
    following = last + 1
    for first in range(0, len(ones), _PAIRS_AT_ONCE):
        some = ones[first : first + _PAIRS_AT_ONCE]
        # CROSS JOIN keeps SQLite from beginning with the records
        yield Sides(
            f" FROM one CROSS JOIN {work.table} a CROSS JOIN {work.table} b"
            " WHERE a.key = one.key AND b.key = one.other AND b.source_id <> a.source_id"
            f" AND {condition} AND NOT a.is_gone AND NOT b.is_gone AND a.id < {following << 32}"
            f" AND b.id < {following << 32} AND b.closed_by >= {following} AND a.closed_by >= {following}",
            [key for pair in some for key in pair],
            f"WITH one (key, other) AS (VALUES {', '.join(['(%s, %s)'] * len(some))}) ",
        )  # fmt: skip
