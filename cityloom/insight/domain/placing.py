"""Where the nodes of a layered graph stand: each as near to its neighbours as those beside it allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cityloom.insight.domain.layers import BEND, Edge, Layered

_SWEEPS = 24
_GAP = 18.0
_STRAIGHT = 4.0  # how much more a bend is held in line with the next one than a box
_HEAVY = 24.0  # and the heaviest edge than the lightest


@dataclass(frozen=True)
class Placed:
    """The middle of each node, and the width and height of the whole."""

    x: Mapping[int, float]
    y: Mapping[int, float]
    width: float
    height: float


def placed(
    found: Layered, wide: Mapping[int, float], high: Sequence[float], weights: Mapping[Edge, float]
) -> Placed:  # fmt: skip
    """Give nodes of these widths their places; `high` has the height of each layer, heavy edges are held straight."""
    x = {}
    for layer in found.layers:
        at = 0.0
        for node in layer:
            x[node] = at + wide[node] / 2
            at += wide[node] + _GAP
    near = _neighbours(found, weights)
    for sweep in range(_SWEEPS):
        side = sweep % 3  # from above, from below, from both
        for layer in found.layers if sweep % 2 == 0 else found.layers[::-1]:
            _settle(layer, x, wide, near, side)
    least = min((x[node] - wide[node] / 2 for node in x), default=0.0)
    x = {node: at - least for node, at in x.items()}
    tops = np.concatenate([[0.0], np.cumsum(high)])
    y = {node: float(tops[at]) + high[at] / 2 for at, layer in enumerate(found.layers) for node in layer}
    return Placed(x, y, max((x[node] + wide[node] / 2 for node in x), default=0.0), float(tops[-1]))


def _neighbours(found: Layered, weights: Mapping[Edge, float]) -> dict[int, list[list[tuple[int, float]]]]:
    """Of each node those above and those below, each with its weight."""
    near: dict[int, list[list[tuple[int, float]]]] = {node: [[], []] for layer in found.layers for node in layer}
    most = max(weights.values(), default=1.0)
    for edge, way in found.ways.items():
        heavy = 1.0 + _HEAVY * (weights[edge] / most) ** 2
        for upper, lower in pairwise(way):
            weight = heavy * (_STRAIGHT if max(upper, lower) < BEND else 1.0)
            near[lower][0].append((upper, weight))
            near[upper][1].append((lower, weight))
    return near


def _settle(
    layer: Sequence[int], x: dict[int, float], wide: Mapping[int, float],
    near: Mapping[int, list[list[tuple[int, float]]]], side: int,
) -> None:  # fmt: skip
    wished, weights = [], []
    for node in layer:
        others = near[node][side] if side < 2 and near[node][side] else [*near[node][0], *near[node][1]]
        weight = sum(each for _, each in others)
        wished.append(sum(x[one] * each for one, each in others) / weight if weight else x[node])
        weights.append(weight or 0.1)
    room = np.array([(wide[one] + wide[other]) / 2 + _GAP for one, other in pairwise(layer)])
    before = np.concatenate([[0.0], np.cumsum(room)])
    for node, at in zip(layer, rising(np.array(wished) - before, np.array(weights)) + before, strict=True):
        x[node] = float(at)


def rising(wished: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The values nearest to those that are wished of which none is smaller than the one before (pooling neighbours)."""
    pools: list[list[float]] = []  # mean, weight, count
    for value, weight in zip(wished, weights, strict=True):
        pools.append([float(value), float(weight), 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, weight_, count = pools.pop()
            last = pools[-1]
            last[0] = (last[0] * last[1] + mean * weight_) / (last[1] + weight_)
            last[1] += weight_
            last[2] += count
    return np.array([mean for mean, _, count in pools for _ in range(int(count))])
