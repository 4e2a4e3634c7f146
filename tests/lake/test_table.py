"""A table is written whole or not at all, whatever happens, and two writers do not harm each other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cityloom.kernel.refused import Refused
from cityloom.lake import parquet
from cityloom.lake.domain.dataset import Column, Dataset, Span
from cityloom.lake.table import Table
from tests.flow.installation import ROOT
from tests.lake.town import HERE, METERS, readings

_WRITE = """
import sys
from pathlib import Path
from cityloom.lake.table import Table
from tests.lake.town import METERS, readings
table = Table(Path(sys.argv[1]), METERS)
for seed in range(int(sys.argv[2])):
    table.append(readings(40, seed))
    print(seed, flush=True)
"""


def rows_of(table: Table) -> int:
    return sum(one.rows for one in table.files())


@pytest.mark.parametrize(
    ("columns", "value"),
    [
        ({"thing": [1], "at": [1], "litre": [1.0]}, "litre"), ({"at": [1]}, "thing"), ({"thing": [1]}, "at"),
        ({"thing": [1, 2], "at": [1]}, "at"), ({"thing": ["one"], "at": [1]}, "thing"),
        ({"thing": [1], "at": ["yesterday"]}, "at"), ({"thing": [1], "at": [1], "litres": ["many"]}, "litres"),
        ({"thing": [2**70], "at": [1]}, "thing"),
    ],
)  # fmt: skip
def test_wrong_columns_are_refused_by_name_and_nothing_is_written(
    tmp_path: Path, columns: dict[str, object], value: str
) -> None:
    table = Table(tmp_path, METERS)
    with pytest.raises(Refused) as refused:
        table.append(columns)
    assert (refused.value.code, refused.value.value) == ("lake.columns", value)
    assert table.version() == -1


def test_a_changed_kind_is_refused_and_what_there_is_stays(tmp_path: Path) -> None:
    table = Table(tmp_path, METERS)
    table.append(readings(100))
    with pytest.raises(Refused, match="add a new column"):
        Table(tmp_path, Dataset("meters", "", (Column("litres", "text"),))).append({"thing": [1], "at": [1]})
    assert rows_of(table) == 100


def test_a_disk_that_fills_up_in_the_middle_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(tmp_path, METERS)
    table.append(readings(10))
    before, written = sorted(table.folder.rglob("*.parquet")), parquet.write
    left = iter([True, True, False])

    def full(*arguments: object) -> parquet.File:
        if next(left):
            return written(*arguments)  # type: ignore[arg-type]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet, "write", full)
    with pytest.raises(OSError, match="No space"):
        table.append(readings(100))
    assert sorted(table.folder.rglob("*.parquet")) == before
    assert rows_of(table) == 10


def test_a_killed_writer_leaves_whole_batches_only(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WRITE, str(tmp_path), "500"]
    writing = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert writing.stdout
    for _ in range(3):
        writing.stdout.readline()
    writing.kill()
    told = 3 + len(writing.stdout.read().split())
    writing.wait()
    table = Table(tmp_path, METERS)
    assert rows_of(table) % 40 == 0
    assert rows_of(table) >= 40 * told, "what was said to be written is there"
    assert table.append(readings(40)) == 40, "and the next writer finds nothing in its way"


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WRITE, str(tmp_path), "8"]
    writers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [one.wait() for one in writers] == [0, 0]
    assert rows_of(Table(tmp_path, METERS)) == 2 * 8 * 40


def test_files_are_few_after_compacting_and_pruned_by_day_place_and_thing(tmp_path: Path) -> None:
    table = Table(tmp_path, METERS)
    for seed in range(6):
        table.append(readings(60, seed))
    assert table.compact() == 36
    assert len(table.files()) == 6  # three days, two places
    assert table.vacuum(hours=0) == 36
    assert len(list(table.folder.rglob("part-*.parquet"))) == 6
    assert [one.day for one in table.files(Span(first="2026-06-02", end="2026-06-03", cell=HERE))] == ["2026-06-02"]
    assert table.files(Span(thing=41)) == []


def test_nothing_is_a_batch_too(tmp_path: Path) -> None:
    table = Table(tmp_path, METERS)
    assert table.append({"thing": np.zeros(0, np.int64), "at": np.zeros(0, np.int64)}) == 0
    assert (table.files(), table.compact(), table.vacuum()) == ([], 0, 0)
