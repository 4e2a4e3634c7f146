"""The questions that the lake is asked, against the same answers worked out by hand; on DuckDB, or on Spark.

`CITYLOOM_LAKE_ENGINE` names the engine; `test_spark` runs this file in Spark's own environment.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cityloom.lake import engines, questions
from cityloom.lake.domain.dataset import Column, Dataset, Span
from cityloom.lake.table import Table
from tests.lake.town import HERE, METERS, START_US, THERE, readings


@pytest.fixture(scope="module")
def engine() -> engines.OnDuckDB | engines.OnSpark:
    return engines.OnSpark() if os.environ.get("CITYLOOM_LAKE_ENGINE") == "spark" else engines.OnDuckDB()


@pytest.fixture(scope="module")
def told() -> pd.DataFrame:
    """What was written, as one would write it on paper."""
    frame = pd.concat([pd.DataFrame(readings(2000, seed)) for seed in (1, 2)], ignore_index=True)
    return frame.assign(day=pd.to_datetime(frame["at"], unit="us").dt.date)


@pytest.fixture(scope="module")
def meters(tmp_path_factory: pytest.TempPathFactory) -> Table:
    table = Table(tmp_path_factory.mktemp("lake"), METERS)
    for seed in (1, 2):
        table.append(readings(2000, seed))
    return table


def test_by_a_key_with_a_number(engine: engines.OnDuckDB, meters: Table, told: pd.DataFrame) -> None:
    found = questions.by(engine.table(meters), "thing", number="litres").execute()
    wanted = told.groupby("thing")["litres"].agg(["count", "mean", "min", "max"])
    assert found["thing"].tolist() == wanted.index.tolist()
    np.testing.assert_allclose(found[["facts", "mean", "least", "most"]].to_numpy(float), wanted.to_numpy(float))


def test_by_two_keys(engine: engines.OnDuckDB, meters: Table, told: pd.DataFrame) -> None:
    found = questions.by(engine.table(meters), "kind", "is_late").execute()
    wanted = told.groupby(["kind", "is_late"]).size()
    assert [tuple(row) for row in found.to_numpy().tolist()] == [(*key, n) for key, n in wanted.items()]


def test_by_day(engine: engines.OnDuckDB, meters: Table, told: pd.DataFrame) -> None:
    found = questions.by_day(engine.table(meters)).execute()
    wanted = told.groupby("day").size()
    assert [str(day)[:10] for day in found["day"]] == [str(day) for day in wanted.index]
    assert found["facts"].tolist() == wanted.tolist()


def test_the_history_of_one_thing(engine: engines.OnDuckDB, meters: Table, told: pd.DataFrame) -> None:
    found = questions.history(engine.table(meters, Span(thing=7, cell=THERE)), 7).execute()
    wanted = told[told["thing"] == 7].sort_values("at")
    micros = pd.to_datetime(found["at"], utc=True).astype("datetime64[us, UTC]").astype("int64")
    assert micros.tolist() == wanted["at"].tolist()
    assert found["litres"].tolist() == wanted["litres"].tolist()


def test_the_last_fact_of_each_thing(engine: engines.OnDuckDB, meters: Table, told: pd.DataFrame) -> None:
    found = questions.latest(engine.table(meters)).execute()
    wanted = told.loc[told.groupby("thing")["at"].idxmax()].sort_values("thing")
    assert found["litres"].tolist() == wanted["litres"].tolist()


@pytest.mark.parametrize(
    ("span", "kept"),
    [
        (Span(first="2026-06-02"), lambda told: told["at"] >= START_US + 86_400_000_000),
        (Span(end="2026-06-02"), lambda told: told["at"] < START_US + 86_400_000_000),
        (Span(cell=HERE), lambda told: told["cell"] == HERE),
        (Span(first="2027-01-01"), lambda told: told["at"] < 0),
    ],
)
def test_days_and_places(engine: engines.OnDuckDB, meters: Table, told: pd.DataFrame, span: Span, kept: object) -> None:
    assert engine.table(meters, span).count().execute() == int(kept(told).sum())  # type: ignore[operator]


def test_a_column_that_came_later_is_empty_before(engine: engines.OnDuckDB, tmp_path: Path) -> None:
    Table(tmp_path, METERS).append(readings(100))
    grown = Table(tmp_path, Dataset("meters", METERS.title, (*METERS.columns, Column("note", "text"))))
    grown.append(readings(10, seed=3) | {"note": ["leaks"] * 10})
    facts = engine.table(grown)
    assert (facts.count().execute(), facts.note.count().execute()) == (110, 10)


def test_compacting_changes_no_answer(engine: engines.OnDuckDB, tmp_path: Path) -> None:
    table = Table(tmp_path, METERS)
    for seed in range(5):
        table.append(readings(50, seed))
    before = questions.by(engine.table(table), "thing", number="litres").execute()
    assert table.compact() > 0
    table.vacuum(hours=0)
    after = questions.by(engine.table(table), "thing", number="litres").execute()
    pd.testing.assert_frame_equal(before, after)


@pytest.mark.parametrize("each", ["month", "year"])
def test_days_are_days_where_a_partition_has_many(
    engine: engines.OnDuckDB, told: pd.DataFrame, tmp_path: Path, each: str
) -> None:  # fmt: skip
    table = Table(tmp_path, Dataset("meters", METERS.title, METERS.columns, each=each))
    for seed in (1, 2):
        table.append(readings(2000, seed))
    assert len({one.day for one in table.files()}) == 1
    found = questions.by_day(engine.table(table, Span("2026-06-02", "2026-06-03"))).execute()
    assert [str(day)[:10] for day in found["day"]] == ["2026-06-02"]
    second = START_US + 86_400_000_000
    assert found["facts"].tolist() == [int(told["at"].between(second, second + 86_400_000_000 - 1).sum())]


def test_an_older_version_answers_as_it_was(engine: engines.OnDuckDB, tmp_path: Path) -> None:
    table = Table(tmp_path, METERS)
    for seed in range(3):
        table.append(readings(10, seed))
    table.compact()
    assert [engine.table(table, version=number).count().execute() for number in range(5)] == [0, 10, 20, 30, 30]


def test_old_days_are_asked_for_a_column_that_they_do_not_have(engine: engines.OnDuckDB, tmp_path: Path) -> None:
    Table(tmp_path, METERS).append(readings(100, days=1))
    grown = Table(tmp_path, Dataset("meters", METERS.title, (*METERS.columns, Column("note", "text"))))
    late = readings(10, seed=3, days=1)
    grown.append(late | {"at": late["at"] + 5 * 86_400_000_000, "note": ["leaks"] * 10})
    assert engine.table(grown, Span(end="2026-06-02")).note.count().execute() == 0
