"""A lake that is lost comes back from a copy that was made while it was written."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

from cityloom.lake import catalogue, copying, engines, questions
from cityloom.lake.appender import Appender
from cityloom.lake.domain.dataset import Column, Dataset
from cityloom.lake.table import Table
from tests.lake.town import METERS, readings

EMPTY = Dataset("permits", "Permits (synthetic)", (Column("kind", "text"),))


def lake(root: Path) -> Table:
    for dataset in (METERS, EMPTY):
        catalogue.declare(root, dataset)
    table = Table(root, METERS)
    for seed in range(3):
        table.append(readings(200, seed))
    return table


def by_day(table: Table, version: int | None = None) -> list[dict[str, object]]:
    facts = engines.OnDuckDB().table(table, version=version)
    return questions.by(facts, "day", number="litres").to_pyarrow().to_pylist()


def test_a_lost_lake_answers_as_before_also_for_an_older_version(tmp_path: Path) -> None:
    table = lake(tmp_path / "lake")
    table.compact(few=2)
    before, long_ago = by_day(table), by_day(table, version=1)
    copying.copy(tmp_path / "lake", tmp_path / "copy")
    shutil.rmtree(tmp_path / "lake")
    copying.put_in_place(tmp_path / "copy", tmp_path / "lake")
    again = catalogue.table(tmp_path / "lake", "meters")
    assert by_day(again) == before and by_day(again, version=1) == long_ago
    assert [one.name for one in catalogue.datasets(tmp_path / "lake")] == ["meters", "permits"]
    again.append(readings(10, 9))
    assert sum(one.rows for one in again.files()) == 610


def test_what_waits_in_a_journal_comes_back_once(tmp_path: Path) -> None:
    table = lake(tmp_path / "lake")
    appender = Appender(table)
    appender.add(readings(5, 7))
    copying.copy(tmp_path / "lake", tmp_path / "waiting")
    appender.close()
    copying.copy(tmp_path / "lake", tmp_path / "written")
    for place in ("waiting", "written"):
        back = Table(tmp_path / place, METERS)
        Appender(back).close()
        assert sum(one.rows for one in back.files()) == 605


def test_what_is_written_while_a_lake_is_copied_is_whole_in_the_copy_or_not_there(tmp_path: Path, monkeypatch) -> None:
    table = lake(tmp_path / "lake")
    copyfile, seeds = shutil.copyfile, iter(range(10, 15))

    def slowly(source: Path, target: Path) -> None:
        for seed in itertools.islice(seeds, 1):
            table.append(readings(20, seed))
        copyfile(source, target)

    monkeypatch.setattr(shutil, "copyfile", slowly)
    copying.copy(tmp_path / "lake", tmp_path / "copy")
    copied = Table(tmp_path / "copy", METERS)
    assert sum(one.rows for one in copied.files()) == 600 == sum(row["facts"] for row in by_day(copied))
