"""What each site is worth in a solution: what is lost without it, and which site would best stand in for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cityloom.insight.domain.siting.bounds import site_worth
from cityloom.insight.domain.siting.problem import Flags, Problem
from cityloom.insight.domain.siting.serving import serve


@dataclass(frozen=True)
class Gain:
    """A site that was opened: `loss` is how much the total grows without it, `people` who go there.

    `instead` is the closed candidate that makes up most of that loss (-1: none may be opened), `loss_instead` what is
    then still lost; below 0 it would be better than the site itself.
    """

    site: int
    people: float
    loss: float
    instead: int
    loss_instead: float


def gains(problem: Problem, opened: Flags) -> list[Gain]:
    """The gain of each new site of a choice (m,), for the last period of the problem, the largest loss first."""
    one = problem.period(problem.periods - 1)
    people = one.people[0]
    now = serve(one, opened, people)
    carried = np.bincount(now.site, now.people, len(opened))
    found = [_gain(one, opened, int(site), now.total, float(carried[site]))
             for site in np.flatnonzero(opened & ~one.existing)]  # fmt: skip
    return sorted(found, key=lambda gain: (-gain.loss, gain.site))


def _gain(one: Problem, opened: Flags, site: int, total: float, carried: float) -> Gain:
    people = one.people[0]
    without = opened.copy()
    without[site] = False
    there = serve(one, without, people)
    left = one.budget[0] - float(one.price[without & ~one.existing].sum())
    free = np.flatnonzero(~opened & ~one.existing & (one.price <= left + 1e-9))
    if not len(free):
        return Gain(site, carried, there.total - total, -1, there.total - total)
    worth = site_worth(one, people, there.value)[free]
    instead = int(free[int(np.argmax(worth))])
    then = without.copy()
    then[instead] = True
    return Gain(site, carried, there.total - total, instead, serve(one, then, people).total - total)
