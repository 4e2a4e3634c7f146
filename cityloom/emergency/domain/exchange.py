"""Two households change places, so that places left over by uneven sizes are used where they are worth most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cityloom.emergency.domain.settling import Settlement

LARGEST = 400_000
"""Up to this many pairs of household and shelter it is worth the time; beyond, uneven sizes hardly matter."""
_PASSES = 3
_REPEATS = 12
_WORTH = 1.0


def improve(work: Settlement) -> None:
    """Make every move into a shelter that pays, alone or against another household that moves back, shelter by shelter."""
    if len(work.group) * len(work.room) > LARGEST:
        return
    metres = _metres(work)
    for _ in range(_PASSES):
        made = [_improve_one(work, metres, shelter) for shelter in range(len(work.room))]
        if not any(made):
            return


def _metres(work: Settlement) -> NDArray[np.float64]:
    """Metres of each household to each shelter, infinite where it is no candidate."""
    groups = len(work.table.metres)
    dense = np.full((groups, len(work.room)), np.inf)
    rows = np.repeat(np.arange(groups), work.table.metres.shape[1])
    np.minimum.at(dense, (rows, work.table.shelter.ravel()), work.table.metres.ravel())
    return dense[work.group]


def _improve_one(work: Settlement, metres: NDArray[np.float64], shelter: int) -> bool:
    made = 0
    while made < _REPEATS and _best_exchange(work, metres, shelter):
        made += 1
    return made > 0


def _best_exchange(work: Settlement, metres: NDArray[np.float64], shelter: int) -> bool:
    """Do what pays most: a household of another shelter comes in, and a member may go there or to where there is room."""
    coming = _coming(work, metres, shelter)
    going, who = _going(work, metres, shelter)
    sizes = np.arange(coming.shape[1])
    there = np.where(sizes[None, None, :] - sizes[None, :, None] <= work.room[:, None, None], going[:, None, :], np.inf)
    roomy = np.where(sizes[None, :] <= work.room[:, None], going, np.inf)
    third = np.argmin(roomy, axis=0)
    total = coming[:, :, None] + np.minimum(there, roomy[third, sizes])
    total[:, sizes[:, None] - sizes[None, :] > work.room[shelter]] = np.inf
    other, size_in, size_out = (int(one) for one in np.unravel_index(np.argmin(total), total.shape))
    if not total[other, size_in, size_out] < -_WORTH:
        return False
    newcomer = _cheapest(work, metres, shelter, other, size_in)
    if size_out:
        target = other if there[other, size_in, size_out] <= roomy[third[size_out], size_out] else int(third[size_out])
        leaver = int(who[target, size_out])
        work.sit(leaver, target, float(metres[leaver, target]))
    work.sit(newcomer, shelter, float(metres[newcomer, shelter]))
    return True


def _coming(work: Settlement, metres: NDArray[np.float64], shelter: int) -> NDArray[np.float64]:
    """The least loss when a household of each other shelter and size comes to this one, (shelters, sizes)."""
    least = np.full((len(work.room), int(work.persons.max()) + 1), np.inf)
    rows = np.flatnonzero((work.shelter >= 0) & (work.shelter != shelter) & np.isfinite(metres[:, shelter]))
    loss = (metres[rows, shelter] - work.metres[rows]) * work.persons[rows]
    np.minimum.at(least, (work.shelter[rows], work.persons[rows]), loss)
    return least


def _going(
    work: Settlement, metres: NDArray[np.float64], shelter: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The least loss when a member of each size goes to each other shelter, and who; nobody going (size 0) costs 0."""
    count, largest = len(work.room), int(work.persons.max())
    least, who = np.full((count, largest + 1), np.inf), np.full((count, largest + 1), -1)
    least[:, 0] = 0.0
    members = np.flatnonzero(work.shelter == shelter)
    for size in np.unique(work.persons[members]).tolist():
        own = members[work.persons[members] == size]
        loss = (metres[own] - work.metres[own, None]) * size
        best = np.argmin(loss, axis=0)
        least[:, size], who[:, size] = loss[best, np.arange(count)], own[best]
    least[shelter, 1:] = np.inf
    return least, who


def _cheapest(work: Settlement, metres: NDArray[np.float64], shelter: int, other: int, size: int) -> int:
    rows = np.flatnonzero((work.shelter == other) & (work.persons == size))
    return int(rows[np.argmin(metres[rows, shelter] - work.metres[rows])])
