"""Old readings become hours, each once, over kills and late arrivals; nothing goes that is not summed up."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from cityloom.kernel.refused import Refused
from cityloom.lake.table import Table
from cityloom.signals.domain.judging import Judged, Streams
from cityloom.signals.readings import looking
from cityloom.signals.readings.store import Store
from cityloom.signals.readings.thinning import HOURLY, Rule, rule_of, thin

TODAY = datetime(2026, 5, 20, tzinfo=UTC)
STREAMS = Streams([7, 11], ["a", "b"], [0.0] * 2, [1e3] * 2, [0] * 2)
RULE = Rule(raw_days=5, hourly_days=400)


def keep(root: Path, *readings: tuple[int, float, float]) -> None:
    """Readings as slot, days before today, and value, in the lake."""
    store = Store(root, STREAMS)
    slot, days, value = (np.array(each) for each in zip(*readings, strict=True))
    at_us = [int((TODAY - timedelta(days=day)).timestamp() * 1e6) for day in days.tolist()]
    store.take(Judged(slot, np.array(at_us, np.int64), value.astype(float), Counter()))
    store.close()


def raw(root: Path) -> list[float]:
    rows = looking.between(root, STREAMS.id, 0, int(TODAY.timestamp() * 1e6))
    return sorted(rows.result.tolist())


def hours(root: Path) -> list[tuple[int, float, float, float, int]]:
    import duckdb

    table = Table(root, HOURLY)
    files = [str(table.folder / one.path) for one in table.files()]
    asked = ("SELECT thing, mean, low, high, count FROM read_parquet(?, hive_partitioning = false)"
             " ORDER BY thing, \"at\", mean")  # fmt: skip
    return duckdb.execute(asked, [files]).fetchall() if files else []


def test_what_is_old_becomes_hours_and_what_is_not_stays(tmp_path: Path) -> None:
    minute = 1 / 1_440
    keep(tmp_path, (0, 9, 1.0), (0, 9 - minute, 3.0), (0, 8, 5.0), (1, 9, 7.0), (0, 1, 9.0))
    assert thin(tmp_path, RULE, TODAY.date()) == 4
    assert raw(tmp_path) == [9.0]
    assert hours(tmp_path) == [(7, 2.0, 1.0, 3.0, 2), (7, 5.0, 5.0, 5.0, 1), (11, 7.0, 7.0, 7.0, 1)]
    assert thin(tmp_path, RULE, TODAY.date()) == 0
    keep(tmp_path, (0, 8 - minute, 6.0))
    assert thin(tmp_path, RULE, TODAY.date()) == 1
    assert sum(row[4] for row in hours(tmp_path)) == 5
    assert raw(tmp_path) == [9.0]


def test_a_kill_between_summing_up_and_letting_go_counts_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path, (0, 9, 1.0), (1, 9, 7.0))
    with monkeypatch.context() as killed:
        killed.setattr(Table, "let_go", lambda table, files: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            thin(tmp_path, RULE, TODAY.date())
    keep(tmp_path, (0, 8, 2.0))
    assert thin(tmp_path, RULE, TODAY.date()) == 1
    assert [row[4] for row in hours(tmp_path)] == [1, 1, 1]
    assert raw(tmp_path) == []


@pytest.mark.parametrize("text", [
    "", "[", "raw_days: 1\nhourly_days: 9", "raw_days: 9\nhourly_days: 8", "raw_days: 9",
    "raw_days: true\nhourly_days: 9", "raw_days: 9\nhourly_days: 99\nmore: 1",
])  # fmt: skip
def test_a_rule_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        rule_of(text)
    assert refused.value.code == "signals.keeping"
    assert rule_of("raw_days: 90\nhourly_days: 3650") == Rule(90, 3650)
