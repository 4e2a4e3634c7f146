"""Who goes where, as drawn cases and as laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.fieldwork.domain.allocation import FAIR_SHARE, allocate, level

# A street seen from above: digits are tasks, letters are workers; a column is 100 m.
# The answer names the worker of task 0, task 1, ...
STREETS = {
    "nearest first": ("A 0    1 B", "AB"),
    "one each, though A is nearer to both": ("A01      B", "AB"),
    "the closest pair wins": ("0  A1    B", "BA"),
    "who is far away is left alone": ("A01B                  C", "AB"),
    "and called when those nearby have their fair share": ("A01234567                    B", "AAAABBBB"),
}


def drawn(street: str) -> tuple[np.ndarray, np.ndarray]:
    tasks = {int(mark): column for column, mark in enumerate(street) if mark.isdigit()}
    workers = {mark: column for column, mark in enumerate(street) if mark.isalpha()}
    line = lambda marks: np.array([[marks[mark] * 100.0, 0.0] for mark in sorted(marks)])  # noqa: E731
    return line(tasks), line(workers)


@pytest.mark.parametrize("name", STREETS)
def test_street(name: str) -> None:
    street, expected = STREETS[name]
    tasks, workers = drawn(street)
    chosen = allocate(tasks, workers, np.zeros(len(workers), dtype=np.int64))
    assert "".join("ABC"[index] for index in chosen) == expected


def test_someone_busy_gets_less() -> None:
    tasks, workers = drawn("A 0123 B")
    chosen = allocate(tasks, workers, np.array([3, 0]))
    assert np.bincount(chosen, minlength=2).tolist() in ([0, 4], [1, 3])


def test_without_workers_every_task_waits() -> None:
    assert allocate(np.zeros((2, 2)), np.zeros((0, 2)), np.zeros(0, dtype=np.int64)).tolist() == [-1, -1]


def test_without_tasks_nobody_is_called() -> None:
    assert len(allocate(np.zeros((0, 2)), np.zeros((3, 2)), np.zeros(3, dtype=np.int64))) == 0


loads = st.lists(st.integers(0, 12), min_size=1, max_size=12).map(lambda values: np.array(values, dtype=np.int64))
places = st.tuples(st.integers(-500, 500), st.integers(-500, 500))


@given(load=loads, count=st.integers(0, 60))
def test_level_hands_out_everything_and_evenly(load: np.ndarray, count: int) -> None:
    room = level(load, count)
    assert room.sum() == count
    assert (room >= 0).all()
    after, got = load + room, room > 0
    if got.any():
        assert after[got].max() <= after.min() + 1


@given(
    tasks=st.lists(places, min_size=1, max_size=40), workers=st.lists(places, min_size=1, max_size=12), data=st.data()
)
def test_every_task_has_a_worker_and_the_called_ones_carry_alike(
    tasks: list[tuple[int, int]], workers: list[tuple[int, int]], data: st.DataObject
) -> None:
    load = np.array(data.draw(st.lists(st.integers(0, 8), min_size=len(workers), max_size=len(workers))))
    chosen = allocate(np.array(tasks, float), np.array(workers, float), load)
    assert ((chosen >= 0) & (chosen < len(workers))).all()
    new = np.bincount(chosen, minlength=len(workers))
    after = (load + new)[new > 0]
    assert after.max() - after.min() <= 1
    if (FAIR_SHARE - load).clip(min=0).sum() >= len(tasks):
        assert after.max() <= FAIR_SHARE


@given(tasks=st.lists(places, min_size=1, max_size=30), workers=st.lists(places, min_size=1, max_size=8))
def test_nobody_could_swap_for_a_closer_free_worker(
    tasks: list[tuple[int, int]], workers: list[tuple[int, int]]
) -> None:
    """Of two tasks, each could not be nearer to the other's worker than both present distances."""
    task_xy, worker_xy = np.array(tasks, float), np.array(workers, float)
    chosen = allocate(task_xy, worker_xy, np.zeros(len(workers), dtype=np.int64))
    distance = np.hypot(*(task_xy[:, None] - worker_xy[None]).transpose(2, 0, 1))
    own = distance[np.arange(len(tasks)), chosen]
    for task in range(len(tasks)):
        other = distance[task, chosen]
        assert not ((other < own[task] - 1e-9) & (other < own - 1e-9)).any()


def test_thousands_of_tasks_over_hundreds_of_workers() -> None:
    place = np.random.default_rng(7)
    tasks, workers = place.uniform(0, 3000, (4000, 2)), place.uniform(0, 9000, (300, 2))
    chosen = allocate(tasks, workers, np.zeros(300, dtype=np.int64))
    counts = np.bincount(chosen, minlength=300)
    assert counts.max() - counts.min() <= 1
