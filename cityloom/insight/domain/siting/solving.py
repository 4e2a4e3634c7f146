"""The siting problems by name, over plain arrays: p-median, maximal covering, set covering, p-centre.

Each takes people (n,) or (periods, n), costs (n, m) such as minutes (infinite: out of reach), and the keywords of
`problem.problem`: capacity, price, existing, keep, budget, close. Small problems are proved by HiGHS; large ones are
searched, with a Lagrangian bound, and `Solution.proved` and `Solution.gap` say which it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from cityloom.insight.domain.siting import covering, exact, reasons
from cityloom.insight.domain.siting.problem import Flags, Floats, Problem, Served, Solution, problem
from cityloom.insight.domain.siting.searching import Found, searched
from cityloom.insight.domain.siting.serving import serve

Way = Literal["auto", "exact", "search"]
_FAR = 100.0


@dataclass(frozen=True)
class Sited:
    """A solved problem: the problem as it was understood, its solution, and for each period who goes where.

    `ways` is the problem by which people are sent: as many as can be within reach, then the shortest ways.
    """

    problem: Problem
    solution: Solution
    served: tuple[Served, ...]
    ways: Problem


def p_median(people: Any, minutes: Any, p: int | Sequence[int] | None, *, way: Way = "auto",
             seconds: float = exact.SECONDS, **given: Any) -> Sited:  # fmt: skip
    """The sites that make all people's ways together as short as can be; `total` is people times minutes.

    Raises: Refused `insight.siting_*`, with the reason in numbers.
    """
    return solved(problem(people, minutes, p, **given), way, seconds)


def maximal_covering(people: Any, minutes: Any, p: int | Sequence[int] | None, within: float, *, way: Way = "auto",
                     seconds: float = exact.SECONDS, **given: Any) -> Sited:  # fmt: skip
    """The sites that cover most people within so many minutes; `total` counts those who are not (`covered` the rest).

    With capacities a person is covered when a site within reach has room. Raises: Refused `insight.siting_*`.
    """
    minutes = np.asarray(minutes, np.float64)
    covers = np.where(np.nan_to_num(minutes, nan=np.inf) <= within, 0.0, np.inf)
    found = solved(problem(people, covers, p, unserved=1.0, **given), way, seconds)
    return _sited(found.problem, found.solution, _near_first(found.problem, minutes, within))


def covered(sited: Sited) -> Floats:
    """How many people are served within reach, by period."""
    near = [np.isfinite(sited.problem.costs[one.place, one.site]) for one in sited.served]
    return np.array([float(one.people[some].sum()) for one, some in zip(sited.served, near, strict=True)])


def set_covering(people: Any, minutes: Any, within: float, *, by_price: bool = False,
                 seconds: float = covering.SECONDS, **given: Any) -> Sited:  # fmt: skip
    """The fewest new sites (or the cheapest, `by_price`) from which everybody is within so many minutes.

    Existing sites stay. Raises: Refused `insight.siting_unreached`, `insight.siting_room`, `insight.siting_no_way`.
    """
    minutes = np.nan_to_num(np.asarray(minutes, np.float64), nan=np.inf)
    asked = problem(people, np.where(minutes <= within, minutes, np.inf), None, **given)
    reasons.check(asked)
    found = covering.fewest(asked, by_price, seconds)
    if found is None:
        raise reasons.why_not(asked)
    return _sited(asked, found, _near_first(asked, minutes, within))


def p_centre(people: Any, minutes: Any, p: int, *, seconds: float = covering.SECONDS, **given: Any) -> Sited:
    """The sites that make the longest way of anybody as short as can be; `total` is that way in minutes.

    Existing sites stay. Raises: Refused `insight.siting_*`.
    """
    asked = problem(people, minutes, p, **given)
    reasons.check(asked)
    found = covering.centre(asked, seconds)
    if found is None:
        raise reasons.why_not(asked)
    held = replace(asked, costs=np.where(asked.costs <= found.total, asked.costs, np.inf))
    return _sited(held, found, _near_first(asked, asked.costs, found.total))


def solved(asked: Problem, way: Way = "auto", seconds: float = exact.SECONDS) -> Sited:
    """The best choice that is found for costs that add up.

    `auto` proves what has few enough variables, and searches what has more; where both are done the better counts.
    Raises: Refused `insight.siting_*`.
    """
    reasons.check(asked)
    small = way == "exact" or (way == "auto" and exact.is_small(asked))
    best = exact.solved(asked, seconds) if small else None
    if best is None or not best.proved:
        best = _better(best, _searched(asked))
    if best is None:
        raise reasons.why_not(asked)
    return _sited(asked, best)


def _sited(asked: Problem, found: Solution, ways: Problem | None = None) -> Sited:
    ways = ways or asked
    served = tuple(serve(ways, opened, people) for opened, people in zip(found.open, asked.people, strict=True))
    return Sited(asked, found, served, ways)


def _near_first(asked: Problem, minutes: Floats, within: float) -> Problem:
    """People go where they are within reach if anyhow they can; a minute beyond it counts as many as all others."""
    minutes = np.where(np.isnan(minutes), np.inf, minutes)
    far = _FAR * max(1.0, within, float(minutes[np.isfinite(minutes)].max(initial=0.0)))
    return replace(asked, costs=minutes + np.where(minutes <= within, 0.0, far), unserved=_FAR * far)


def _better(one: Solution | None, other: Solution | None) -> Solution | None:
    if one is None or other is None:
        return one or other
    best = one if one.total <= other.total else other
    return replace(best, bound=min(best.total, max(one.bound, other.bound)), stopped=one.stopped)


def _searched(asked: Problem) -> Solution | None:
    """A choice by search; over several periods the better of two ways to put openings in order."""
    alone = [asked.period(one) for one in range(asked.periods)]
    found = [_from_fewest(one) for one in alone]
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return None
    least = sum(one.bound for one in known)
    choices = [np.stack([one.open for one in known])]
    if asked.periods > 1:
        choices = [one for one in (_forward(asked, alone), _backward(asked, alone, known[-1].open)) if one is not None]
    rated = [(_total(asked, chosen), number) for number, chosen in enumerate(choices)
             if exact.is_within(asked, chosen)]  # fmt: skip
    if not rated:
        return None
    total, number = min(rated)
    return Solution(choices[number], total, min(least, total), proved=total - least <= 1e-6 * max(1.0, total))


def _total(asked: Problem, opened: Flags) -> float:
    return sum(serve(asked, row, people).total for row, people in zip(opened, asked.people, strict=True))


def _from_fewest(one: Problem) -> Found | None:
    """Searched; where somebody is left whom all must be served, once more from the fewest sites that serve all."""
    found = searched(one)
    if _serves_all(one, found):
        return found
    least = covering.fewest(one, bool(np.isfinite(one.budget[0])))
    if least is None or not exact.is_within(one, least.open):
        return None
    found = searched(one, least.open[0])
    return found if _serves_all(one, found) else None


def _serves_all(one: Problem, found: Found) -> bool:
    return np.isfinite(one.unserved) or float(found.served.left.sum()) <= 1e-6 * max(1.0, float(one.people.sum()))


def _forward(asked: Problem, alone: list[Problem]) -> Flags | None:
    """Each period builds on the one before."""
    rows: list[Flags] = []
    now = asked.existing
    for one in alone:
        frozen = replace(one, existing=now, closable=asked.closable & now, price=np.where(now, 0.0, one.price),
                         new=one.new - int((now & ~asked.existing).sum()),
                         budget=one.budget - float(one.price[now & ~asked.existing].sum()),
                         close=one.close - int((asked.existing & ~now).sum()))  # fmt: skip
        barred = asked.existing & ~now
        frozen = replace(frozen, costs=np.where(barred, np.inf, frozen.costs))
        now = searched(frozen).open & ~barred
        rows.append(now)
    return np.stack(rows)


def _backward(asked: Problem, alone: list[Problem], last: Flags) -> Flags | None:
    """The last period's choice, of which each earlier period opens the most useful sites."""
    if asked.close[-1] > 0:
        return None
    rows = [last]
    for one in reversed(alone[:-1]):
        allowed = rows[0]
        held = replace(one, costs=np.where(allowed, one.costs, np.inf))
        rows.insert(0, searched(held).open & allowed)
    return np.stack(rows)
