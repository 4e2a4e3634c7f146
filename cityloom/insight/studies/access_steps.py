"""The tables of a study of access, from what was found."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.access import catchments, inequality, pairs
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.studies.travel import Points
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
MOST_COSTS = 100_000
_CELL = "A number in the column {value} is missing or negative ({limit} rows); correct the rows, or leave them out."


def amounts(given: Table, name: str) -> Floats:
    """A column of amounts.

    Raises: Refused `insight.access_amount`.
    """
    found = given[name].astype(np.float64)
    wrong = ~(np.isfinite(found) & (found >= 0))
    if wrong.any():
        raise Refused("insight.access_amount", _CELL, value=name, limit=int(wrong.sum()))
    return found


def costs_table(ours: Points, others: Points, minutes: pairs.Sparse) -> Table:
    """The pairs within reach with their minutes; none where there are too many to keep."""
    if minutes.nnz > MOST_COSTS:
        return table(("area", "facility"), area=_words([]), facility=_words([]), minutes=np.zeros(0))
    row = pairs.rows_of(minutes)
    area, facility = ([points.code[one] for one in at.tolist()]
                      for points, at in ((ours, row), (others, minutes.indices)))  # fmt: skip
    return table(("area", "facility"), area=_words(area), facility=_words(facility), minutes=minutes.data)


def access_table(demand: Table, ours: Points, people: Floats, minutes: pairs.Sparse, made: catchments.Access,
                 per: float) -> Table:  # fmt: skip
    """Of each area its people, minutes to the nearest facility, how many are within reach, and its access."""
    group = {"group": _words(demand["group"].tolist())} if "group" in demand.columns else {}
    return table("area", area=_words(ours.code), name=_words(ours.name), lon=ours.lon, lat=ours.lat, people=people,
                 **group, minutes=catchments.nearest(minutes), within=np.diff(minutes.indptr).astype(np.int64),
                 access=made.per_head * per, shared=made.total)  # fmt: skip


def facilities_table(others: Points, capacity: Floats, minutes: pairs.Sparse, made: catchments.Access) -> Table:
    """Of each facility its capacity, the demand that falls on it, and its level of service."""
    people = np.bincount(minutes.indices, minlength=len(capacity)).astype(np.int64)
    return table("facility", facility=_words(others.code), name=_words(others.name), lon=others.lon, lat=others.lat,
                 capacity=capacity, areas=people, load=made.load, ratio=made.ratio)  # fmt: skip


def inequality_table(access: Floats, people: Floats, groups: NDArray[Any] | None, income: Floats | None) -> Table:
    """How unequally access is spread over people, one measure a row."""
    found = {
        "mean": inequality.mean(access, people), "worst_fifth": inequality.worst_fifth(access, people),
        "gini": inequality.gini(access, people), "palma": inequality.palma(access, people),
        "theil": inequality.theil(access, people),
    }  # fmt: skip
    if groups is not None:
        parts = inequality.theil_by_group(access, people, groups)
        found |= {"theil_between": parts.between, "theil_within": parts.within}
    if income is not None:
        found |= {"concentration": inequality.concentration(access, people, income),
                  "palma_income": inequality.palma_ratio(access, people, income)}  # fmt: skip
    return table("measure", measure=list(found), value=np.array(list(found.values())))


def lorenz_table(access: Floats, people: Floats, most: int = 101) -> Table:
    """The Lorenz curve at no more than so many points."""
    share, amount = inequality.lorenz(access, people)
    at = np.unique(np.linspace(0, len(share) - 1, min(most, len(share))).round().astype(np.int64))
    return table("point", point=np.arange(len(at)), people=share[at], access=amount[at], even=share[at])


def groups_table(access: Floats, minutes: Floats, people: Floats, groups: NDArray[Any]) -> Table:
    """Of each group of areas its people, mean access, mean way to the nearest, and its part of Theil's T."""
    parts = inequality.theil_by_group(access, people, groups)
    own = [groups == one for one in parts.groups]
    return table("group", group=list(parts.groups), people=[float(people[some].sum()) for some in own],
                 access=[inequality.mean(access[some], people[some]) for some in own],
                 minutes=[inequality.mean(minutes[some], people[some]) for some in own],
                 without=[float(people[some & ~np.isfinite(minutes)].sum()) for some in own],
                 theil=parts.of_group, share=parts.share)  # fmt: skip


def summary_table(people: Floats, capacity: Floats, minutes: pairs.Sparse, made: catchments.Access,
                  per: float) -> Table:  # fmt: skip
    """The city in one row."""
    reached = np.diff(minutes.indptr) > 0
    used = np.bincount(minutes.indices, minlength=len(capacity)) > 0
    nearest = catchments.nearest(minutes)
    return table("city", city=["all"], people=[float(people.sum())], without=[float(people[~reached].sum())],
                 without_share=[float(people[~reached].sum() / people.sum())], capacity=[float(capacity.sum())],
                 unreached=[float(capacity[~used].sum())], facilities=[len(capacity)], areas=[len(people)],
                 rate=[float(capacity.sum() / people.sum() * per)],
                 access=[inequality.mean(made.per_head * per, people)],
                 minutes=[inequality.mean(nearest, people)], shared=[float(np.nansum(made.total))])  # fmt: skip


def _words(values: list[Any]) -> NDArray[np.object_]:
    found = np.empty(len(values), object)
    found[:] = [str(one) for one in values]
    return found
