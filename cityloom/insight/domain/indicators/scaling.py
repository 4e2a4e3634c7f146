"""Normalisation as a framework asks for it: indicators with the same method at once, over the years that it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.indicators import normalising, scoring
from cityloom.insight.domain.indicators.collecting import Data
from cityloom.insight.domain.indicators.framework import Framework, Gate, Item, Normal
from cityloom.insight.domain.indicators.moments import Floats
from cityloom.kernel.refused import Refused

Rows = NDArray[np.int64]
_BY_YEAR = ("rank", "percentile", "borda", "quantiles")
_TOGETHER = ("min-max", "z-score", "rank", "percentile", "borda", "distance-to-maximum", "fraction-of-maximum")
_NO_GATE = "The gate of the item {value} asks for {limit}, which is neither a column nor an item."
_NO_UNIT = "The unit {value}, to which distances are to be measured, is not in the table of units."


def normal_of(framework: Framework, item: Item) -> Normal:
    """How an indicator is normalised: its own way, or the recipe's."""
    return item.normal or framework.recipe.normalise


def normalised(framework: Framework, directed: Floats, raw: Floats, data: Data,
               places: Sequence[int] | None = None) -> Floats:  # fmt: skip
    """All indicators on their scale, (rows, indicators); those not in `places` (unusable ones) are unknown.

    Raises: Refused, as the methods; `insight.index_gate`, `insight.index_reference`.
    """
    outcome = np.full(directed.shape, np.nan)
    items, alike = framework.indicators, dict[object, list[int]]()
    for place in range(len(items)) if places is None else places:
        together = items[place].normal is None and framework.recipe.normalise.method in _TOGETHER
        turns = "frozen" in framework.recipe.normalise.given  # ends are turned by each indicator's direction
        alike.setdefault("all" if together and not turns else place, []).append(place)
    for group in alike.values():
        normal = normal_of(framework, items[group[0]])
        names = ", ".join(items[place].code for place in group)
        values = directed[:, group] if len(group) > 1 else directed[:, group[0]]
        found = _over_years(normal, values, items[group[0]], data, names)
        outcome[:, group] = found if len(group) > 1 else found[:, None]
    for place, item in enumerate(items):
        for gate in normal_of(framework, item).gates:
            outcome[:, place] = _gated(gate, outcome[:, place], raw, framework, data, item.code)
    return outcome


def _over_years(normal: Normal, values: Floats, item: Item, data: Data, names: str) -> Floats:
    over = normal.given.get("over", "year" if normal.method in _BY_YEAR else "all")
    if data.years is None or over == "all":
        return _scaled(normal, values, values, item, data, names)
    years = np.unique(data.years)
    if over == "first":
        return _scaled(normal, values, values[data.years == years[0]], item, data, names)
    outcome = np.full(values.shape, np.nan)
    for year in years:
        rows = np.flatnonzero(data.years == year)
        outcome[rows] = _scaled(normal, values[rows], values[rows], item, data.of(rows), names)
    return outcome


@dataclass(frozen=True, eq=False)
class _Asked:
    """Values to bring to a scale that is made of those of `reference` (rows), with what the method is given."""

    values: Floats
    reference: Floats
    given: Mapping[str, Any]
    item: Item
    data: Data
    names: str

    @property
    def factor(self) -> float:
        """What 1 becomes, of methods that end at 1."""
        return float(self.given.get("factor", 1))


def _scaled(normal: Normal, values: Floats, reference: Floats, item: Item, data: Data, names: str) -> Floats:
    return _METHODS[normal.method](_Asked(values, reference, normal.given, item, data, names))


def _min_max(asked: _Asked) -> Floats:
    low, high = asked.given.get("range", (0, 100))
    frozen = asked.given.get("frozen")
    ends = _directed(frozen, asked.item.direction) if frozen else _ends(asked.reference)
    return normalising.min_max(asked.values, low, high, *ends, name=asked.names)


