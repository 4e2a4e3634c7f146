"""The last minutes of each stream: what others see of them without asking a journal."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cityloom.signals.readings.ring import MINUTES, Ring, lately

T0 = 1_777_636_800_000_000
MINUTE = 60_000_000
IDS = np.array([7, 11, 5])
Row = tuple[int, float, float]


def add(ring: Ring, *readings: tuple[int, float, float]) -> None:
    rows = sorted({(slot, minute): value for slot, minute, value in readings}.items())
    slot, minute = (np.array(each) for each in zip(*(key for key, _ in rows), strict=True))
    ring.add(slot, T0 + (minute * MINUTE).astype(np.int64), np.array([value for _, value in rows]))


def seen(folder: Path, since: float, until: float, ids: np.ndarray = IDS) -> tuple[list[Row], list[int]]:
    rows, rest = lately(folder, ids, T0 + int(since * MINUTE), T0 + int(until * MINUTE))
    found = zip(rows.thing.tolist(), ((rows.at_us - T0) / MINUTE).tolist(), rows.result.tolist(), strict=True)
    return sorted(found), rest.tolist()


def test_what_a_slow_stream_said_is_there_and_what_is_older_is_asked_elsewhere(tmp_path: Path) -> None:
    ring = Ring(tmp_path, IDS, T0)
    add(ring, (0, 1, 5.0), (0, 2, 6.0), (2, 2, 7.0))
    add(ring, (0, 1.2, 4.0), (0, 20, 9.0))
    assert seen(tmp_path, 10, 30) == ([(7, 20.0, 9.0)], [])
    assert seen(tmp_path, 1, 30) == ([(5, 2.0, 7.0)], [7])
    assert seen(tmp_path, -1, 30)[1] == [7, 11, 5]
    assert seen(tmp_path / "nowhere", 1, 2) == ([], [7, 11, 5])


def test_a_late_reading_takes_its_place_and_one_that_is_too_late_none(tmp_path: Path) -> None:
    ring = Ring(tmp_path, IDS, T0)
    add(ring, (1, 30, 1.0))
    add(ring, (1, 29, 2.0), (1, 3, 3.0))
    assert seen(tmp_path, 20, 40) == ([(11, 29.0, 2.0), (11, 30.0, 1.0)], [])


MOMENT = st.tuples(st.integers(0, 2), st.integers(0, 200).map(lambda tenth: tenth / 10), st.integers(0, 9).map(float))


@given(batches=st.lists(st.lists(MOMENT, min_size=1, max_size=20), min_size=1, max_size=6))
def test_the_lowest_and_the_highest_of_each_half_minute_are_there(batches: list[list[Row]]) -> None:
    told: dict[tuple[int, float], float] = {}
    with tempfile.TemporaryDirectory() as folder:
        ring = Ring(Path(folder), IDS, T0)
        for batch in batches:
            fresh = {(slot, at): value for slot, at, value in batch if (slot, at) not in told}
            told |= fresh
            if fresh:
                add(ring, *((slot, at, value) for (slot, at), value in fresh.items()))
        latest = {slot: max((at for one, at in told if one == slot), default=0.0) for slot in range(3)}
        for slot in range(3):
            since = latest[slot] - MINUTES + 1
            expected: dict[int, list[float]] = {}
            for (one, at), value in told.items():
                if one == slot and at >= since:
                    expected.setdefault(int(at * 2), []).append(value)
            found: dict[int, list[float]] = {}
            for _, at, value in seen(Path(folder), max(since, 0), 21, IDS[slot : slot + 1])[0]:
                found.setdefault(int(at * 2), []).append(value)
            for span, values in expected.items():
                if span / 2 >= since:  # the first may be cut
                    assert (min(found[span]), max(found[span])) == (min(values), max(values))
