"""Where to put sites: what is given, and what a solution is.

Demand is people at places, and may be divided among sites. A cost is what one head costs at a site: minutes for the
p-median, 0 within the radius for covering; infinite where a site cannot serve a place. Periods follow each other: a
site once opened stays open, one once closed stays closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
MOST_PLACES, MOST_SITES, MOST_CELLS = 10_000, 5_000, 10_000_000
MOST_PERIODS = 10
_LARGE = ("Siting weighs every place against every site, and takes at most {limit}, not {value}; add the places up to "
          "areas, or keep the likeliest candidates, and ask again.")  # fmt: skip
_SHAPE = "The costs are of {value} places and sites, and people, capacities and sites are given for {limit}."
_NUMBER = "An amount of people, a capacity or a price is negative or not a number ({value}); correct it."
_PERIODS = "There are to be between 1 and {limit} periods, with numbers that do not fall, not {value}."


@dataclass(frozen=True)
class Problem:
    """`people` (periods, n), `costs` (n, m) for each head, and of sites (m,) capacity, price, existing, closable.

    `unserved` is the cost of one head whom nobody serves; infinite where all have to be served. `new` (periods,) is
    how many sites may have been opened by then, `budget` what they may have cost, `close` how many existing sites must
    have been closed; existing sites that are not `closable` stay.
    """

    people: Floats
    costs: Floats
    capacity: Floats
    price: Floats
    existing: Flags
    closable: Flags
    new: NDArray[np.int64]
    budget: Floats
    close: NDArray[np.int64]
    unserved: float = np.inf

    @property
    def periods(self) -> int:
        """How many periods there are."""
        return len(self.people)

    @property
    def fixed(self) -> Flags:
        """The sites that are open whatever is chosen."""
        return self.existing & ~(self.closable & (self.close[-1] > 0))

    @property
    def limited(self) -> bool:
        """Whether any site has a capacity."""
        return bool(np.isfinite(self.capacity).any())

    def period(self, number: int) -> Problem:
        """One period on its own, with all that may have been opened by then."""
        part = slice(number, number + 1)
        return replace(self, people=self.people[part], new=self.new[part], budget=self.budget[part],
                       close=self.close[part])  # fmt: skip


@dataclass(frozen=True)
class Served:
    """Who goes where: people of `place` to `site` (pairs), people whom nobody serves (n,), and what it costs.

    `value` (n,) is what one head more at a place would cost (the dual). `tried` are pairs of place and site with which
    a like problem may begin.
    """

    place: NDArray[np.int64]
    site: NDArray[np.int64]
    people: Floats
    left: Floats
    total: float
    value: Floats
    tried: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None


@dataclass(frozen=True)
class Solution:
    """`open` (periods, m); what it costs in all (`total`, people times cost) and the least that anything could.

    `proved` says that the two are the same but for rounding; else the best known lies at most `gap` (a share of the
    total) above the least. `stopped` says that a clock, not the work, ended the search.
    """

    open: Flags
    total: float
    bound: float
    proved: bool
    stopped: bool = False

    @property
    def gap(self) -> float:
        """How far above the bound the solution may lie, as a share of its total."""
        return max(0.0, (self.total - self.bound) / self.total) if self.total > 0 else 0.0


def problem(people: Any, costs: Any, p: int | Sequence[int] | None, *, capacity: Any = None, price: Any = None,
            existing: Any = None, keep: Any = None, budget: float | Sequence[float] | None = None,
            close: int | Sequence[int] = 0, unserved: float = np.inf) -> Problem:  # fmt: skip
    """A checked problem from plain arrays; what is left out is no limit.

    `people` (n,) or (periods, n); `costs` (n, m), infinite or nan where a site cannot serve; `p` new sites at most, by
    each period's end. `existing` and `keep` (m,) are flags: all existing sites stay unless `close` of them must go.
    Raises: Refused `insight.siting_large`, `insight.siting_shape`, `insight.siting_number`, `insight.siting_periods`.
    """
    costs = np.asarray(costs, np.float64)
    check_size(*costs.shape)
    n, m = costs.shape
    people = np.atleast_2d(np.asarray(people, np.float64))
    spans = [len(one) for one in (p, budget, close) if isinstance(one, (Sequence, np.ndarray))]
    periods = max([len(people), *spans])
    people = np.repeat(people, periods, axis=0) if len(people) == 1 else people
    of_sites = [_of_sites(one, m, default) for one, default in
                ((capacity, np.inf), (price, 1.0), (existing, 0.0), (keep, 0.0))]  # fmt: skip
    if people.shape[1] != n:
        raise Refused("insight.siting_shape", _SHAPE, value=f"{n} x {m}", limit=f"{people.shape[1]} x {m}")
    costs = np.where(np.isnan(costs), np.inf, costs)
    for numbers, finite in ((people, True), (costs, False), (of_sites[0], False), (of_sites[1], True)):
        if np.isnan(numbers).any() or (numbers < 0).any() or (finite and np.isinf(numbers).any()):
            raise Refused("insight.siting_number", _NUMBER, value=float(numbers.min()))
    limits = [_by_period(one, periods, default) for one, default in ((p, m), (budget, np.inf), (close, 0))]
    known, kept = of_sites[2] > 0, of_sites[3] > 0
    return Problem(people, costs, of_sites[0], of_sites[1], known, known & ~kept, limits[0].astype(np.int64), limits[1],
                   limits[2].astype(np.int64), unserved)  # fmt: skip


def check_size(places: int, sites: int) -> None:
    """Refuse what is too large to be weighed. Raises: Refused `insight.siting_large`."""
    if places > MOST_PLACES or sites > MOST_SITES or places * sites > MOST_CELLS:
        limit = f"{MOST_PLACES:,} places, {MOST_SITES:,} sites and {MOST_CELLS:,} pairs of them"
        raise Refused("insight.siting_large", _LARGE, value=f"{places:,} x {sites:,}", limit=limit)


def _of_sites(given: Any, m: int, default: float) -> Floats:
    made = np.full(m, default) if given is None else np.asarray(given, np.float64)
    if made.shape != (m,):
        raise Refused("insight.siting_shape", _SHAPE, value=f"{m} sites", limit=f"{len(np.atleast_1d(made))} sites")
    return made


def _by_period(given: Any, periods: int, default: float) -> Floats:
    made = np.atleast_1d(np.asarray(default if given is None else given, np.float64))
    made = np.repeat(made, periods) if len(made) == 1 else made
    rises = bool((made >= 0).all() and (made[1:] >= made[:-1]).all())
    if len(made) != periods or not 1 <= periods <= MOST_PERIODS or not rises:
        raise Refused("insight.siting_periods", _PERIODS, value=made.tolist(), limit=MOST_PERIODS)
    return made
