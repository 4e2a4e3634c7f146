"""Why a siting problem cannot be solved, in words and numbers, before a solver is asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cityloom.insight.domain.siting import covering
from cityloom.insight.domain.siting.problem import Problem
from cityloom.kernel.refused import Refused

_UNREACHED = ("No site, open or candidate, can serve {value} places; add candidates near them, raise the limit on the "
              "way, or leave them out (they have {limit} people).")  # fmt: skip
_ROOM = ("All sites that could be open together have room for {limit}, and demand is {value}; raise capacities, add "
         "candidates, or allow some to be left without.")  # fmt: skip
_FEW = ("With {value} new sites not everybody can be served; {limit} are the fewest with which that can be done. Allow "
        "as many, raise the limit on the way, or cover as many people as can be.")  # fmt: skip
_MONEY = ("With a budget of {value} not everybody can be served; {limit} is the least with which that can be done. "
          "Raise it, or cover as many people as can be.")  # fmt: skip
_NO_WAY = ("The limits together leave no choice of sites that serves everybody ({value} new sites, {limit} to close); "
           "loosen one of them.")  # fmt: skip
_CLOSE = "There are {limit} existing sites that may be closed, and {value} are to be closed; ask for fewer."
_NOBODY = "There is no demand at all, so there is nothing to site for; check the column of people."
_SITES = "There is no site that may be opened and none that exists; give candidates or existing sites."


def check(problem: Problem) -> None:
    """Refuse what no choice of sites can do.

    Raises: Refused `insight.siting_no_demand`, `insight.siting_no_sites`, `insight.siting_close`,
    `insight.siting_unreached`, `insight.siting_room`.
    """
    if not problem.people.sum() > 0:
        raise Refused("insight.siting_no_demand", _NOBODY)
    if not len(problem.capacity):
        raise Refused("insight.siting_no_sites", _SITES)
    closable = int(problem.closable.sum())
    if int(problem.close[-1]) > closable:
        raise Refused("insight.siting_close", _CLOSE, value=int(problem.close[-1]), limit=closable)
    if np.isfinite(problem.unserved):
        return
    unreached = (problem.people > 0).any(0) & ~np.isfinite(problem.costs).any(1)
    if unreached.any():
        people = float(problem.people[:, unreached].max(0).sum())
        raise Refused("insight.siting_unreached", _UNREACHED, value=int(unreached.sum()), limit=f"{people:,.0f}")
    for people, new in zip(problem.people, problem.new, strict=True):
        room = _room(problem, int(new))
        if people.sum() > room * (1 + 1e-9):
            raise Refused("insight.siting_room", _ROOM, value=f"{people.sum():,.0f}", limit=f"{room:,.0f}")


def _room(problem: Problem, new: int) -> float:
    """The capacity of all existing sites and of as many of the largest candidates as may be opened, at the most."""
    candidates = np.sort(problem.capacity[~problem.existing])[::-1]
    held = candidates if _is_short_anyway(problem) else candidates[:new]
    return float(problem.capacity[problem.existing].sum() + held.sum())


def _is_short_anyway(problem: Problem) -> bool:
    return float(problem.people.max(0).sum()) > float(problem.capacity.sum())


def why_not(problem: Problem) -> Refused:
    """The reason why no choice within the limits serves everybody: the least number, or the least budget."""
    one = replace(problem.period(problem.periods - 1), new=np.array([len(problem.capacity)]))
    with_money = np.isfinite(problem.budget[-1])
    least = covering.fewest(replace(one, close=np.array([0])))
    if least is None:
        return Refused("insight.siting_no_way", _NO_WAY, value=int(problem.new[-1]), limit=int(problem.close[-1]))
    if least.total > problem.new[-1]:
        return Refused("insight.siting_few", _FEW, value=int(problem.new[-1]), limit=f"{least.total:,.0f}")
    if with_money:
        money = covering.fewest(replace(one, new=problem.new[-1:], close=np.array([0])), by_price=True)
        if money is not None and money.total > problem.budget[-1]:
            return Refused("insight.siting_budget", _MONEY, value=f"{problem.budget[-1]:,.0f}",
                           limit=f"{money.total:,.0f}")  # fmt: skip
    return Refused("insight.siting_no_way", _NO_WAY, value=int(problem.new[-1]), limit=int(problem.close[-1]))
