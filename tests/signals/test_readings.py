"""The store of readings: each once, acknowledged ones for good, the last value and the counts always right."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.kernel.refused import Refused
from cityloom.lake.table import Table
from cityloom.signals.domain.judging import Streams, judge
from cityloom.signals.domain.wire import Arrived, read_lines
from cityloom.signals.readings import looking
from cityloom.signals.readings.store import Store, Taken

AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
T0 = 1_777_636_800_000_000
DAY = 86_400_000_000
STREAMS = Streams([7, 11, 5], ["p-7", "p-11", "p-5"], [0.0] * 3, [1000.0] * 3, [0] * 3)


def send(store: Store, *readings: tuple[str, float, int]) -> Taken:
    import pyarrow as pa

    names, values, offsets = zip(*readings, strict=True)
    arrived = Arrived(pa.array(names), np.array(offsets, np.int64) + T0, np.array(values, np.float64))
    return store.take(judge(arrived, STREAMS, AT))


def kept(root: Path) -> list[tuple[int, int, float]]:
    rows = looking.between(root, STREAMS.id, T0 - 10 * DAY, T0 + 10 * DAY)
    return list(zip(rows.thing.tolist(), (rows.at_us - T0).tolist(), rows.result.tolist(), strict=True))


def counts(root: Path) -> dict[int, tuple[int, int, float]]:
    rows = looking.tallies(root)
    return {row["id"]: (row["count"], row["last_us"] - T0, row["last"]) for row in rows if row["count"]}


def test_what_is_sent_is_seen_by_others_at_once(tmp_path: Path) -> None:
    store = Store(tmp_path, STREAMS)
    taken = send(store, ("p-7", 1.0, -5), ("11", 2.0, -3), ("p-7", 3.0, -1))
    assert (len(taken.slot), taken.duplicates) == (3, 0)
    assert kept(tmp_path) == [(7, -5, 1.0), (7, -1, 3.0), (11, -3, 2.0)]
    assert counts(tmp_path) == {7: (2, -1, 3.0), 11: (1, -3, 2.0)}


def test_the_same_again_changes_nothing_and_a_contradiction_is_set_aside(tmp_path: Path) -> None:
    store = Store(tmp_path, STREAMS)
    send(store, ("p-7", 1.0, -5), ("p-7", 2.0, -4))
    taken = send(store, ("p-7", 1.0, -5), ("p-7", 9.0, -4), ("p-7", 3.0, -3), ("p-7", 3.0, -3))
    assert (len(taken.slot), taken.duplicates, dict(taken.rejected)["contradicts"]) == (1, 2, 1)
    assert kept(tmp_path) == [(7, -5, 1.0), (7, -4, 2.0), (7, -3, 3.0)]


def test_late_readings_land_in_their_place_and_never_become_the_last(tmp_path: Path) -> None:
    store = Store(tmp_path, STREAMS)
    send(store, ("p-7", 3.0, -10))
    assert len(send(store, ("p-7", 1.0, -20), ("p-7", 2.0, -15)).slot) == 2
    assert kept(tmp_path) == [(7, -20, 1.0), (7, -15, 2.0), (7, -10, 3.0)]
    assert counts(tmp_path) == {7: (3, -10, 3.0)}


def test_repeats_of_what_is_in_the_lake_are_known(tmp_path: Path) -> None:
    store = Store(tmp_path, STREAMS, rows=2)
    for number in range(6):
        send(store, ("p-7", float(number), number * DAY // 4 - 8 * DAY))
    taken = send(store, ("p-7", 1.0, DAY // 4 - 8 * DAY), ("p-7", 7.0, DAY // 2 - 8 * DAY), ("p-7", 8.0, -9 * DAY))
    assert (len(taken.slot), taken.duplicates, taken.rejected["contradicts"]) == (1, 1, 1)
    store.close()
    assert len(kept(tmp_path)) == 7
    assert counts(tmp_path)[7][0] == 7


def test_only_one_process_owns_the_readings(tmp_path: Path) -> None:
    store = Store(tmp_path, STREAMS)
    with pytest.raises(Refused) as refused:
        Store(tmp_path, STREAMS)
    assert refused.value.code == "lake.appender_taken"
    store.close()


def test_a_store_that_is_opened_again_goes_on(tmp_path: Path) -> None:
    store = Store(tmp_path, STREAMS, rows=2)
    send(store, ("p-7", 1.0, -9), ("p-7", 2.0, -8), ("p-11", 5.0, -7))
    send(store, ("p-7", 3.0, -6))
    store._appender._settle()
    store._appender._lock.close()  # as a kill would leave it
    more = Streams([5, 7, 11, 30], ["p-5", "p-7", "p-11", "new"], [0.0] * 4, [1000.0] * 4, [0] * 4)
    again = Store(tmp_path, more)
    assert counts(tmp_path) == {7: (3, -6, 3.0), 11: (1, -7, 5.0)}
    taken = send_to(again, more, ("p-7", 2.0, -8), ("p-7", 3.0, -6), ("new", 4.0, -1))
    assert (len(taken.slot), taken.duplicates) == (1, 2)
    assert len(kept(tmp_path)) == 4


def test_a_restored_backup_without_tallies_counts_again(tmp_path: Path) -> None:
    from cityloom.lake import copying

    store = Store(tmp_path / "lake", STREAMS, rows=2)
    send(store, ("p-7", 1.0, -9), ("p-7", 2.0, -8), ("p-11", 5.0, -7))
    send(store, ("p-7", 3.0, -6))
    copying.copy(tmp_path / "lake", tmp_path / "copy")
    store.close()
    again = Store(tmp_path / "copy", STREAMS)
    assert counts(tmp_path / "copy") == {7: (3, -6, 3.0), 11: (1, -7, 5.0)}
    assert send(again, ("p-7", 1.0, -9)).duplicates == 1


def test_where_the_lake_is_full_nothing_is_taken_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path, STREAMS, rows=2)
    stage, full = Table.stage, [True]

    def staged(table: Table, facts: Any) -> Any:
        if full[0]:
            raise Refused("lake.disk_full", "The disk is full.")
        return stage(table, facts)

    monkeypatch.setattr(Table, "stage", staged)
    send(store, ("p-7", 1.0, -9), ("p-7", 2.0, -8))
    send(store, ("p-7", 3.0, -7), ("p-7", 4.0, -6))
    with pytest.raises(Refused):
        send(store, ("p-7", 5.0, -5))
    assert counts(tmp_path) == {7: (4, -6, 4.0)}
    full[0] = False
    assert len(send(store, ("p-7", 5.0, -5)).slot) == 1
    store.close()
    assert [row[1] for row in kept(tmp_path)] == [-9, -8, -7, -6, -5]
    assert counts(tmp_path) == {7: (5, -5, 5.0)}


def send_to(store: Store, streams: Streams, *readings: tuple[str, float, int]) -> Taken:
    import pyarrow as pa

    names, values, offsets = zip(*readings, strict=True)
    arrived = Arrived(pa.array(names), np.array(offsets, np.int64) + T0, np.array(values, np.float64))
    return store.take(judge(arrived, streams, AT))


KILLED = """
import sys
from pathlib import Path
from tests.signals.test_readings import STREAMS, send
from cityloom.signals.readings.store import Store

