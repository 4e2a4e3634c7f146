"""Measure the scan for hot spots beside a plain numpy loop over the same maps, and how often null maps raise an alarm.

Run: python -m bench.hotspots [--only scan|large|null|reference] [--maps N] [--reference FOLDER]
Places are drawn; 281 is the number of tracts of the New York leukaemia data. The peer adds up cases along each place's
neighbours and takes the ratio of every window of every map; both must find the same maxima. Of 5,000 places the peer
looks at some maps only, and its time is scaled. `reference` compares with what SaTScan 9 says of the New York data,
from the text files `satscan_ny_*.txt` in FOLDER (those of the R package smerc).
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import xlogy

from cityloom.insight.domain.hotspots import baselines
from cityloom.insight.domain.hotspots.likelihood import Poisson
from cityloom.insight.domain.hotspots.maxima import Layer, maxima
from cityloom.insight.domain.hotspots.scanning import Choices, expectation_scan, poisson_scan
from cityloom.insight.domain.hotspots.windows import Windows, circular_windows

GOALS_S = {281: 1.0, 5_000: 60.0}
LOW, HIGH = 0.035, 0.065
Floats = np.ndarray
PARTS = ("scan", "large", "null", "reference")


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--only", choices=PARTS)
    arguments.add_argument("--maps", type=int, default=1_000)
    arguments.add_argument("--reference", type=Path)
    chosen = arguments.parse_args()
    kept = True
    for part in [chosen.only] if chosen.only else PARTS:
        if part == "scan":
            kept &= _scan(281, 592, 999)
        elif part == "large":
            kept &= _scan(5_000, 20_000, 20)
        elif part == "null":
            kept &= _null_poisson(chosen.maps) & _null_learnt(chosen.maps)
        elif chosen.reference:
            kept &= _reference(chosen.reference)
    return 0 if kept else 1


def _drawn(places: int, cases: int) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(281)
    xy, people = rng.uniform(0, 1e5, (places, 2)), rng.lognormal(7, 1, places)
    return xy, people, rng.multinomial(cases, people / people.sum()).astype(float)


def _scan(places: int, cases: int, peer_maps: int) -> bool:
    """Ours from coordinates to clusters with 999 maps; then both on the same maps."""
    xy, people, counts = _drawn(places, cases)
    found, wall, cpu = _timed(lambda: poisson_scan(xy, counts, people, choices=Choices(seed=1)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000
    print(f"{places:,} places x 999 maps, {found.windows:,} windows: {cpu:.2f} s of the processor, {wall:.2f} s by "
          f"the clock, {peak:.0f} MB at the most; goal {GOALS_S[places]:.0f} s by the clock")  # fmt: skip
    maps = np.random.default_rng(1).multinomial(cases, people / people.sum(), peer_maps).T.astype(np.int16)
    base, windows = cases * people / people.sum(), circular_windows(xy, people)
    ours, _, _ = _timed(lambda: maxima(windows, Poisson(cases), [Layer(0, 1, base)], lambda _: maps, peer_maps, 2))
    theirs, peer_wall, peer_cpu = _timed(lambda: _plain(windows, base, maps.astype(float), cases))
    scale = 999 / peer_maps
    scaled = f"; scaled to 999 maps {peer_cpu * scale:.0f} s" if scale > 1.01 else ""
    print(f"plain numpy, {peer_maps} maps: {peer_cpu:.2f} s of the processor, {peer_wall:.2f} s by the clock"
          f"{scaled}; the ratio of processor time is {peer_cpu * scale / cpu:.1f}; "
          f"largest difference of a maximum {np.abs(ours - theirs).max():.1e}")  # fmt: skip
    return bool(np.allclose(ours, theirs, atol=1e-9)) and cpu <= GOALS_S[places]


def _plain(windows: Windows, base: Floats, maps: Floats, total: float) -> Floats:
    best = np.zeros(maps.shape[1])
    for centre in range(windows.places):
        order = windows.order[centre, : windows.reach[centre]]
        inside, expected = np.cumsum(maps[order], axis=0), np.cumsum(base[order])[:, None]
        ratio = xlogy(inside, inside / expected) + xlogy(total - inside, (total - inside) / (total - expected))
        ratio[(inside <= expected) | (inside < 2)] = 0
        np.maximum(best, ratio.max(axis=0), out=best)
    return best


def _null_poisson(maps: int) -> bool:
    """Maps drawn by population alone."""
    rng, hits = np.random.default_rng(5), 0
    xy, people, _ = _drawn(40, 100)
    began = time.process_time()
    for number in range(maps):
        counts = rng.multinomial(300, people / people.sum()).astype(float)
        found = poisson_scan(xy, counts, people, choices=Choices(simulations=199, seed=number, most_clusters=1))
        hits += bool(found.clusters) and found.clusters[0].p_value <= 0.05
    return _told("Poisson, 40 places", hits, maps, began)


def _null_learnt(maps: int) -> bool:
    """Places of unlike level, four months of weekdays, holidays, a trend, and shocks; the baseline is learnt anew."""
    kept = True
    for name, day_shock, place_shock in (("Poisson counts", 0.0, 0.0), ("overdispersed counts", 0.03, 0.2)):
        hits, began = 0, time.process_time()
        for number in range(maps):
            rng = np.random.default_rng([7, number])
            xy, level, day = rng.uniform(0, 1e4, (40, 2)), rng.gamma(1.2, 0.4, 40), np.arange(124)
            off = rng.random(124) < 0.03
            mean = np.outer(level, np.exp(0.3 * day / 119 + 0.25 * np.sin(day % 7) - 0.5 * off))
            if day_shock:
                mean = mean * rng.gamma(1 / day_shock, day_shock, (1, 124))
                mean = mean * rng.gamma(1 / place_shock, place_shock, mean.shape)
            counts = rng.poisson(mean).astype(float)
            base = baselines.baseline(counts[:, :119], day[:119] % 7, off[:119], day[119:] % 7, off[119:])
            found = expectation_scan(xy, counts[:, 119:], base.mean, null=base.null_maps,
                                     choices=Choices(simulations=199, seed=number, most_clusters=1))  # fmt: skip
            hits += bool(found.clusters) and found.clusters[0].p_value <= 0.05
        kept &= _told(f"a learnt baseline, 40 places, 5 days, {name}", hits, maps, began)
    return kept


def _told(what: str, hits: int, maps: int, began: float) -> bool:
    share = hits / maps
    print(f"null maps, {what}: {hits} of {maps:,} raise an alarm at 0.05, {share:.3f} (goal {LOW} to {HIGH}); "
          f"{time.process_time() - began:.0f} s of the processor", flush=True)  # fmt: skip
    return LOW <= share <= HIGH


def _reference(folder: Path) -> bool:
    """The New York leukaemia data beside SaTScan's output: clusters, counts, expected, ratios, p-values."""
    at, cases, people = (_columns(folder / f"satscan_ny_{name}.txt") for name in ("coords", "cases", "pop"))
    counts = np.zeros(len(at))
    counts[cases[:, 0].astype(int) - 1] = cases[:, 1]
    published = [(0.5, 14.083511, 28, 100, 58.28, 1.87, 0.00015), (0.1, 11.577255, 26, 85, 49.71, 1.84, 0.0010)]
    kept = True
    for share, llr, places, seen, expected, risk, p in published:
        one = poisson_scan(at[:, 1:], counts, people[:, 2], choices=Choices(most_share=share, seed=1)).clusters[0]
        print(f"New York, share {share}: {len(one.places)} places, {one.observed:.0f} seen, {one.expected:.2f} "
              f"expected, risk {one.relative_risk:.2f}, ratio {one.llr:.6f}, p {one.p_value:.3f}, "
              f"Gumbel {one.gumbel_p:.5f}; SaTScan: {places}, {seen}, {expected}, {risk}, {llr}, p {p}")  # fmt: skip
        kept &= abs(one.llr - llr) < 1e-6 and len(one.places) == places and one.observed == seen
    return kept


def _columns(path: Path) -> Floats:
    return np.array([[float(word) for word in line.split()] for line in path.read_text().splitlines() if line.strip()])


def _timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    return found, time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    sys.exit(main())
