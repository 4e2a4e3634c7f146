"""Series of the kinds that are not at hand, made here, to see whether a configuration holds for them too."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Made = tuple[np.ndarray, list[int]]


def made_up(seeds: int = 2) -> dict[str, tuple[np.ndarray, list[tuple[int, int]]]]:
    """Each kind some times; a tenth of a series is in its windows, around what was put in."""
    found = {}
    for name, make in KINDS.items():
        for seed in range(seeds):
            values, marks = make(np.random.default_rng(seed))
            half = len(values) // 20 // len(marks)
            found[f"{name}/{seed}"] = values, [(mark - half, min(mark + half, len(values) - 1)) for mark in marks]
    return found


def _server_spikes(chance: np.random.Generator) -> Made:
    values = 5 + chance.gamma(1, 0.6, 4_000)
    for row in np.flatnonzero(chance.random(4_000) < 0.01):
        values[row : row + 2] += chance.uniform(10, 25)
    mark = int(chance.uniform(1_600, 3_500))
    values[mark : mark + 60] += chance.uniform(12, 40)
    return np.clip(values, 0, 100), [mark]


def _server_level(chance: np.random.Generator) -> Made:
    values = chance.normal(40, 1, 4_000) + 3 * np.sin(np.arange(4_000) / 288 * 2 * np.pi)
    mark = int(chance.uniform(1_600, 3_500))
    values[mark:] += chance.choice([-1, 1]) * 12
    return values, [mark]


def _demand(chance: np.random.Generator) -> Made:
    day = np.arange(6_000) / 48
    week = np.where(day.astype(int) % 7 >= 5, 0.7, 1.0)
    values = (10 + 8 * np.sin(2 * np.pi * (day - 0.3))) * week * 1_000 + chance.normal(0, 600, 6_000)
    values[2_100:2_148] *= 0.55
    values[3_600:3_610] *= 1.5
    values[5_100:5_140] = values[5_100:5_140] * 0.5 + 3_000
    return values, [2_100, 3_600, 5_100]


def _temperature(chance: np.random.Generator) -> Made:
    day = np.arange(6_000) / 24
    values = 70 + np.cumsum(chance.normal(0, 0.05, 6_000)) + 2 * np.sin(2 * np.pi * day)
    values += chance.normal(0, 0.5, 6_000) + 4 * np.sin(2 * np.pi * day / 200)
    values[3_000:3_050] -= np.linspace(0, 9, 50)
    values[4_800:4_830] += 7
    return values, [3_000, 4_800]


def _counts(chance: np.random.Generator) -> Made:
    rate = 20 * (1 + 0.6 * np.sin(2 * np.pi * np.arange(8_000) / 288)) * chance.gamma(3, 1 / 3, 8_000)
    values = chance.poisson(rate).astype(float)
    for row in np.flatnonzero(chance.random(8_000) < 0.001):
        values[row : row + 3] *= 3
    for mark in (2_400, 4_400, 7_200):
        values[mark : mark + 12] += chance.uniform(150, 600) * np.exp(-np.arange(12) / 4)
    return values, [2_400, 4_400, 7_200]


def _prices(chance: np.random.Generator) -> Made:
    values = 0.1 * np.exp(chance.normal(0, 0.35, 1_600)) * (1 + 0.3 * np.sin(2 * np.pi * np.arange(1_600) / 24))
    for mark in (640, 1_120):
        values[mark : mark + 3] *= chance.uniform(4, 8)
    return values, [640, 1_120]


KINDS: dict[str, Callable[[np.random.Generator], Made]] = {
    "server_spikes": _server_spikes, "server_level": _server_level, "demand": _demand, "temperature": _temperature,
    "counts": _counts, "prices": _prices,
}  # fmt: skip
