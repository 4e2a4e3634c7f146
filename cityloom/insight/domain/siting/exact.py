"""The best choice of sites, proved: a mixed-integer programme for HiGHS, over one or several periods.

Places send shares x to sites; a site takes them only when it is open (y), up to its capacity; within the number, the
budget and the closures. Without capacities a place needs only the sites that are nearer than the nearest that is open
anyway. Sources: C. ReVelle and R. Swain, Geogr. Anal. 2, 1970; R. Church and C. ReVelle, Pap. Reg. Sci. 32, 1974.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.optimize
import scipy.sparse

from cityloom.insight.domain.siting.problem import Flags, Problem, Solution

MOST_VARIABLES, MOST_WITH_ROOM = 40_000, 4_000
"""Shares of one programme, without and with capacities; larger ones are searched, with a bound."""
NODES, SECONDS, GAP = 2_000, 30.0, 1e-6


@dataclass(frozen=True)
class Columns:
    """The pairs that may be used, and where the variables of a period stand: y (m), x (pairs), left (n or 0)."""

    place: np.ndarray
    site: np.ndarray
    n: int
    m: int
    with_left: bool

    @property
    def width(self) -> int:
        return self.m + len(self.place) + (self.n if self.with_left else 0)


def is_small(problem: Problem, parts: int = 1) -> bool:
    """Whether the programme of a problem has few enough shares to be proved (or a `parts`-th of that)."""
    most = MOST_WITH_ROOM if problem.limited else MOST_VARIABLES
    return problem.periods * len(columns_of(problem).place) <= most // parts


def solved(problem: Problem, seconds: float = SECONDS) -> Solution | None:
    """The best choice, or the best found when the search ended; None where there is none within the limits."""
    columns = columns_of(problem)
    rows = [served_rows(problem, columns), open_rows(problem, columns), *_limits(problem, columns)]
    if problem.limited:
        rows.append(capacity_rows(problem, columns))
    low, high, whole = bounds_of(problem, columns)
    scale = max(1.0, float(problem.people.sum()))
    done = scipy.optimize.milp(
        _cost(problem, columns) / scale, constraints=[one for one in rows if one.A.shape[0]], integrality=whole,
        bounds=scipy.optimize.Bounds(low, high),
        options={"node_limit": NODES, "time_limit": seconds, "mip_rel_gap": GAP},
    )  # fmt: skip
    if done.x is None:
        return None
    opened = np.stack([done.x[t * columns.width :][: columns.m] > 0.5 for t in range(problem.periods)])
    bound = done.mip_dual_bound if done.mip_dual_bound is not None else -np.inf
    proved = done.status == 0
    return Solution(opened, float(done.fun) * scale, min(bound, done.fun) * scale, proved, done.status == 1)


def columns_of(problem: Problem) -> Columns:
    costs, fixed = problem.costs, problem.fixed
    usable = np.isfinite(costs) & (costs < problem.unserved) & (problem.people > 0).any(0)[:, None]
    if not problem.limited and fixed.any():
        offered = np.where(fixed, costs, np.inf)
        nearest, least = offered.argmin(1), offered.min(1)
        usable &= costs < least[:, None]
        reached = np.flatnonzero(np.isfinite(least) & (least < problem.unserved) & (problem.people > 0).any(0))
        usable[reached, nearest[reached]] = True
    place, site = np.nonzero(usable)
    return Columns(place, site, *costs.shape, bool(np.isfinite(problem.unserved)))


def _cost(problem: Problem, columns: Columns) -> np.ndarray:
    parts = []
    for people in problem.people:
        left = people * problem.unserved if columns.with_left else np.zeros(0)
        parts += [np.zeros(columns.m), people[columns.place] * problem.costs[columns.place, columns.site], left]
    return np.concatenate(parts)


def bounds_of(problem: Problem, columns: Columns) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    low = np.zeros(columns.width)
    low[: columns.m] = problem.fixed
    whole = np.zeros(columns.width)
    whole[: columns.m] = 1
    return (np.tile(low, problem.periods), np.ones(columns.width * problem.periods), np.tile(whole, problem.periods))


def served_rows(problem: Problem, columns: Columns) -> scipy.optimize.LinearConstraint:
    """Each place with people sends one whole, to sites or to nobody."""
    x = columns.m + np.arange(len(columns.place))
    row, column = columns.place, x
    if columns.with_left:
        row = np.r_[row, np.arange(columns.n)]
        column = np.r_[column, columns.m + len(columns.place) + np.arange(columns.n)]
    one = scipy.sparse.csr_array((np.ones(len(row)), (row, column)), shape=(columns.n, columns.width))
    whole = scipy.sparse.block_diag([one] * problem.periods, format="csr")
    counts = np.concatenate([people > 0 for people in problem.people])
    return scipy.optimize.LinearConstraint(whole[np.flatnonzero(counts)], 1, 1)


def open_rows(problem: Problem, columns: Columns) -> scipy.optimize.LinearConstraint:
    """x <= y for sites that are not open anyway."""
    pair = np.flatnonzero(~problem.fixed[columns.site])
    row, ones = np.tile(np.arange(len(pair)), 2), np.ones(len(pair))
    one = scipy.sparse.csr_array((np.r_[ones, -ones], (row, np.r_[columns.m + pair, columns.site[pair]])),
                                 shape=(len(pair), columns.width))  # fmt: skip
    return scipy.optimize.LinearConstraint(scipy.sparse.block_diag([one] * problem.periods, format="csr"), -np.inf, 0)


def capacity_rows(problem: Problem, columns: Columns) -> scipy.optimize.LinearConstraint:
    bounded = np.flatnonzero(np.isfinite(problem.capacity))
    row_of = np.full(columns.m, -1)
    row_of[bounded] = np.arange(len(bounded))
    pair = np.flatnonzero(row_of[columns.site] >= 0)
    blocks = []
    for people in problem.people:
        row = np.r_[row_of[columns.site[pair]], np.arange(len(bounded))]
        data = np.r_[people[columns.place[pair]], -problem.capacity[bounded]]
        blocks.append(scipy.sparse.csr_array((data, (row, np.r_[columns.m + pair, bounded])),
                                             shape=(len(bounded), columns.width)))  # fmt: skip
    return scipy.optimize.LinearConstraint(scipy.sparse.block_diag(blocks, format="csr"), -np.inf, 0)


def _limits(problem: Problem, columns: Columns) -> list[scipy.optimize.LinearConstraint]:
    """Number, budget and closures of each period, and what was opened or closed stays so."""
    new = (~problem.existing).astype(np.float64)
    rules = [(new, np.full(problem.periods, -np.inf), problem.new.astype(np.float64)),
             (new * problem.price, np.full(problem.periods, -np.inf), problem.budget)]  # fmt: skip
    if problem.close[-1] > 0:
        stay = (problem.closable.sum() - problem.close).astype(np.float64)
        rules.append((problem.closable.astype(np.float64), stay, stay))
    found = []
    for weights, low, high in rules:
        row = np.concatenate([weights, np.zeros(columns.width - columns.m)])
        held = np.flatnonzero(np.isfinite(high))
        whole = scipy.sparse.block_diag([row[None, :]] * problem.periods, format="csr")
        found.append(scipy.optimize.LinearConstraint(whole[held], low[held], high[held]))
    if problem.periods > 1:
        sign = scipy.sparse.diags_array(np.where(problem.existing, -1.0, 1.0), format="csr")
        wide = scipy.sparse.hstack([sign, scipy.sparse.csr_array((columns.m, columns.width - columns.m))], format="csr")
        steps = scipy.sparse.diags_array([-1.0, 1.0], offsets=[0, 1], shape=(problem.periods - 1, problem.periods))
        found.append(scipy.optimize.LinearConstraint(scipy.sparse.kron(steps, wide, format="csr"), 0, np.inf))
    return found


def is_within(problem: Problem, opened: Flags) -> bool:
    """Whether a choice (periods, m) keeps to number, budget, closures and the order of periods."""
    new = opened & ~problem.existing
    number, spent = new.sum(1), (new * problem.price).sum(1)
    gone = (problem.existing & ~opened).sum(1)
    order = bool((np.diff(new.astype(int), axis=0) >= 0).all())
    return bool((number <= problem.new).all() and (spent <= problem.budget + 1e-6).all() and order
                and (gone == problem.close).all() and opened[:, problem.fixed].all())  # fmt: skip
