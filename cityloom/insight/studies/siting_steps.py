"""The tables of a study of sites, from what was found."""

from __future__ import annotations

from typing import Any

import numpy as np

from cityloom.insight.domain.access import catchments, inequality
from cityloom.insight.domain.siting import marginal
from cityloom.insight.domain.siting.problem import Problem, Served
from cityloom.insight.domain.siting.serving import serve
from cityloom.insight.domain.siting.solving import Sited
from cityloom.insight.domain.study.tables import Table, as_column, table
from cityloom.insight.studies.siting_inputs import Floats, Given


def dense(minutes: Any) -> Floats:
    """Pairs as an array (n, m), infinite where there is none."""
    found = np.full(minutes.shape, np.inf)
    row = np.repeat(np.arange(minutes.shape[0]), np.diff(minutes.indptr))
    found[row, minutes.indices] = minutes.data
    return found


def way_of(served: Served, minutes: Floats) -> tuple[Floats, Floats]:
    """The people of each area who are served, and their mean minutes (nan for none)."""
    n = len(minutes)
    people = np.bincount(served.place, served.people, n)
    spent = np.bincount(served.place, served.people * minutes[served.place, served.site], n)
    return people, np.divide(spent, people, out=np.full(n, np.nan), where=people > 0)


def before(sited: Sited) -> Served:
    """Who goes where with the sites that exist now."""
    return serve(sited.ways, sited.problem.existing, sited.problem.people[-1])


