"""Readings that are old become a summary of each hour: their mean, lowest, highest and count; what is older goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from cityloom.kernel.refused import Refused
from cityloom.lake import catalogue
from cityloom.lake.domain.dataset import Column, Dataset, Span
from cityloom.lake.engines import bare
from cityloom.lake.parquet import File
from cityloom.lake.table import Once, Table
from cityloom.signals.readings.store import READINGS

HOURLY = Dataset("readings_hourly", "Readings of sensors by the hour", tuple(
    Column(name, kind, sensitivity="open", source="sensors")
    for name, kind in (("mean", "number"), ("low", "number"), ("high", "number"), ("count", "integer"))
), each="month")  # fmt: skip
WHO = "thinning"
_NAMES = ("raw_days", "hourly_days")
_LEAST_DAYS, _MOST_DAYS = 2, 36_500
_BEGINNING = "1970-01-01"


@dataclass(frozen=True)
class Rule:
    """How long readings are kept as they came, and how long their hours."""

    raw_days: int
    hourly_days: int


def rule_of(text: str) -> Rule:
    """The rule that is written, as `raw_days: 90` and `hourly_days: 3650`.

    Raises: Refused `signals.keeping`.
    """
    try:
        says: Any = yaml.safe_load(text)
    except yaml.YAMLError:
        says = None
    numbers = [says.get(name) for name in _NAMES] if isinstance(says, dict) and set(says) == set(_NAMES) else [None]
    if not all(type(one) is int and _LEAST_DAYS <= one <= _MOST_DAYS for one in numbers) or numbers[0] > numbers[1]:
        raise Refused("signals.keeping", "How long readings are kept is written as raw_days and hourly_days, whole "
                      "numbers of days from {value} to {limit}, the second not below the first.", value=_LEAST_DAYS,
                      limit=_MOST_DAYS)  # fmt: skip
    return Rule(*numbers)


def thin(root: Path, rule: Rule, today: date) -> int:
    """Sum up what is past its time as it came, and let it go; return how many readings that were.

    Each file is summed up once: what a process that ended had summed up and not let go of is let go of now. What comes
    for a day that is summed up is summed up beside it, so an hour may have several rows; counts and sums add up.
    """
    table, hourly = Table(root, READINGS), Table(root, HOURLY)
    with table.keeping():
        version = table.version()
        old = _old(table, today - timedelta(days=rule.raw_days), version)
        done = {one.path for one in _summed_up(table, hourly.written_up_to(WHO), old)}
        fresh = [one for one in old if one.path not in done]
        if fresh:
            catalogue.declare(root, HOURLY)
            hourly.append(_hours(table, fresh), Once(WHO, version))
        table.let_go(old)
    hourly.forget((today - timedelta(days=rule.hourly_days)).isoformat())
    return sum(one.rows for one in fresh)


def _old(table: Table, before: date, version: int) -> list[File]:
    return table.files(Span(first=_BEGINNING, end=before.isoformat()), version) if version >= 0 else []


def _summed_up(table: Table, version: int, old: list[File]) -> list[File]:
    """What was there when the last summary was made; it covers all of its time."""
    if version < 0 or not old:
        return []
    try:
        return table.files(version=version)
    except Refused:  # it is long ago, and what it covered was let go of then
        return []


def _hours(table: Table, files: list[File]) -> dict[str, Any]:
    found = bare().execute(
        "SELECT thing, epoch_us(\"at\") // 3600000000 * 3600000000 AS \"at\", any_value(cell) AS cell,"
        " avg(result) AS mean, min(result) AS low, max(result) AS high, count(*) AS count"
        " FROM read_parquet(?, hive_partitioning = false) GROUP BY 1, 2 ORDER BY 1, 2",
        [[str(table.folder / one.path) for one in files]],
    ).fetchnumpy()  # fmt: skip
    return dict(found)
