"""Who among people of a file is somebody whom another source told of under another number, or may be.

The keeper names and opens who is alike, at most five for each; the linkage engine weighs the pairs. Nothing of what
was opened leaves this module but weights.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from cityloom.gate import actions as gate
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.registers.domain import linkage_config
from cityloom.registers.domain.linkage import Model
from cityloom.registers.domain.reviewing import CERTAIN, REVIEW
from cityloom.registers.linkage import engine
from cityloom.registers.models import PersonRecord, RecordLink, Resident
from cityloom.registers.trust import pairs

REGISTER = "people"
_FEWEST = 10_000
"""A register of fewer people is taken for one of so many: what is rare among few is not rare."""
_NUMBER = gate.WEIGHED_FIELDS.index("national_id")
_WHOLE_NUMBER = 18
_OVERDRAWN = ("gate.budget", "gate.breaker")


@dataclass(frozen=True)
class Match:
    """That a person of a file is somebody of the register, or may be: `place` in the file's batch."""

    place: int
    subject: int
    state: str
    weight: float
    probability: float
    parts: list[list[Any]]


class Matcher:
    """Compares the new people of one load; `not_compared` counts whom the day's limit left out."""

    def __init__(self, source: int, load: int) -> None:
        self._source, self._load = source, load
        self._config = linkage_config.shipped(REGISTER)
        people = max(Resident.objects.count(), _FEWEST)
        self._model = replace(Model.default(self._config), prior=0.5 / people)
        self.not_compared = 0

    def matches(self, people: gate.PeopleBatch) -> list[Match]:
        """The pairs that are certain, at most one for each person and each place, and those that are to be reviewed."""
        if self.not_compared:
            self.not_compared += len(people)
            return []
        try:
            alike = gate.alike_people(by=SYSTEM, at=clock.now(), people=people)
        except Refused as refusal:
            if refusal.code not in _OVERDRAWN:
                raise
            self.not_compared += len(people)
            return []
        return self._told(self._weighed(alike), alike)

    def _weighed(self, alike: gate.Alike) -> list[Match]:
        is_held = np.array([subject in alike.held for subject in alike.subjects.tolist()], bool)
        rows, subjects = alike.rows[is_held].tolist(), alike.subjects[is_held].tolist()
        if not rows:
            return []
        left, right = sorted(set(rows)), sorted(set(subjects))
        places, others = np.searchsorted(left, rows).tolist(), np.searchsorted(right, subjects).tolist()
        links = engine.score(self._model, self._config, _columns([alike.said[row] for row in left]),
                             _columns([alike.held[one] for one in right]), (places, others))  # fmt: skip
        keep = np.flatnonzero(links.probability >= self._config.review)
        states = links.states(self._config)
        return [Match(rows[at], subjects[at], states[at], float(links.weight[at]), float(links.probability[at]),
                      [[name, held, round(bits, 2)] for name, held, bits in links.explanation(at, self._config)
                       if held != "missing"]) for at in keep.tolist()]  # fmt: skip

    def _told(self, found: list[Match], alike: gate.Alike) -> list[Match]:
        """What stands against a join goes to review: two whole identity numbers, a second partner, its own source."""
        found = sorted(found, key=lambda match: -match.weight)
        certain = [match for match in found if match.state == CERTAIN]
        often = Counter(match.place for match in certain)
        taken = _in_source({match.subject for match in certain}, self._source, self._load)
        out = []
        for match in found:
            doubted = (often[match.place] > 1 or match.subject in taken
                       or _differ(alike.said[match.place], alike.held[match.subject]))  # fmt: skip
            if match.state == CERTAIN and not doubted:
                taken.add(match.subject)
                out.append(match)
            else:
                out.append(replace(match, state=REVIEW))
        return out


def _columns(people: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    return {name: [says[at] for says in people] for at, name in enumerate(gate.WEIGHED_FIELDS)}


def _differ(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether both have a whole identity number, and not the same."""
    numbers = one[_NUMBER], other[_NUMBER]
    return all(len(number) == _WHOLE_NUMBER for number in numbers) and numbers[0] != numbers[1]


def _in_source(subjects: set[int], source: int, load: int) -> set[int]:
    """Who of these people is known to a source already, under a number of its own."""
    held = PersonRecord.still_said(load - 1).filter(source_id=source)
    return set(held.filter(subject__in=subjects).values_list("subject", flat=True))


@dataclass(frozen=True)
class Found:
    """A match of a record of the file: its number and the token of its key."""

    record: int
    key: int
    match: Match


def note(found: Sequence[Found], source: int, load: int) -> None:
    """Keep the pairs with what they weigh, so that they can be looked at, decided on and undone."""
    if not found:
        return
    at = clock.now()
    others = _records({one.match.subject for one in found}, load)
    pairs.found(REGISTER, [_link(one, source, others, at) for one in found], at=at, by=SYSTEM.account)


_Other = tuple[str, int, int]


def _records(subjects: set[int], load: int) -> dict[int, _Other]:
    """By person the last record that a source has: its key, number and source."""
    found: dict[int, _Other] = {}
    held = PersonRecord.still_said(load - 1).filter(subject__in=subjects)
    for subject, record, key, source in held.order_by("id").values_list("subject", "id", "key", "source_id"):
        found[subject] = str(key), record, source
    return found


def _link(found: Found, source: int, others: dict[int, _Other], at: datetime) -> RecordLink:
    """Whoever came with the city has no record: its number is then that of the person, below zero."""
    match = found.match
    other = others.get(match.subject, (f"-{match.subject}", -match.subject, 0))
    left, right = sorted([(str(found.key), found.record, source), other])
    return RecordLink(
        register=REGISTER, left_key=left[0], right_key=right[0], left_record=left[1], right_record=right[1],
        left_source=left[2], right_source=right[2], weight=match.weight, probability=match.probability,
        parts=match.parts, state=match.state, found_at=at,
    )  # fmt: skip
