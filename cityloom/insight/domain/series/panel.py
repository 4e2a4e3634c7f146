"""Rows of series, period and value as one table of series by periods, with what had to be put right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.series import periods
from cityloom.insight.domain.series.naive import filled
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
MOST_SERIES, MOST_PERIODS, MOST_CELLS = 20_000, 20_000, 5_000_000
_TWICE = "{value} has two values in {limit}; leave one out, or say how values of one period are joined: sum or mean."
_MANY = "There are {value} series, and at most {limit} are forecast at once; leave some out."
_LONG = "The series reach over {value} periods, and at most {limit} are read; take a longer period, or fewer years."
_ROWS = "There are no rows in the table of the series; send one row for each series and period."
_UNNAMED = "A row lies in the period {value} and names no {limit}; say which series each row is of."


@dataclass(frozen=True)
class Panel:
    """`values` (series, periods), nan before a series begins and where it is not known; gaps inside have been filled
    from the season before. `keys` by column, `first` the number of the first period; `filled` and `late` count cells,
    `ended` series that stop before the last period.
    """

    values: Floats
    keys: Mapping[str, tuple[str, ...]]
    first: int
    filled: int
    late: int
    ended: int


def panel(keys: Mapping[str, Sequence[str]], at: Sequence[str], values: Floats, frequency: str, season: int,
          joined: str = "refuse") -> Panel:  # fmt: skip
    """Put rows in their places; `joined` says what becomes of several rows of a series and period: refuse, sum, mean.

    Raises: Refused `insight.no_rows`, `insight.series_unnamed`, `insight.series_twice`, `insight.too_many_series`,
    `insight.too_many_periods`, and as `periods.ordinals`.
    """
    if not len(values):
        raise Refused("insight.no_rows", _ROWS)
    when = np.asarray(periods.ordinals(at, frequency), np.int64)
    labels = list(zip(*keys.values(), strict=True))
    _check_named(keys, at)
    names = sorted(set(labels))
    row = _rows(labels, names)
    first, wide = int(when.min()), int(when.max() - when.min()) + 1
    if len(names) > MOST_SERIES:
        raise Refused("insight.too_many_series", _MANY, value=len(names), limit=MOST_SERIES)
    if wide > MOST_PERIODS or wide * len(names) > MOST_CELLS:
        raise Refused("insight.too_many_periods", _LONG, value=wide, limit=min(MOST_PERIODS, MOST_CELLS // len(names)))
    place = row * wide + when - first
    count = np.bincount(place, minlength=wide * len(names))
    if joined == "refuse" and (count > 1).any():
        twice = int(count.argmax())
        raise Refused("insight.series_twice", _TWICE, value=" / ".join(names[twice // wide])[:120],
                      limit=periods.label(first + twice % wide, frequency))  # fmt: skip
    known = np.bincount(place, ~np.isnan(values), wide * len(names))
    sums = np.bincount(place, np.nan_to_num(values), wide * len(names))
    table = np.where(known > 0, sums / np.where((joined == "mean") & (known > 0), known, 1), np.nan)
    by_name = {name: tuple(one[column] for one in names) for column, name in enumerate(keys)}
    return _mended(table.reshape(len(names), wide), by_name, first, season)


def _rows(labels: list[tuple[str, ...]], names: list[tuple[str, ...]]) -> NDArray[np.int64]:
    places = {name: place for place, name in enumerate(names)}
    return np.array([places[one] for one in labels], np.int64)


def _check_named(keys: Mapping[str, Sequence[str]], at: Sequence[str]) -> None:
    for name, values in keys.items():
        for one, when in zip(values, at, strict=True):
            if not str(one).strip():
                raise Refused("insight.series_unnamed", _UNNAMED, value=str(when)[:40], limit=name[:80])


def _mended(table: Floats, keys: Mapping[str, tuple[str, ...]], first: int, season: int) -> Panel:
    known = ~np.isnan(table)
    begun = np.maximum.accumulate(known, axis=1)
    gaps = begun & ~known
    full = np.where(begun, filled(table.T, min(season, table.shape[1])).T, np.nan)
    ended = int((gaps[:, -1]).sum())
    return Panel(full, keys, first, int(gaps.sum()), int((~begun).sum()), ended)
