"""Forecasts that were published: frozen as they were told, and measured by what came.

A frozen forecast has a row for each series and period: the forecast, its interval (`low`, `high`; `level` is the share
of outcomes that it should hold) and how many periods ahead it was (`horizon`). Where they are known, `naive` is last
season's value and `scale` the mean seasonal difference of the series before: errors of different series are told in it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.series import measures, periods
from cityloom.insight.domain.study.study import Study
from cityloom.insight.domain.study.tables import Table, as_column
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
COLUMNS = ("series", "period", "horizon", "value", "low", "high", "level")
MORE = ("naive", "scale")
MOST_ROWS = 200_000
MOST_BYTES = 200_000_000
ALL = 0
"""Stands for all horizons together."""
_NOT_FORECAST = "This study has no step that can be published; one with the columns {limit} is needed."
_MANY = "The forecast has {value} rows, and at most {limit} are published; take fewer series or a shorter horizon."
_UNKNOWN = "The forecast of {value} is not known for {limit} rows; publish one without gaps."
_FORMS = (("quarter", "-Q"), ("week", "-W"))


@dataclass(frozen=True)
class Score:
    """How a forecast did `horizon` periods ahead (0: all), over `count` outcomes that are known.

    `error` and `naive_error` are mean absolute errors in mean seasonal differences, `absolute` in the series' own
    measure, `bias` in its own measure (above zero: told too much), `coverage` the share inside; nan where not known.
    """

    horizon: int
    count: int
    error: float
    naive_error: float
    absolute: float
    bias: float
    coverage: float


def to_publish(study: Study) -> Table:
    """The last step of a study that has the columns of a forecast, with these alone.

    Raises: Refused `insight.no_forecast`, `insight.forecast_large`, `insight.forecast_unknown`.
    """
    found = next((one.table for one in reversed(study.steps) if set(COLUMNS) <= set(one.table.columns)), None)
    if found is None or not found.rows:
        raise Refused("insight.no_forecast", _NOT_FORECAST, limit=", ".join(COLUMNS))
    if found.rows > MOST_ROWS:
        raise Refused("insight.forecast_large", _MANY, value=found.rows, limit=MOST_ROWS)
    names = [*COLUMNS, *(name for name in MORE if name in found.columns)]
    unknown = ~np.isfinite(found["value"].astype(float))
    if unknown.any():
        raise Refused("insight.forecast_unknown", _UNKNOWN, value=str(found["series"][unknown.argmax()])[:80],
                      limit=int(unknown.sum()))  # fmt: skip
    return Table({name: found[name] for name in names}, ("series", "period"))


def packed(table: Table) -> bytes:
    """A table as it is kept."""
    columns = {name: [None if isinstance(one, float) and not np.isfinite(one) else one for one in column.tolist()]
               for name, column in table.columns.items()}  # fmt: skip
    text = json.dumps({"key": list(table.key), "columns": columns}, ensure_ascii=False, separators=(",", ":"))
    return zlib.compress(text.encode())


def unpacked(kept: bytes) -> Table:
    """A table that was packed; its digest is that of the one before."""
    opener = zlib.decompressobj()
    says = json.loads(opener.decompress(bytes(kept), MOST_BYTES))
    wholes = ("horizon",)
    columns = {name: as_column(values) if name in wholes or not values or isinstance(values[0], str) else np.array(
        [np.nan if one is None else one for one in values], np.float64) for name, values in says["columns"].items()}
    return Table(columns, tuple(says["key"]))


def like(text: str, example: str) -> str:
    """A period as another is written (2025-01-31 as 2025-01), or as it stands where it cannot be read so."""
    parts = example.count("-")
    frequency = next((name for name, sign in _FORMS if sign in example), ("year", "month", "day")[min(parts, 2)])
    try:
        return periods.label(periods.ordinals([text], frequency)[0], frequency)
    except Refused:
        return text


def outcomes(table: Table, actual: Mapping[tuple[str, str], float]) -> Floats:
    """What came for each row of a frozen forecast; nan where it is not known."""
    found = zip(table["series"].tolist(), table["period"].tolist(), strict=True)
    return np.array([actual.get((str(series), str(period)), np.nan) for series, period in found], np.float64)


def scores(table: Table, came: Floats) -> list[Score]:
    """All horizons together, then each that has an outcome."""
    horizon = table["horizon"].astype(np.int64)
    known = ~np.isnan(came)
    wanted = [ALL, *np.unique(horizon[known]).tolist()]
    return [_score(table, came, known & ((horizon == one) | (one == ALL)), int(one)) for one in wanted]


def as_rows(found: list[Score]) -> list[dict[str, Any]]:
    """Scores as plain JSON; what is not known is None."""
    return [{name: None if isinstance(value, float) and not np.isfinite(value) else value
             for name, value in vars(one).items()} for one in found]  # fmt: skip


def _score(table: Table, came: Floats, which: NDArray[np.bool_], horizon: int) -> Score:
    count = int(which.sum())
    if not count:
        return Score(horizon, 0, *[float("nan")] * 5)
    actual, told, low, high = (one[which] for one in (came, table["value"], table["low"], table["high"]))
    nothing = np.full(table.rows, np.nan)
    naive, size = (np.asarray(table.columns.get(name, nothing), np.float64)[which] for name in ("naive", "scale"))
    size = np.where(size > 0, size, np.nan)
    both = ~np.isnan(naive) & ~np.isnan(size)  # told against each other over the same outcomes
    return Score(
        horizon, count, _mean((np.abs(told - actual) / size)[both]), _mean((np.abs(naive - actual) / size)[both]),
        _mean(np.abs(told - actual)), _mean(told - actual), measures.coverage(actual, low, high),
    )  # fmt: skip


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")
