"""The counter of statistics about people by sex and age: each person is counted in one group a month, and in no other.

Groups that cannot overlap cannot be compared: there are no two counts that differ by somebody. Small groups are
withheld whole, small counts too, the others are rounded. The same question is answered with the same figures all month.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from cityloom.keeper import protocol, record
from cityloom.keeper.office import STATISTICS, Asked, Office
from cityloom.keeper.opening import subjects_in, withheld
from cityloom.keeper.protocol import Reply
from cityloom.kernel import clock

LEAST_GROUP = 200
"""In a smaller group too little is unknown about all others to hide one person."""
MOST_GROUPS = 10_000
COUNTED_SEXES = ("female", "male", "not said")
"""Those who are neither, or of whom it is not known, are counted together."""
PEOPLE_ROWS = 1 + len(COUNTED_SEXES) * len(record.AGE_BANDS)


class Counting:
    """Counts people by group, sex and age band; what was counted this month lies in the keeper's database."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._lock = threading.Lock()
        self.answers: dict[type, Callable[..., Reply]] = {protocol.CountPeople: self._count}

    def _count(self, request: protocol.CountPeople) -> Reply:
        office = self._office
        asked = office.asked(request.who, "count", STATISTICS)
        subjects = subjects_in(request.subjects, protocol.MAX_COUNTED)
        groups = np.frombuffer(request.groups, "<i8") if len(request.groups) % 8 == 0 else np.zeros(0, np.int64)
        if asked.claims.exercise_id or len(groups) != len(subjects) or len(np.unique(subjects)) < len(subjects):
            raise protocol.malformed()
        with self._lock:
            return self._once(asked, subjects, groups)

    def _once(self, asked: Asked, subjects: NDArray[np.int64], groups: NDArray[np.int64]) -> protocol.PeopleCounted:
        office, month = self._office, clock.now().strftime("%Y-%m")
        digest = sha256(subjects.tobytes() + b"|" + groups.tobytes()).digest()
        known = office.rows("SELECT names, counts, unknown FROM statistic WHERE month = ? AND digest = ?",
                            (month, digest))  # fmt: skip
        if known:
            return protocol.PeopleCounted(*known[0])
        alive = office.vault.alive(subjects)
        marks = self._marks(month, record.slots_of(subjects[alive]))
        names, counts = by_sex_and_age(office.vault.traits(subjects[alive]), groups, alive)
        if len(names) > MOST_GROUPS:
            office.refuse(asked, "gate.too_many_groups", "People are counted in at most {limit} groups at once; these"
                          " are {value}.", value=len(names), limit=MOST_GROUPS)  # fmt: skip
        again = int(marks[record.slots_of(subjects[alive])].sum())
        if again:
            office.refuse(asked, "gate.counted_already", "{value} of these people were counted in another group this"
                          " month, and each is counted in one group a month, so that no two counts can be compared. Use"
                          " the figures that were given, or ask for the same groups.", value=again)  # fmt: skip
        marks[record.slots_of(subjects[alive])] = True
        found = protocol.PeopleCounted(names.tobytes(), counts.tobytes(), int((~alive).sum()))
        office.log.append([office.leaf_about(asked, "counted", people=int(alive.sum()), groups=len(names))], [
            ("DELETE FROM statistic WHERE month <> ?", (month,)),
            ("DELETE FROM counted_in WHERE month <> ?", (month,)),
            ("INSERT OR REPLACE INTO counted_in VALUES (?, ?)",
             (month, zlib.compress(np.packbits(marks).tobytes(), 1))),
            ("INSERT INTO statistic VALUES (?, ?, ?, ?, ?)",
             (month, digest, found.groups, found.counts, found.unknown)),
        ])  # fmt: skip
        return found

    def _marks(self, month: str, slots: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which slots were counted in a month, long enough for these."""
        rows = self._office.rows("SELECT slots FROM counted_in WHERE month = ?", (month,))
        kept = np.unpackbits(np.frombuffer(zlib.decompress(rows[0][0]), np.uint8)) if rows else np.zeros(0, np.uint8)
        marks = np.zeros(max(len(kept), int(slots.max(initial=-1)) + 1), bool)
        marks[: len(kept)] = kept
        return marks


def by_sex_and_age(
    traits: NDArray[np.uint16], groups: NDArray[np.int64], alive: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sorted group names, and counts fit for a statistic (PEOPLE_ROWS, groups): all people, then COUNTED_SEXES by
    AGE_BANDS. A group of fewer than LEAST_GROUP people is withheld whole.
    """
    names, place = np.unique(groups, return_inverse=True)
    here = place[alive]
    code = (record.of_sex(traits) >> 2).astype(np.int64)
    sex = np.where((code == 1) | (code == 2), code - 1, 2)
    cell = sex * len(record.AGE_BANDS) + (traits & 3)
    cells = np.bincount(cell * len(names) + here, minlength=(PEOPLE_ROWS - 1) * len(names)).reshape(-1, len(names))
    counts = np.concatenate([cells.sum(0, keepdims=True), cells]).astype("<i8")
    return names, np.where(counts[0] < LEAST_GROUP, -1, withheld(counts))
