"""The event simulation: cases go their own ways through stations with counters, first come first served."""

from __future__ import annotations

import heapq
from collections import deque

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.whatif.changes import Plan

Floats = NDArray[np.float64]


def ends(plan: Plan, starts: NDArray[np.int64], came: Floats) -> Floats:
    """When each case is through with all its steps, in hours; `starts` as in the log, `came` when each case comes."""
    if plan.has_queues:
        return _simulated(plan, starts, came)
    work = np.where(plan.gone, 0.0, plan.work_h)
    together = np.flatnonzero(plan.with_next)
    work[together + 1] = np.maximum(work[together], work[together + 1])
    work[together] = 0.0
    return came + np.add.reduceat(work, starts[:-1])


def _simulated(plan: Plan, starts: NDArray[np.int64], came: Floats) -> Floats:
    stages = _stages(plan, starts)
    station, work = plan.station.tolist(), plan.work_h.tolist()
    free, lines = list(plan.counters), [deque[int]() for _ in plan.counters]
    case_of = np.repeat(np.arange(len(came)), np.diff(starts)).tolist()
    at_stage, open_, done = [0] * len(came), [0] * len(came), came.copy()
    heap: list[tuple[float, int]] = [(when, -1 - case) for case, when in enumerate(came.tolist())]
    heapq.heapify(heap)
    push, pop = heapq.heappush, heapq.heappop
    while heap:
        now, what = pop(heap)
        if what < 0:
            case = -1 - what
        else:
            case, place = case_of[what], station[what]
            if place >= 0:
                if lines[place]:
                    following = lines[place].popleft()
                    push(heap, (now + work[following], following))
                else:
                    free[place] += 1
            open_[case] -= 1
            if open_[case]:
                continue
        ways = stages[case]
        if at_stage[case] == len(ways):
            done[case] = now
            continue
        stage = ways[at_stage[case]]
        at_stage[case] += 1
        open_[case] = len(stage)
        for event in stage:
            place = station[event]
            if place < 0:
                push(heap, (now + work[event], event))
            elif free[place]:
                free[place] -= 1
                push(heap, (now + work[event], event))
            else:
                lines[place].append(event)
    return done


def _stages(plan: Plan, starts: NDArray[np.int64]) -> list[list[list[int]]]:
    """For each case its events in order, those together that are done at the same time."""
    gone, together = plan.gone.tolist(), plan.with_next.tolist()
    found = []
    for first, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        ways: list[list[int]] = []
        joins = False
        for event in range(first, end):
            if gone[event]:
                continue
            if joins and ways:
                ways[-1].append(event)
            else:
                ways.append([event])
            joins = together[event]
        found.append(ways)
    return found
