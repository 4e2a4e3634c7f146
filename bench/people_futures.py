"""Measure stochastic futures of people: 100 districts x 1,000 futures x 25 years, 2 sexes x 101 ages.

Run: python -m bench.people_futures [--futures N] [--districts N] [--years N] [--housing]
The peer is a plain loop in numpy: one future after the other, each year with the step of the public function in double
precision, on the same draws; it works the first block of futures and is scaled to all. Both must agree. Each side is a
process of its own, so that memory is its own. Times are of the processor, and by the clock.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np

from cityloom.insight.domain.people import futures, projection, varying

GOAL_S = 60.0
STARTS = [0, 3, 6, 12, 15, 18, 60, 80]
AGES = np.arange(101)
SPREAD = futures.Spread()
SEED = 7


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--futures", type=int, default=1000)
    arguments.add_argument("--districts", type=int, default=100)
    arguments.add_argument("--years", type=int, default=25)
    arguments.add_argument("--housing", action="store_true", help="Also limit districts by their dwellings.")
    arguments.add_argument("--child", choices=["ours", "loop"])
    chosen = arguments.parse_args()
    if chosen.child:
        print(json.dumps({"ours": _ours, "loop": _loop}[chosen.child](chosen)))
        return 0
    ours, loop = (_run(side) for side in ("ours", "loop"))
    scaled = loop["cpu_s"] * chosen.futures / loop["futures"]
    print(f"{chosen.districts} districts, {chosen.futures:,} futures, {chosen.years} years, 2 sexes, {len(AGES)} ages"
          f"{', with housing' if chosen.housing else ''}")  # fmt: skip
    print(f"ours: {ours['cpu_s']:.1f} s of the processor, {ours['wall_s']:.1f} s by the clock, {ours['mb']:.0f} MB,"
          f" of which {ours['quantiles_s']:.1f} s for medians and intervals of every district, year and age group")
    if chosen.housing:
        return 0
    print(f"plain loop: {loop['cpu_s']:.1f} s for {loop['futures']} futures, so {scaled:.0f} s for all;"
          f" {loop['mb']:.0f} MB")  # fmt: skip
    away = float(np.abs(np.array(loop["people"]) / np.array(ours["people"]) - 1).max())
    print(f"largest difference of a district's people after {chosen.years} years: {away:.1e} of it")
    print(f"ratio, ours to the loop: {ours['cpu_s'] / scaled:.2f}")
    return 0 if ours["wall_s"] <= GOAL_S and away < 1e-4 else 1


def _run(side: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.people_futures", "--child", side, *sys.argv[1:]]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _course(chosen: argparse.Namespace) -> futures.Course:
    """A made-up city: Gompertz's law, births around 29, nobody comes or leaves but by chance."""
    rng = np.random.default_rng(1)
    rates = 0.0002 + np.exp(-10.5 + 0.095 * AGES)
    shape = (chosen.years, chosen.districts)
    survival = np.broadcast_to(np.exp(-np.stack([0.8 * rates, rates])), (*shape, 2, 101))
    births = 0.11 * np.exp(-(((AGES - 29) / 7.8) ** 2)) * ((AGES >= 15) & (AGES < 50))
    fertility = np.broadcast_to(births, (*shape, 101))
    people = rng.uniform(500, 2000, (chosen.districts, 2, 101)) * np.exp(-((AGES / 60) ** 3))
    profile = np.broadcast_to(varying.rogers_castro(AGES), (2, 101)) / 2
    room = np.broadcast_to(people.sum((1, 2)) * rng.uniform(0.98, 1.1, chosen.districts), shape)
    return futures.Course(people, survival, fertility, np.zeros((*shape, 2, 101)), profile,
                          capacity=room if chosen.housing else None)  # fmt: skip


def _ours(chosen: argparse.Namespace) -> dict[str, Any]:
    course = _course(chosen)
    started, wall = time.process_time(), time.perf_counter()
    found = futures.simulate(course, SPREAD, STARTS, chosen.futures, SEED)
    between = time.process_time()
    for year in found.groups:
        np.quantile(year, [0.025, 0.1, 0.5, 0.9, 0.975], axis=-1)
    return {"cpu_s": time.process_time() - started, "wall_s": time.perf_counter() - wall, "mb": _mb(),
            "quantiles_s": time.process_time() - between,
            "people": found.groups[-1].sum(1)[:, : futures.block_of(course)].T.astype(float).tolist()}  # fmt: skip


def _loop(chosen: argparse.Namespace) -> dict[str, Any]:
    course = _course(chosen)
    count = min(futures.block_of(course), chosen.futures)
    births, index, deaths, share = futures.varied(course, SPREAD, count, futures.block_rng(SEED, 0))
    started, ends = time.process_time(), []
    for future in range(count):
        people = course.people
        for year in range(chosen.years):
            hazard = -np.log(course.survival[year]) * np.exp(index[future, year]) * deaths[future, year, :, None, None]
            coming = (share[future, year] * people.sum((1, 2)))[:, None, None] * course.profile
            fertility = course.fertility[year] * births[future, year, :, None]
            people = projection.step(people, np.exp(-hazard), fertility, course.migration[year] + coming).end
        ends.append(people.sum((1, 2)).tolist())
    return {"cpu_s": time.process_time() - started, "futures": count, "mb": _mb(), "people": ends}


def _mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    sys.exit(main())
