"""A14: people are counted again and again, with one person more or less, until the difference shows somebody."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cityloom.drills.jobs.abuse.stage import STEWARD, Office, Stage, refused
from cityloom.keeper import protocol
from cityloom.keeper.counting import LEAST_GROUP

_PEOPLE = 3 * LEAST_GROUP
_TARGETS = 50


def run(stage: Stage) -> None:
    """Count two districts, then the same people in other ways; count each person as a group of their own."""
    with stage.office("overlapping", count=_PEOPLE) as office:
        stage.found.tries(f"count {_PEOPLE} people by sex and age in two districts, then {_TARGETS} times without one")
        _without_one(stage, office)
    with stage.office("small", count=_PEOPLE) as office:
        stage.found.tries("count each person as a group, and groups just below the least size")
        _small(stage, office)


def _without_one(stage: Stage, office: Office) -> None:
    everybody, half = office.subjects, np.arange(_PEOPLE) // (_PEOPLE // 2)
    first = office.ask(_asked(office, everybody, half), protocol.PeopleCounted)
    answered = 0
    for target in range(_TARGETS):
        reply = office.desk.answer(_asked(office, np.delete(everybody, target), np.delete(half, target)))
        if isinstance(reply, protocol.PeopleCounted):
            answered += 1
        else:
            stage.found.stopped(refused(reply))
    again = office.desk.answer(_asked(office, everybody, half))
    stage.found.equal("counts without one person that were answered", answered, 0)
    stage.found.equal("the same question has the same answer", again == first, True)
    stage.found.equal("leaves of counts", len(office.leaves("counted")), 1)


def _small(stage: Stage, office: Office) -> None:
    alone, others = np.split(office.subjects, [LEAST_GROUP])
    shown = 0
    for subjects, most in ((alone, 1), (others, LEAST_GROUP - 1)):
        reply = office.desk.answer(_asked(office, subjects, np.arange(len(subjects)) // most))
        if isinstance(reply, protocol.PeopleCounted):
            shown += int((np.frombuffer(reply.counts, "<i8") >= 0).sum())
            stage.found.stopped("withheld")
        else:
            stage.found.stopped(refused(reply))
    stage.found.equal("counts of small groups that were shown", shown, 0)


def _asked(office: Office, subjects: NDArray[np.int64], groups: NDArray[np.int64]) -> protocol.CountPeople:
    return protocol.CountPeople(office.sign(STEWARD), subjects.tobytes(), groups.astype("<i8").tobytes())
