"""A made-up question of sites: new clinics for a synthetic town with a river."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.studies.access_example import city


def example() -> tuple[Mapping[str, Any], Mapping[str, Table]]:
    """Three new clinics in two periods, out of twelve sites."""
    tables = city(5, 6)
    demand, rng = tables["demand"], np.random.default_rng(9)
    at = rng.choice(demand.rows, 12, replace=False)
    number = range(12)
    candidates = table("site", site=[f"S{one}" for one in number], name=[f"Synthetic site {one}" for one in number],
                       lon=demand["lon"][at], lat=demand["lat"][at], capacity=rng.integers(3, 10, 12) * 1_000,
                       cost=rng.integers(3, 9, 12))  # fmt: skip
    supply = tables["supply"]
    room = table("facility", **{one: supply[one] for one in ("facility", "name", "lon", "lat")},
                 capacity=supply["capacity"] * 400)  # fmt: skip
    question = {"objective": "p-median", "p": [1, 3], "within": 15, "limit": 240, "options": [1, 2, 3]}
    return question, tables | {"supply": room, "candidates": candidates}
