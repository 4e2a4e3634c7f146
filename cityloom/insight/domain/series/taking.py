"""Series as they are given: what cannot be forecast is refused, the rest is put into groups that are fitted at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.series.methods import METHODS
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
MOST_VALUES = 20_000_000
MOST_HORIZON = 400
LONGEST_SEASON = 366
FEWEST = 3
_ZEROS = 0.3
_COMBINED = ("mean", "median", "weighted")

_SHAPE = "Series are a table of series by periods with something in it, not {value}."
_MANY = "There are {value} values, and at most {limit} are forecast at once; take fewer series or fewer periods."
_INFINITE = "{value} values are infinite; a value that is not known is left empty."
_NEGATIVE = "{value} values are below zero, and a demand is not; correct them, or say that values may be negative."
_EMPTY = "No series has {limit} known values or more, which is the least that can be forecast; give more periods."
_HORIZON = "Forecasts reach from 1 to {limit} periods ahead, not {value}."
_SEASON = "A season has from 1 to {limit} periods, not {value}."
_METHOD = "There is no method that is called {value}; there are {limit}."


@dataclass(frozen=True)
class Group:
    """Rows that begin in the period `first`, with the season that their length allows."""

    rows: NDArray[np.int64]
    first: int
    season: int


@dataclass(frozen=True)
class Taken:
    """`values` (series, periods), the groups that all rows are in, and the notes of each row."""

    values: Floats
    groups: Sequence[Group]
    notes: tuple[str, ...]


def taken(values: Floats, season: int, horizon: int, methods: Sequence[str], combined: str, negative: bool) -> Taken:
    """Look through series before they are forecast; one with too few values is told as empty and stays at its mean.

    Raises: Refused `insight.series_shape`, `insight.series_many`, `insight.series_infinite`, `insight.series_negative`,
    `insight.series_empty`, `insight.series_horizon`, `insight.series_season`, `insight.no_method`.
    """
    _check_asked(season, horizon, methods, combined)
    _check_values(values, negative)
    known = ~np.isnan(values)
    count = known.sum(1)
    first = np.where(count > 0, known.argmax(1), 0)
    full = np.where(count[:, None] >= FEWEST, values, _held(values))
    first = np.where(count >= FEWEST, first, 0)
    length = values.shape[1] - first
    own = np.where((length >= 2 * season + 1) & (count >= season + FEWEST), season, 1)
    keys = np.unique(np.stack([first, own], 1), axis=0)
    groups = [Group(np.flatnonzero((first == at) & (own == width)), int(at), int(width)) for at, width in keys]
    return Taken(full, groups, _notes(values, known, count, first, own, season))


def _check_asked(season: int, horizon: int, methods: Sequence[str], combined: str) -> None:
    if not 1 <= horizon <= MOST_HORIZON:
        raise Refused("insight.series_horizon", _HORIZON, value=horizon, limit=MOST_HORIZON)
    if not 1 <= season <= LONGEST_SEASON:
        raise Refused("insight.series_season", _SEASON, value=season, limit=LONGEST_SEASON)
    for name in methods or ("",):
        if name not in METHODS:
            raise Refused("insight.no_method", _METHOD, value=str(name)[:80], limit=", ".join(METHODS))
    if combined not in _COMBINED:
        raise Refused("insight.no_method", _METHOD, value=str(combined)[:80], limit=", ".join(_COMBINED))


def _check_values(values: Floats, negative: bool) -> None:
    if values.ndim != 2 or not values.size:
        raise Refused("insight.series_shape", _SHAPE, value=" x ".join(map(str, values.shape)))
    if values.size > MOST_VALUES:
        raise Refused("insight.series_many", _MANY, value=values.size, limit=MOST_VALUES)
    if infinite := int(np.isinf(values).sum()):
        raise Refused("insight.series_infinite", _INFINITE, value=infinite)
    if not negative and (below := int((values < 0).sum())):
        raise Refused("insight.series_negative", _NEGATIVE, value=below)
    if not ((~np.isnan(values)).sum(1) >= FEWEST).any():
        raise Refused("insight.series_empty", _EMPTY, limit=FEWEST)


def _held(values: Floats) -> Floats:
    """Rows held at the mean of what is known of them, 0 where nothing is."""
    known = ~np.isnan(values)
    mean = np.where(known, values, 0).sum(1) / np.maximum(known.sum(1), 1)
    return np.broadcast_to(mean[:, None], values.shape)


def _notes(values: Floats, known: NDArray[np.bool_], count: NDArray[np.int64], first: NDArray[np.int64],
           own: NDArray[np.int64], season: int) -> tuple[str, ...]:  # fmt: skip
    gaps = known.shape[1] - first > count
    low, high = np.where(known, values, np.inf).min(1), np.where(known, values, -np.inf).max(1)
    zeros = (values == 0).sum(1) > _ZEROS * np.maximum(count, 1)
    empty = count < FEWEST
    said = {"empty": empty, "short": ~empty & (own < season), "constant": ~empty & (low == high),
            "zeros": ~empty & (low != high) & zeros, "gaps": ~empty & gaps}  # fmt: skip
    return tuple(" ".join(word for word, holds in said.items() if holds[row]) for row in range(len(values)))