def periods_table(sited: Sited, minutes: Floats, within: float) -> Table:
    """Of each period the sites opened and closed by then, what they cost, and how people are served."""
    problem, rows = sited.problem, []
    for number, (opened, served) in enumerate(zip(sited.solution.open, sited.served, strict=True), 1):
        rows.append((str(number), int((opened & ~problem.existing).sum()), int((problem.existing & ~opened).sum()),
                     float(problem.price[opened & ~problem.existing].sum()), float(problem.people[number - 1].sum()),
                     *_measures(served, minutes, within)))  # fmt: skip
    names = ("period", "opened", "closed", "cost", "people", "served", "minutes", "longest", "covered")
    return table("period", **dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def _measures(served: Served, minutes: Floats, within: float) -> tuple[float, float, float, float]:
    """People served, their mean and longest minutes, and how many of them are within so many minutes."""
    spent, people = minutes[served.place, served.site], served.people
    total = float(people.sum())
    if not total > 0:
        return 0.0, float("nan"), float("nan"), 0.0
    return total, float(people @ spent / total), float(spent.max()), float(people[spent <= within + 1e-9].sum())


def solution_table(found: Given, sited: Sited) -> Table:
    """Of each site what becomes of it, when, and how many people it serves in the end."""
    problem, opened = sited.problem, sited.solution.open
    load = np.bincount(sited.served[-1].site, sited.served[-1].people, len(found.sites.code))
    was, now = problem.existing, opened[-1]
    state = np.select([was & now, was & ~now, now], ["stays", "closes", "opens"], "not opened")
    changed = np.where(was, ~opened, opened)
    period = np.where(changed.any(0), changed.argmax(0) + 1, 0)
    capacity = np.where(np.isfinite(found.capacity), found.capacity, np.nan)
    return table("site", site=as_column(found.sites.code), name=as_column(found.sites.name), lon=found.sites.lon,
                 lat=found.sites.lat, state=state.tolist(), period=period, capacity=capacity, cost=found.price,
                 people=load, is_open=now.astype(np.int64))  # fmt: skip


def assignment_table(found: Given, sited: Sited, minutes: Floats) -> Table:
    """Who goes where in the end."""
    served = sited.served[-1]
    return table(("area", "site"), area=[found.areas.code[one] for one in served.place.tolist()],
                 site=[found.sites.code[one] for one in served.site.tolist()], people=served.people,
                 minutes=minutes[served.place, served.site])  # fmt: skip


def areas_table(found: Given, sited: Sited, minutes: Floats) -> Table:
    """Of each area the minutes before and after, and who is left."""
    then, spent_then = way_of(before(sited), minutes)
    now, spent = way_of(sited.served[-1], minutes)
    group = {"group": as_column(found.group.tolist())} if found.group is not None else {}
    return table("area", area=as_column(found.areas.code), name=as_column(found.areas.name), lon=found.areas.lon,
                 lat=found.areas.lat, people=sited.problem.people[-1], **group, served_before=then, served=now,
                 before=spent_then, minutes=spent, saved=spent_then - spent)  # fmt: skip


def marginal_table(found: Given, sited: Sited, objective: str) -> Table:
    """Of each new site what is lost without it, and what would best stand in for it."""
    if objective in ("set-cover", "p-centre") or not np.isfinite(sited.solution.total):
        gains: list[marginal.Gain] = []
    else:
        gains = marginal.gains(sited.problem, sited.solution.open[-1])
    people = max(float(sited.problem.people[-1].sum()), 1e-12)
    return table("site", site=as_column([found.sites.code[one.site] for one in gains] or np.zeros(0, object)),
                 name=as_column([found.sites.name[one.site] for one in gains] or np.zeros(0, object)),
                 people=np.array([one.people for one in gains]), loss=np.array([one.loss for one in gains]),
                 loss_each=np.array([one.loss / people for one in gains]),
                 instead=as_column([found.sites.name[one.instead] if one.instead >= 0 else "" for one in gains]
                                   or np.zeros(0, object)),
                 loss_instead=np.array([one.loss_instead for one in gains]))  # fmt: skip


def equity_table(found: Given, sited: Sited, minutes: Floats, areas: Table, within: float) -> Table:
    """How unequal ways and places are, before and after: Gini of minutes; Gini, Palma and the worst fifth of access."""
    people, problem = areas["people"], sited.problem
    ways = [areas[one] for one in ("before", "minutes")]
    access = [_access(problem, opened, people, minutes, within)
              for opened in (problem.existing, sited.solution.open[-1])]  # fmt: skip
    rows = {
        "mean minutes": [inequality.mean(one, areas[of])
                         for one, of in zip(ways, ("served_before", "served"), strict=True)],
        "Gini of minutes": [inequality.gini(one, people) for one in ways],
        "longest minutes": [float(np.nanmax(one)) if np.isfinite(one).any() else np.nan for one in ways],
        "Gini of access": [inequality.gini(one, people) for one in access],
        "Palma of access": [inequality.palma(one, people) for one in access],
        "access of the worst fifth": [inequality.worst_fifth(one, people) for one in access],
        "people without": [float(people.sum() - areas[one].sum()) for one in ("served_before", "served")],
    }  # fmt: skip
    return table("measure", measure=list(rows), before=np.array([one[0] for one in rows.values()]),
                 after=np.array([one[1] for one in rows.values()]))  # fmt: skip


def _access(problem: Problem, opened: Any, people: Floats, minutes: Floats, within: float) -> Floats:
    """2SFCA within the catchment, a site without capacity counting as one."""
    supply = np.where(np.isfinite(problem.capacity), problem.capacity, 1.0)[opened]
    return catchments.two_step(people, supply, minutes[:, opened], within).per_head


def groups_table(found: Given, areas: Table) -> Table:
    """Of each group of areas its people, its ways before and after, and who is left."""
    names = sorted(set(found.group.tolist())) if found.group is not None else []
    own = [found.group == one for one in names]
    return table("group", group=names, people=[float(areas["people"][one].sum()) for one in own],
                 before=[inequality.mean(areas["before"][one], areas["served_before"][one]) for one in own],
                 minutes=[inequality.mean(areas["minutes"][one], areas["served"][one]) for one in own],
                 left=[float((areas["people"] - areas["served"])[one].sum()) for one in own])  # fmt: skip


def options_table(found: Given, whole: list[tuple[int, Sited]], minutes: Floats, within: float) -> Table:
    """Of each number of new sites what it gives and costs."""
    rows = []
    for p, sited in whole:
        opened = sited.solution.open[-1]
        areas = areas_table(found, sited, minutes)
        rows.append((p, float(sited.problem.price[opened & ~sited.problem.existing].sum()),
                     *_measures(sited.served[-1], minutes, within), inequality.gini(areas["minutes"], areas["people"]),
                     sited.solution.gap, ", ".join(found.sites.name[one] for one in
                     np.flatnonzero(opened & ~sited.problem.existing)[:40])))  # fmt: skip
    names = ("p", "cost", "served", "minutes", "longest", "covered", "gini_minutes", "gap", "sites")
    return table("p", **dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def summary_table(found: Given, sited: Sited, areas: Table, within: float) -> Table:
    """The choice in one row."""
    problem, people = sited.problem, sited.problem.people[-1]
    opened = sited.solution.open[-1]
    near = [float(areas[of][np.nan_to_num(areas[way], nan=np.inf) <= within + 1e-9].sum())
            for way, of in (("before", "served_before"), ("minutes", "served"))]  # fmt: skip
    total = float(people.sum())
    return table("city", city=["all"], people=[total], opened=[int((opened & ~problem.existing).sum())],
                 closed=[int((problem.existing & ~opened).sum())], open=[int(opened.sum())],
                 cost=[float(problem.price[opened & ~problem.existing].sum())],
                 before=[inequality.mean(areas["before"], areas["served_before"])],
                 minutes=[inequality.mean(areas["minutes"], areas["served"])],
                 longest=[float(np.nanmax(areas["minutes"])) if areas["served"].any() else np.nan],
                 covered_before=[near[0]], covered=[near[1]], covered_share=[near[1] / total],
                 served=[float(areas["served"].sum())], total=[sited.solution.total], bound=[sited.solution.bound],
                 gap=[sited.solution.gap], proved=[int(sited.solution.proved)])  # fmt: skip
