"""Why one unit is above another: each pair's difference, split over the indicators so that it adds up."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import fsum
from typing import Any

import numpy as np

from cityloom.insight.domain.index_audit import difference
from cityloom.insight.domain.robustness.tree import Floats
from cityloom.insight.domain.study.study import Step
from cityloom.insight.domain.study.tables import table
from cityloom.insight.studies.index_base import Base
from cityloom.kernel.refused import Refused

_NO_UNIT = "There is no unit {value} with a score; compare two of {limit}."
_DRAWN_PAIRS = 5
Pair = tuple[int, int]
ORDERS, _SEED = 40, 1
"""How many orders are drawn where a way of aggregating has no split of its own."""


def is_exact(base: Base) -> bool:
    """Whether each aggregate is made in a way whose differences are split without drawing orders by lot."""
    return all(one in difference.EXACT for one in base.framework.ways)


def split(base: Base, one: int, other: int) -> Floats:
    """What each indicator contributes to the difference of two units (places in the base); adds up to the scores'."""
    values = base.items[:, : base.tree.indicators]
    if is_exact(base):
        shares = difference.contributions(values[one], values[other], base.tree, base.framework.ways)
    else:
        lots = np.random.default_rng(_SEED)
        shares = difference.by_orders(values, (one, other), base.tree, base.framework.ways, lots, ORDERS)
    return difference.adding_up(shares, float(base.items[one, -1] - base.items[other, -1]))


def place_of(base: Base, unit: str) -> int:
    """The place of a unit.

    Raises: Refused `insight.index_no_unit`.
    """
    if unit not in base.units:
        raise Refused("insight.index_no_unit", _NO_UNIT, value=unit[:80], limit=", ".join(base.units)[:300])
    return base.units.index(unit)


def pairs_of(base: Base, asked: Sequence[Sequence[str]], most_cells: int) -> list[Pair]:
    """The pairs that are asked for, and each unit with the next of the ranking as far as they are not too many."""
    found = [(place_of(base, one), place_of(base, other)) for one, other in asked]
    order = np.argsort(-base.items[:, -1], kind="stable").tolist()
    room = max(0, most_cells // base.tree.indicators - len(found))
    near = [pair for pair in pairwise(order) if pair not in found]
    return [*found, *near[: room if is_exact(base) else _DRAWN_PAIRS]]


def steps_of(base: Base, names: Sequence[str], pairs: Sequence[Pair]) -> list[Step]:
    """Two steps: each pair with its three deciding indicators, and all contributions."""
    if not pairs:
        return []
    given = {"method": "by each mean"} if is_exact(base) else {"method": "shapley", "orders": ORDERS}
    seed = None if is_exact(base) else _SEED
    size, rows, all_ = base.tree.indicators, list[dict[str, Any]](), list[Floats]()
    for one, other in pairs:
        shares = split(base, one, other)
        all_.append(shares)
        three = [*(base.codes[at] for at in difference.deciding(shares)), "-", "-", "-"][:3]
        rows.append({
            "unit": base.units[one], "other": base.units[other], "name": names[one], "other_name": names[other],
            "difference": float(base.items[one, -1] - base.items[other, -1]), "sum": fsum(shares.tolist()),
            **{f"decides_{at}": code for at, code in enumerate(three, 1)},
        })  # fmt: skip
    named = {name: [row[name] for row in rows for _ in range(size)] for name in ("unit", "other")}
    first, second = (np.concatenate([base.items[pair[side], :size] for pair in pairs]) for side in (0, 1))
    return [
        Step("differences", table(("unit", "other"), **{name: [row[name] for row in rows] for name in rows[0]}),
             given, seed),
        Step("contributions", table(("unit", "other", "item"), **named, item=list(base.codes[:size]) * len(pairs),
                                    value=first, other_value=second, contribution=np.concatenate(all_)), given, seed),
    ]  # fmt: skip