store = Store(Path(sys.argv[1]), STREAMS, rows=40)
for number in range(100_000):
    send(store, ("p-7", float(number), number - 200_000), ("p-11", float(number), number - 200_000))
    print(number, flush=True)
"""


def test_a_kill_loses_nothing_that_was_acknowledged_and_doubles_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    for line in process.stdout:
        if int(line) >= 130:  # some journals are in the lake, one is on its way, one fills
            process.kill()
            break
    rest = process.stdout.read().split()
    process.wait()
    told = max([130, *map(int, rest)])
    store = Store(tmp_path, STREAMS, rows=40)
    here = [number for thing, number, _result in kept(tmp_path) if thing == 7]
    assert here == sorted(set(here))
    assert len(here) in {told + 1, told + 2}  # the last one may be there without a word about it
    assert counts(tmp_path)[7][0] == len(here)
    send(store, *[("p-7", float(number), number - 200_000) for number in range(told + 2)])
    store.close()
    assert len([one for one in kept(tmp_path) if one[0] == 7]) == told + 2


@settings(max_examples=30)
@given(st.lists(st.lists(st.tuples(st.sampled_from(["p-7", "11", "p-5"]), st.integers(0, 3), st.integers(-30, 0)),
                         min_size=1, max_size=8), min_size=1, max_size=8))  # fmt: skip
def test_however_it_comes_each_instant_of_a_stream_is_there_once(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[tuple[str, int, int]]]
) -> None:
    root = tmp_path_factory.mktemp("lake")
    store = Store(root, STREAMS, rows=5)
    told: dict[tuple[int, int], float] = {}
    new = 0
    for batch in batches:
        new += len(send(store, *[(name, float(value), offset) for name, value, offset in batch]).slot)
        for name, value, offset in batch:
            told.setdefault((int(name.removeprefix("p-")), offset), float(value))
    found = kept(root)
    assert {row[:2] for row in found} == told.keys()
    assert len(found) == new == len(told)
    assert {row[:2]: row[2] for row in found} == told
    last = {thing: max(offset for key, offset in told if key == thing) for thing, _ in told}
    assert {thing: row[:2] for thing, row in counts(root).items()} == {
        thing: (sum(key == thing for key, _ in told), at) for thing, at in last.items()
    }
    store.close()
    assert kept(root) == found


def test_ranges_unknown_streams_and_impossible_instants_are_set_aside() -> None:
    lines = [b'{"datastream":"%s","result":%s,"phenomenonTime":"%s"}' % one for one in (
        (b"p-7", b"5", b"2026-05-01T11:00:00Z"), (b"nobody", b"5", b"2026-05-01T11:00:00Z"),
        (b"p-7", b"-5", b"2026-05-01T11:00:01Z"), (b"p-7", b"5", b"2106-05-01T11:00:00Z"),
        (b"p-7", b"5", b"1969-12-31T23:59:59Z"), (b"3", b"5", b"2026-05-01T11:00:00Z"))]  # fmt: skip
    (arrived,) = read_lines(b"\n".join(lines))
    found = judge(arrived, STREAMS, AT)
    assert found.slot.tolist() == [0]
    assert found.rejected == {"unknown_sensor": 2, "out_of_range": 1, "in_future": 1, "too_old": 1}
