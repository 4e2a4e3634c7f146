"""Who goes where: tasks to workers, nearest first and evenly."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

NEAR_M = 1000.0
"""Everyone this close to the middle of the tasks is called."""
FAIR_SHARE = 5
"""Tasks that one worker carries before someone from farther away is called."""
_NEIGHBOURS = 64


def allocate(
    task_xy: NDArray[np.float64], worker_xy: NDArray[np.float64], worker_load: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Give each task the index of a worker; -1 for every task where there is no worker at all.

    Positions are metres, shapes (t, 2) and (w, 2); `worker_load` counts the tasks that each worker already has.
    Three steps. *Call*: every worker within `NEAR_M` of the middle of the tasks, and the next nearest until each has at
    most `FAIR_SHARE` tasks or there is nobody left. *Level*: room is handed out one by one to whoever of them carries
    least, so that those who get anything end within one task of each other. *Match*: the closest pair of a task and a
    worker with room goes first, then the next closest (each task looks at its 64 nearest at a time).
    """
    if not len(worker_xy) or not len(task_xy):
        return np.full(len(task_xy), -1, dtype=np.int64)
    called = _called(task_xy, worker_xy, worker_load)
    room = level(worker_load[called], len(task_xy))
    return called[_closest_pairs(task_xy, worker_xy[called], room)]


def level(load: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Share `count` new tasks out so that the fullest of those who get one is as empty as can be.

    Among equals the earlier worker is first.
    """
    low, high = int(load.min()), int(load.max()) + count
    while low < high:  # the lowest line under which all of them fit
        line = (low + high) // 2
        low, high = (low, line) if np.maximum(line - load, 0).sum() >= count else (line + 1, high)
    room = np.maximum(low - 1 - load, 0)
    last = np.flatnonzero(load < low)[: count - int(room.sum())]
    room[last] += 1
    return room


def _called(
    task_xy: NDArray[np.float64], worker_xy: NDArray[np.float64], worker_load: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The workers to call, nearest first."""
    distance = np.hypot(*(worker_xy - task_xy.mean(axis=0)).T)
    order = np.argsort(distance, kind="stable")
    spare = np.cumsum(np.maximum(FAIR_SHARE - worker_load[order], 0))
    enough = int(np.searchsorted(spare, len(task_xy))) + 1
    return order[: max(enough, int((distance <= NEAR_M).sum()))]


def _closest_pairs(
    task_xy: NDArray[np.float64], worker_xy: NDArray[np.float64], room: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The worker of each task, as an index into `worker_xy`; `room` sums up to the number of tasks."""
    left = room.tolist()
    chosen = [-1] * len(task_xy)
    while waiting := [task for task, worker in enumerate(chosen) if worker < 0]:
        free = np.array([worker for worker, places in enumerate(left) if places])
        wanted = list(range(1, min(_NEIGHBOURS, len(free)) + 1))
        distance, near = scipy.spatial.cKDTree(worker_xy[free]).query(task_xy[waiting], k=wanted)
        for pair in np.argsort(distance, axis=None, kind="stable").tolist():
            task, worker = waiting[pair // len(wanted)], int(free[near.flat[pair]])
            if chosen[task] < 0 and left[worker]:
                chosen[task] = worker
                left[worker] -= 1
    return np.array(chosen, dtype=np.int64)
