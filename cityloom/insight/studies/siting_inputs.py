"""The tables of a study of sites as its mathematics takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.study.tables import Table
from cityloom.insight.studies import travel as ways
from cityloom.insight.studies.access_steps import amounts
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
_TWICE = "The site {value} stands in both tables, supply and candidates; keep it in one of them."


@dataclass(frozen=True)
class Given:
    """Areas with people (periods, n) and groups, and sites (m,) with what is known of them; the existing come first.

    `still` says that people are the same in all periods.
    """

    areas: ways.Points
    people: Floats
    group: NDArray[Any] | None
    sites: ways.Points
    capacity: Floats
    price: Floats
    existing: Floats
    keep: Floats
    still: bool = True

    def only(self, kept: NDArray[np.bool_]) -> Given:
        """Some of the areas."""
        at = np.flatnonzero(kept)
        areas = ways.Points([self.areas.code[one] for one in at], [self.areas.name[one] for one in at],
                            self.areas.lon[at], self.areas.lat[at])  # fmt: skip
        return replace(self, areas=areas, people=self.people[:, at], group=self.group[at] if self.group is not None
                       else None)  # fmt: skip

    def last(self) -> Given:
        """The last period alone."""
        return replace(self, people=self.people[-1:])


def given(question: Mapping[str, Any], inputs: Mapping[str, Table]) -> Given:
    """Read and check the tables.

    Raises: Refused `insight.access_amount`, `insight.siting_twice`.
    """
    demand, tables = inputs["demand"], [("candidates", "site"), ("supply", "facility")]
    group = np.array([str(one) for one in demand["group"].tolist()]) if "group" in demand.columns else None
    held = [(inputs[name], key) for name, key in tables[::-1] if name in inputs]
    sites = ways.joined(*(ways.points(one, key) for one, key in held))
    if len(set(sites.code)) < len(sites.code):
        seen = next(one for at, one in enumerate(sites.code) if one in sites.code[:at])
        raise Refused("insight.siting_twice", _TWICE, value=seen[:80])
    existing = np.concatenate([np.ones(one.rows) if key == "facility" else column(one, "existing", 0.0)
                               for one, key in held])  # fmt: skip
    capacity = np.concatenate([column(one, "capacity", np.inf) for one, _ in held])
    if not question.get("capacities", True):
        capacity = np.full(len(capacity), np.inf)
    price, keep = (np.concatenate([column(one, name, other) for one, _ in held]) for name, other in
                   (("cost", 1.0), ("keep", 0.0)))  # fmt: skip
    people = _people(question, demand)
    return Given(ways.points(demand, "area"), people, group, sites, capacity, price, existing, keep,
                 still=bool((people == people[0]).all()))  # fmt: skip


def column(given: Table, name: str, default: float) -> Floats:
    """A column of sites; what is empty, or all where there is none, is the default."""
    if name not in given.columns:
        return np.full(given.rows, default)
    found = given[name].astype(np.float64)
    return np.where(np.isnan(found), default, found)


def _people(question: Mapping[str, Any], demand: Table) -> Floats:
    spans = [len(question[one]) for one in ("p", "budget", "close") if isinstance(question.get(one), Sequence)]
    now = amounts(demand, "people")
    return np.stack([amounts(demand, f"people_{one}") if f"people_{one}" in demand.columns else now
                     for one in range(1, max(spans, default=1) + 1)])  # fmt: skip