def _z_score(asked: _Asked) -> Floats:
    ddof = 0 if asked.given.get("of") == "population" else 1
    centre, spread = np.nanmean(asked.reference, 0), np.nanstd(asked.reference, 0, ddof=ddof)
    return normalising.z_score(asked.values, asked.given.get("mean", 0), asked.given.get("sd", 1), ddof, centre, spread,
                               asked.names)  # fmt: skip


def _known_ends(asked: _Asked) -> Floats:
    least, most = _directed((asked.given.get("least", 0), asked.given.get("most", 100)), asked.item.direction)
    return normalising.scaled(asked.values, least, most, asked.given.get("factor", 100))


def _posts(asked: _Asked) -> Floats:
    """Goalposts are in the indicator's own unit: where less is better, the lower one is worth most."""
    given, sign = asked.given, asked.item.direction
    own = normalising.goalposts(asked.values * sign, given["lower"], given["upper"], 1, given.get("clamp", True),
                                given.get("logarithm", False))  # fmt: skip
    return (own if sign > 0 else 1 - own) * asked.factor


def _to_target(asked: _Asked) -> Floats:
    target = asked.item.direction * float(asked.item.target or 0)
    least = np.nanmin(asked.reference, 0)
    return normalising.distance_to_target(asked.values, target, asked.given.get("cap", False), least) * asked.factor


def _to_reference(asked: _Asked) -> Floats:
    unit = asked.given["unit"]
    if unit not in asked.data.units:
        raise Refused("insight.index_reference", _NO_UNIT, value=unit)
    place = list(asked.data.units).index(unit)
    return normalising.distance_to_reference(asked.values, place, asked.given.get("cap", False)) * asked.factor


def _by_ratio(asked: _Asked) -> Floats:
    given = asked.given
    return scoring.ratio(asked.values, given["target"], given.get("full", 100), given.get("at_most", 100),
                         given.get("at_least", 0), given.get("lower_is_better", False))  # fmt: skip


_METHODS: dict[str, Callable[[_Asked], Floats]] = {
    "min-max": _min_max, "z-score": _z_score, "scaled": _known_ends, "goalposts": _posts,
    "distance-to-target": _to_target, "distance-to-reference": _to_reference, "ratio": _by_ratio,
    "rank": lambda asked: normalising.rank(asked.values),
    "percentile": lambda asked: normalising.percentile_rank(asked.values) * asked.factor,
    "borda": lambda asked: normalising.borda(asked.values),
    "distance-to-maximum": lambda asked: normalising.distance_to_maximum(asked.values, asked.names) * asked.factor,
    "fraction-of-maximum": lambda asked: normalising.fraction_of_maximum(asked.values, asked.names) * asked.factor,
    "quantiles": lambda asked: normalising.by_quantiles(asked.values, asked.given["quantiles"], asked.given["scores"]),
    "thresholds": lambda asked: normalising.by_thresholds(asked.values, asked.given["thresholds"],
                                                          asked.given["scores"]),
    "piecewise": lambda asked: scoring.piecewise(asked.values, asked.given["points"]),
    "steps": lambda asked: scoring.steps(asked.values, asked.given["table"], asked.given.get("below", 0)),
    "as-is": lambda asked: asked.values,
}  # fmt: skip


def _ends(reference: Floats) -> tuple[Floats, Floats]:
    return np.nanmin(reference, 0), np.nanmax(reference, 0)


def _directed(ends: Sequence[float], sign: int) -> tuple[Any, Any]:
    return (ends[0], ends[1]) if sign > 0 else (-ends[1], -ends[0])


def _gated(gate: Gate, scores: Floats, raw: Floats, framework: Framework, data: Data, item: str) -> Floats:
    place = next((at for at, one in enumerate(framework.indicators) if one.code == gate.of), -1)
    if gate.of in data.columns:
        asked = np.asarray(data.columns[gate.of], float)
    elif place >= 0:
        asked = raw[:, place]
    else:
        raise Refused("insight.index_gate", _NO_GATE, value=item, limit=gate.of)
    holds = {"at_least": asked >= gate.value, "at_most": asked <= gate.value, "equals": asked == gate.value}[gate.test]
    return np.where(np.isnan(asked), np.nan, scoring.gated(scores, holds, gate.most))
