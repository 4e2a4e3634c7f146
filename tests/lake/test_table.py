"""A table is written whole or not at all, whatever happens, and two writers do not harm each other."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.lake import log, parquet
from cityloom.lake.domain import compaction
from cityloom.lake.domain.dataset import Column, Dataset, Span
from cityloom.lake.table import Once, Table
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
        ({"thing": [1, 2], "at": [1]}, "at"), ({"thing": ["one"], "at": [1]}, "meters.thing"),
        ({"thing": [1], "at": ["yesterday"]}, "meters.at"),
        ({"thing": [1], "at": [1], "litres": ["many"]}, "meters.litres"),
        ({"thing": [2**70], "at": [1]}, "meters.thing"),
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


_KEEP = """
import sys
from pathlib import Path
from cityloom.lake.table import Table
from tests.lake.town import METERS, readings
table = Table(Path(sys.argv[1]), METERS)
print("begun", flush=True)
for seed in range(10_000):
    table.append(readings(40, seed))
    table.compact()
    table.vacuum(hours=0)
    print(seed, flush=True)
"""


@pytest.mark.parametrize("rounds", [1, 2, 4])
def test_one_that_is_killed_while_it_joins_and_removes_leaves_a_whole_table(tmp_path: Path, rounds: int) -> None:
    command = [sys.executable, "-c", _KEEP, str(tmp_path)]
    keeping = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert keeping.stdout
    for _ in range(1 + rounds):
        keeping.stdout.readline()
    keeping.kill()
    told = rounds + len(keeping.stdout.read().split())
    keeping.wait()
    table = Table(tmp_path, METERS)
    read = sum(pq.read_metadata(table.folder / one.path).num_rows for one in table.files())
    assert read == rows_of(table), "every file that is named is there, and whole"
    assert rows_of(table) in (40 * told, 40 * (told + 1))
    table.append(readings(40))
    table.compact()
    table.vacuum(hours=0)
    assert rows_of(table) % 40 == 0


def test_a_writer_and_one_that_joins_do_not_wait_for_each_other_and_lose_nothing(tmp_path: Path) -> None:
    table = Table(tmp_path, METERS)
    for seed in range(4):
        table.append(readings(40, seed))
    staged = table.stage(readings(40, 9))
    with table.keeping():  # whoever joins files has its turn
        assert table.commit(staged)
    assert table.compact() > 0
    assert rows_of(table) == 200


def test_what_is_staged_is_not_swept_away(tmp_path: Path) -> None:
    table = Table(tmp_path, METERS)
    table.append(readings(40))
    staged = table.stage(readings(40, 2))
    table.vacuum(hours=1)
    assert table.commit(staged)
    assert all((table.folder / one.path).exists() for one in table.files())


def test_a_batch_that_is_committed_once_is_not_committed_again(tmp_path: Path) -> None:
    table = Table(tmp_path, METERS)
    assert [table.append(readings(10), Once("me", number)) for number in (1, 1, 2)] == [10, 0, 10]
    files = table.stage(readings(10))
    assert table.commit(files, Once("me", 3))
    assert not table.commit(files, Once("me", 3)), "and its files stay"
    assert all((table.folder / one.path).exists() for one in table.files())
    assert rows_of(table) == 30


def test_one_that_joins_gives_way_to_one_that_forgets(tmp_path: Path) -> None:
    table = Table(tmp_path, METERS)
    for seed in range(3):
        table.append(readings(40, seed))
    joined = [one for one in table.files() if one.day == "2026-06-01"]
    assert table.forget("2026-06-02") > 0
    assert table._join(joined) == 0
    assert {one.day for one in table.files()} == {"2026-06-02", "2026-06-03"}


def test_a_checkpoint_that_a_power_cut_tore_is_set_aside(tmp_path: Path) -> None:
    table = Table(tmp_path, METERS)
    for seed in range(3):
        table.append(readings(10, seed))
    table.vacuum()
    (checkpoint,) = (table.folder / "_delta_log").glob("*.checkpoint.parquet")
    checkpoint.write_bytes(checkpoint.read_bytes()[:40])
    assert rows_of(table) == 30
    assert table.append(readings(10)) == 10


def test_an_entry_that_another_has_taken_is_not_overwritten(tmp_path: Path) -> None:
    table = Table(tmp_path, METERS)
    table.append(readings(10))
    before = (table.folder / "_delta_log" / f"{1:020}.json").read_bytes()
    assert not log.write(table.folder, 1, [{"commitInfo": {}}])
    assert (table.folder / "_delta_log" / f"{1:020}.json").read_bytes() == before
    assert not [path for path in (table.folder / "_delta_log").iterdir() if path.name.startswith(".")]


def test_a_full_disk_is_said_so_at_each_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(tmp_path, METERS)
    table.append(readings(10))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for module, name in ((parquet, "_write_table"), (log, "_write_durably")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, full)
            with pytest.raises(Refused, match="free some space"):
                table.append(readings(10))
    assert rows_of(table) == 10
    assert sum(1 for _ in table.folder.rglob("part-*.parquet")) == len(table.files())


def test_an_instant_is_answered_as_the_table_was_then(tmp_path: Path) -> None:
    table = Table(tmp_path, METERS)
    with clock.use(clock.DrillClock(datetime(2026, 6, 5, tzinfo=UTC))) as time:
        for seed in range(3):
            table.append(readings(10, seed))
            time.advance(3600)
    assert table.version_at(datetime(2026, 6, 5, 0, 30, tzinfo=UTC)) == 1
    assert table.version_at(datetime(2026, 6, 5, 1, 30, tzinfo=UTC)) == 2
    assert sum(one.rows for one in table.files(version=2)) == 20
    with pytest.raises(Refused, match="no version"):
        table.files(version=99)
    with pytest.raises(Refused, match="no version"):
        table.version_at(datetime(2020, 1, 1, tzinfo=UTC))


@given(st.lists(st.integers(1, 2_000_000), max_size=30), st.booleans())
def test_only_small_files_are_joined_and_each_once(rows: list[int], is_over: bool) -> None:
    groups = compaction.groups(rows, is_over=is_over)
    places = [place for group in groups for place in group]
    assert len(places) == len(set(places))
    assert all(rows[place] < compaction.WHOLE_ROWS for place in places)
    assert all(len(group) > 1 for group in groups)
    if not is_over:
        assert all(max(rows[p] for p in group) < 4 * min(rows[p] for p in group) for group in groups)
    elif sum(count for count in rows if count < compaction.WHOLE_ROWS) < 8_000_000:
        assert len(groups) <= 1


@pytest.mark.parametrize("things", [3, 900], ids=["few things", "each thing once"])
def test_keys_are_the_same_whether_they_are_written_as_a_dictionary_or_not(tmp_path: Path, things: int) -> None:
    table = Table(tmp_path, METERS)
    thing = np.arange(900) % things + 2**40
    table.append({"thing": thing, "at": np.arange(900), "cell": np.full(900, HERE)})
    (file,) = table.files()
    read = pq.ParquetFile(table.folder / file.path)
    assert sorted(read.read()["thing"].to_pylist()) == sorted(thing.tolist())
    assert ("RLE_DICTIONARY" in read.metadata.row_group(0).column(0).encodings) == (things == 3)
