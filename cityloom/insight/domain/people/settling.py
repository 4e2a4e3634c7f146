"""Districts beside the city: raking to its total, and moves from districts without room for their people.

Shapes: people (..., districts, 2, ages). Source of raking: W. Deming and F. Stephan, Annals of Mathematical Statistics
11(4), 1940 (iterative proportional fitting).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
_ROUNDS = 500
_NO_FIT = "Districts cannot be scaled to a total of {value}: where it is above 0, there is nobody to be scaled."
_UNLIKE = "The totals of districts add up to {value} and those of the city to {limit}; give totals that agree."
_BAD_TOTAL = "A total to be met must be known and at least 0; it is {value}."
_NOT_MET = "The districts do not come within a millionth of both totals; they are {value} away after {limit} rounds."


def rake(people: ArrayLike, total: ArrayLike) -> Floats:
    """Scale people so that all districts together meet the city's projection; nobody becomes negative.

    `total` is one number (a factor for all), or (2, ages) by sex and age, where each cell has a factor of its own.

    Raises: Refused `insight.total_bad`, `insight.total_without_people`.
    """
    start, wanted = np.asarray(people, np.float64), np.asarray(total, np.float64)
    if not np.isfinite(wanted).all() or (wanted < 0).any():
        raise Refused("insight.total_bad", _BAD_TOTAL, value=float(wanted.min()))
    whole = start.sum(axis=-3) if wanted.ndim >= 2 else start.sum(axis=(-3, -2, -1))
    if ((whole <= 0) & (wanted > 0)).any():
        raise Refused("insight.total_without_people", _NO_FIT, value=float(wanted.max()))
    factor = np.divide(wanted, whole, out=np.zeros(np.broadcast_shapes(wanted.shape, whole.shape)), where=whole > 0)
    return start * (factor[..., None, :, :] if wanted.ndim >= 2 else factor[..., None, None, None])


def rake_both(people: ArrayLike, by_district: ArrayLike, by_age: ArrayLike, *, tolerance: float = 1e-9) -> Floats:
    """Fit people (districts, 2, ages) to totals of districts (districts,) and the city's by sex and age (2, ages).

    Cells without people stay empty. Exact in the city's cells, and in districts to `tolerance` of the whole.

    Raises: Refused `insight.total_bad`, `insight.totals_differ`, `insight.total_without_people`, `insight.not_met`.
    """
    fitted = np.array(people, np.float64)
    rows, cells = np.asarray(by_district, np.float64), np.asarray(by_age, np.float64)
    for wanted in (rows, cells):
        if not np.isfinite(wanted).all() or (wanted < 0).any():
            raise Refused("insight.total_bad", _BAD_TOTAL, value=float(wanted.min()))
    whole = float(cells.sum())
    if abs(float(rows.sum()) - whole) > 1e-6 * max(whole, 1):
        raise Refused("insight.totals_differ", _UNLIKE, value=round(float(rows.sum()), 3), limit=round(whole, 3))
    if ((fitted.sum((1, 2)) <= 0) & (rows > 0)).any():
        raise Refused("insight.total_without_people", _NO_FIT, value=whole)
    away = np.inf
    for _ in range(_ROUNDS):
        sums = fitted.sum((1, 2))
        fitted *= np.divide(rows, sums, out=np.zeros_like(sums), where=sums > 0)[:, None, None]
        fitted = rake(fitted, cells)
        away = float(np.abs(fitted.sum((1, 2)) - rows).max())
        if away <= tolerance * max(whole, 1):
            return fitted
    if away > 1e-6 * max(whole, 1):
        raise Refused("insight.not_met", _NOT_MET, value=round(away, 3), limit=_ROUNDS)
    return fitted


@dataclass(frozen=True)
class Housed:
    """`people` after moves; by district (..., districts): who `moved` in (less those out), and who found no room."""

    people: Floats
    moved: Floats
    unmet: Floats


def housing_capacity(dwellings: ArrayLike, people_per_dwelling: ArrayLike, vacancy: ArrayLike = 0.0) -> Floats:
    """How many people find room: dwellings that are not empty, times people in each; infinite where not known."""
    room = np.asarray(dwellings, np.float64) * np.asarray(people_per_dwelling, np.float64) * (1 - np.asarray(vacancy))
    return np.where(np.isnan(room), np.inf, room)


def housed(people: NDArray[np.floating], capacity: ArrayLike, *, spill: bool = True) -> Housed:
    """Let those above a district's capacity (..., districts) move to the others, in proportion to their spare room.

    Who moves is of the sexes and ages of the district. With less room than is needed, as many move as find it, from
    each district the same share; the rest stays above the capacity and is told as unmet. Without `spill` all stay.
    """
    room = np.asarray(capacity, people.dtype)
    total = people.sum(axis=(-2, -1))
    over, spare = np.maximum(total - room, 0), np.maximum(room - total, 0)
    if not spill or not (over > 0).any():
        return Housed(people, np.zeros_like(total), over)
    open_ended = np.isinf(spare)
    spare = np.where(open_ended.any(-1, keepdims=True), open_ended * np.maximum(total, 1), spare)  # theirs is the room
    all_over, all_spare = over.sum(-1, keepdims=True), spare.sum(-1, keepdims=True)
    found = np.where(open_ended.any(-1, keepdims=True), all_over, np.minimum(all_over, all_spare))
    leaving = over * np.divide(found, all_over, out=np.zeros_like(found), where=all_over > 0)
    share = np.divide(leaving, total, out=np.zeros_like(total), where=total > 0)[..., None, None]
    pool = (people * share).sum(axis=-3, keepdims=True)
    coming = np.divide(spare, all_spare, out=np.zeros_like(spare), where=all_spare > 0)
    after = people * (1 - share) + pool * coming[..., None, None]
    return Housed(after, coming * found - leaving, over - leaving)
