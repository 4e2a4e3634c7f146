"""Hierarchies and groups of series: which bottom series each aggregate is the sum of.

Source: R. Hyndman and G. Athanasopoulos, Forecasting: Principles and Practice (3rd ed.), 11.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
MOST_NODES = 6_000
TOTAL = "total"
_NODES = "The levels give {value} series, and at most {limit} are reconciled at once; take fewer levels or areas."
_LEVEL = "There is no column {value} among those that name the series; there are {limit}."


@dataclass(frozen=True)
class Hierarchy:
    """`sums` (nodes, bottom) is 1 where a node holds a bottom series; the bottom series are its last rows, in order.

    `levels` names each node's level by its columns ("total", "state", "state x purpose"), `labels` its values.
    """

    sums: Floats
    levels: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]

    @property
    def bottom(self) -> int:
        """How many bottom series there are."""
        return self.sums.shape[1]

    def aggregated(self, values: Floats) -> Floats:
        """Values of all nodes (nodes, ...) from those of the bottom (bottom, ...); unknown where a part is unknown."""
        return np.tensordot(self.sums, values, 1) if not np.isnan(values).any() else np.where(
            np.tensordot(self.sums, np.isnan(values).astype(float), 1) > 0, np.nan,
            np.tensordot(self.sums, np.nan_to_num(values), 1))  # fmt: skip


def hierarchy(keys: Mapping[str, Sequence[str]], levels: Sequence[Sequence[str]], *, once: bool = True) -> Hierarchy:
    """The nodes of levels, each a list of key columns; the total first, the bottom (all key columns) last.

    `keys` has for each key column its value for each bottom series. A sum of the same series as another (a state with
    one region) stands `once`, under the first of their names, and one of a single series under that one's.

    Raises: Refused `insight.no_level`, `insight.too_many_nodes`.
    """
    columns = {name: np.asarray(list(values), object) for name, values in keys.items()}
    count = len(next(iter(columns.values())))
    rows: list[NDArray[np.float64]] = []
    named: list[tuple[str, tuple[str, ...]]] = []
    seen: set[bytes] = set()
    for level in [[], *levels]:
        for label, members in _groups(columns, level, count).items():
            row = np.zeros(count)
            row[members] = 1.0
            if not once or (len(members) > 1 and row.tobytes() not in seen):
                seen.add(row.tobytes())
                rows.append(row)
                named.append((" x ".join(level) or TOTAL, label))
        if len(rows) + count > MOST_NODES:
            raise Refused("insight.too_many_nodes", _NODES, value=len(rows) + count, limit=MOST_NODES)
    bottom = [(" x ".join(columns), label) for label in zip(*(one.tolist() for one in columns.values()), strict=True)]
    named += bottom
    sums = np.concatenate([np.array(rows).reshape(-1, count), np.eye(count)])
    return Hierarchy(sums, tuple(one for one, _ in named), tuple(label for _, label in named))


def crossings(columns: Sequence[str]) -> list[list[str]]:
    """All levels that columns can make together, without the total and the bottom."""
    found = [[name for bit, name in enumerate(columns) if mask >> bit & 1] for mask in range(1, 2 ** len(columns) - 1)]
    return sorted(found, key=len)


def _groups(columns: Mapping[str, NDArray[np.object_]], level: Sequence[str], count: int
            ) -> dict[tuple[str, ...], list[int]]:  # fmt: skip
    for name in level:
        if name not in columns:
            raise Refused("insight.no_level", _LEVEL, value=name[:80], limit=", ".join(columns))
    found: dict[tuple[str, ...], list[int]] = {}
    for row in range(count):
        found.setdefault(tuple(str(columns[name][row]) for name in level), []).append(row)
    return found
