"""Changes that can be tried: a step dropped, two done as one, a counter more, two at the same time, a limit kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cityloom.insight.domain.eventlog import EventLog
from cityloom.insight.domain.whatif.stations import Station, Visits

KINDS = ("drop", "merge", "counter", "parallel", "limit")


@dataclass(frozen=True)
class Change:
    """`kind` is one of `KINDS`; `steps` are numbers of activities, two for merge and parallel.

    With a limit nobody stays longer at a step than three quarters of those did from whom the model is. Merged steps are
    done by the counters of both, each with its own work; what is saved is the wait between them.
    """

    kind: str
    steps: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """What is simulated: for each event its station and hours, and which of them are done at the same time.

    `station` is -1 for what needs none; `work_h` is the service at a station with a queue, else the whole stay.
    `with_next` flags an event that is done at the same time as the next one of its case; `gone` one that is not done.
    """

    station: np.ndarray
    work_h: np.ndarray
    with_next: np.ndarray
    gone: np.ndarray
    counters: Sequence[int]

    @property
    def has_queues(self) -> bool:
        """Whether any case waits for another one."""
        return bool((self.station >= 0).any())


def plan_of(log: EventLog, seen: Visits, known: Sequence[Station], drawn: np.ndarray) -> Plan:
    """Things as they are; `drawn` is for each event a share of the usual service (mean 1)."""
    queue = np.array([one.has_queue for one in known])[log.activity] & ~seen.at_once
    service = np.array([one.service_h for one in known])[log.activity] * drawn
    return Plan(
        np.where(queue, log.activity, -1), np.where(queue, service, seen.stay),
        np.zeros(len(log), bool), np.zeros(len(log), bool), [one.counters for one in known],
    )  # fmt: skip


def changed(plan: Plan, change: Change, log: EventLog, known: Sequence[Station]) -> Plan:
    """The same with a change."""
    first, second = change.steps[0], change.steps[-1]
    if change.kind == "drop":
        return replace(plan, gone=plan.gone | (log.activity == first))
    if change.kind == "counter":
        return replace(plan, counters=[count + (step == first) for step, count in enumerate(plan.counters)])
    if change.kind == "limit":
        most = np.where(log.activity == first, known[first].usual_h, np.inf)
        return replace(plan, work_h=np.minimum(plan.work_h, most))
    pairs = _pairs(log, first, second)
    if change.kind == "parallel":
        flags = plan.with_next.copy()
        flags[pairs] = True
        return replace(plan, with_next=flags)
    return _merged(plan, pairs, first, second, log, known)


def _merged(
    plan: Plan, pairs: np.ndarray, first: int, second: int, log: EventLog, known: Sequence[Station]
) -> Plan:  # fmt: skip
    """The second of each pair is not waited for: its work is done with the first's, by the counters of both.

    A stay without a queue is not seen through: of the second's there remains what is done in it at least (the lower
    tenth of all stays).
    """
    gone, work, station = plan.gone.copy(), plan.work_h.copy(), plan.station.copy()
    counters, gone[pairs] = list(plan.counters), True
    queued = pairs[(plan.station[pairs] == first) & (plan.station[pairs + 1] == second)]
    others = np.setdiff1d(pairs, queued)
    work[others + 1] = np.minimum(work[others + 1], known[second].touch_h) + work[others]
    station[others + 1] = station[others]
    work[queued + 1] += work[queued]
    if len(queued):
        station[station == first] = second
        counters[second] = counters[first] + counters[second]
    return replace(plan, gone=gone, work_h=work, station=station, counters=counters)


def _pairs(log: EventLog, first: int, second: int) -> np.ndarray:
    """The first events of the pairs; of a run like A B A B each event is in one pair at most."""
    is_pair = log.follows & (log.activity[:-1] == first) & (log.activity[1:] == second)
    return np.flatnonzero(is_pair)
