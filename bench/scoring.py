"""Measure the online baseline: readings judged and learnt from a second of processor time, on one core.

Run: python -m bench.scoring [--streams N] [--batch N] [--batches N] [--peer]
`--peer` measures river HalfSpaceTrees beside it (10 trees of height 8, scored and learnt one by one), where
river is installed; it is no part of the requirements.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator

import numpy as np

from cityloom.detection.domain.baseline import LEAST_READINGS
from cityloom.detection.domain.online import Baseline

START_S = 1_780_272_000.0
Batch = tuple[np.ndarray, np.ndarray, np.ndarray]


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=50_000)
    parser.add_argument("--batch", type=int, default=10_000)
    parser.add_argument("--batches", type=int, default=200)
    parser.add_argument("--peer", action="store_true")
    wanted = parser.parse_args()
    kinds = {"each_stream_once_a_batch": _in_turn, "streams_at_random": _at_random, "one_stream_alone": _alone}
    found: dict[str, object] = {
        name: _rate(wanted.streams, list(kind(wanted.streams, wanted.batch, wanted.batches)))
        for name, kind in kinds.items()
    }
    if wanted.peer:
        found["river_half_space_trees"] = _peer()
    print(json.dumps(found, indent=2))


def _rate(streams: int, batches: list[Batch]) -> dict[str, float]:
    baseline = Baseline(streams)
    chance = np.random.default_rng(2)
    for turn in range(LEAST_READINGS):
        at_s = np.full(streams, START_S - 300.0 * (LEAST_READINGS - turn))
        baseline.score(np.arange(streams), at_s, chance.normal(20, 3, streams))
    rates = []
    for batch in batches:
        started = time.process_time()
        baseline.score(*batch)
        rates.append(len(batch[0]) / (time.process_time() - started))
    count = sum(len(batch[0]) for batch in batches)
    mean = count / sum(len(batch[0]) / rate for batch, rate in zip(batches, rates, strict=True))
    return {"readings": count, "per_cpu_second": round(mean), "median_batch": round(float(np.median(rates)))}


def _in_turn(streams: int, size: int, batches: int) -> Iterator[Batch]:
    """Every stream reports every five minutes, one after the other."""
    chance = np.random.default_rng(1)
    for number in range(batches):
        turn = number * size + np.arange(size)
        yield turn % streams, START_S + turn // streams * 300.0, chance.normal(20, 3, size)


def _at_random(streams: int, size: int, batches: int) -> Iterator[Batch]:
    """Any stream at any time: some come several times in a batch, some late."""
    chance = np.random.default_rng(1)
    for number in range(batches):
        at_s = START_S + (number + np.sort(chance.random(size))) * 60.0
        yield chance.integers(0, streams, size), at_s, chance.normal(20, 3, size)


def _alone(_streams: int, _size: int, batches: int) -> Iterator[Batch]:
    """The worst there is: a batch of one stream, with nothing to be done at once."""
    chance = np.random.default_rng(1)
    for number in range(min(batches, 5)):
        yield np.zeros(1_000, np.int64), START_S + number * 1e4 + np.arange(1_000) * 10.0, chance.normal(20, 3, 1_000)


def _peer() -> dict[str, float]:
    from river.anomaly import HalfSpaceTrees  # type: ignore[import-not-found]

    trees = HalfSpaceTrees(n_trees=10, height=8, limits={"value": (0, 40)}, seed=1)
    values = [{"value": value} for value in np.random.default_rng(1).normal(20, 3, 50_000).tolist()]
    started = time.process_time()
    for value in values:
        trees.score_one(value)
        trees.learn_one(value)
    return {"readings": len(values), "per_cpu_second": round(len(values) / (time.process_time() - started))}


if __name__ == "__main__":
    main()
