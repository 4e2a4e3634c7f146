"""Measure one look for bursts: over L-TOWN and over 20,000 mains, with one burst, with nothing odd, in an uproar.

Run: python -m bench.gathering
Networks: L-TOWN (909 links, its 33 pressure gauges), and a made-up grid of 20,000 mains of 100 m with 800 gauges. Each
line says seconds of processor time of the first look, when no distance along the network is known yet, and of the
median of ten looks after it. One line of JSON for each.
"""

from __future__ import annotations

import json
import statistics
import time

import numpy as np

from bench._networks import water_network
from bench.leaks import INP, METERS
from cityloom.detection.domain.cause import cause_of, shipped
from cityloom.detection.domain.lately import Lately
from cityloom.detection.domain.noticing import Lookers, Streams
from cityloom.detection.domain.said import heard
from cityloom.detection.domain.topology import Network
from cityloom.kernel.geometry import LocalProjection

NOW = 1_777_636_800.0
PLANE = LocalProjection(113.93, 22.53)
NOBODY = heard(())


def main() -> None:
    """Print a line for each."""
    town = water_network(INP)
    row = {code: at for at, code in enumerate(town.node)}
    gauges = town.xy[[row[code] for code in METERS.pressure]]
    mains = lattice(100)
    chance = np.random.default_rng(1)
    many = PLANE.xy(mains.lon, mains.lat)[chance.choice(len(mains.node), 800, replace=False)]
    burst = burst_at
    for name, network, xy, plane, felt in (
        ("L-TOWN, a burst", town, gauges, town.plane, burst), ("20,000 mains, a burst", mains, many, PLANE, burst),
        ("20,000 mains, nothing odd", mains, many, PLANE, nothing),
        ("20,000 mains, every gauge odd", mains, many, PLANE, uproar),
    ):  # fmt: skip
        print(json.dumps({"what": name, "edges": len(network.begin), "gauges": len(xy)}
                         | measured(network, plane.lonlat(xy), felt(xy))))  # fmt: skip
    wide = chance.uniform(0, 100_000, (50_000, 2))
    print(json.dumps({"what": "50,000 gauges, nothing odd", "edges": 0, "gauges": 50_000}
                     | measured(None, PLANE.lonlat(wide), nothing(wide))))  # fmt: skip


def lattice(side: int) -> Network:
    """About 20,000 mains of 100 m."""
    x, y = np.meshgrid(np.arange(side + 1), np.arange(side))
    row = np.arange(x.size).reshape(x.shape)
    begin, end = np.r_[row[:, :-1].ravel(), row[:-1].ravel()], np.r_[row[:, 1:].ravel(), row[1:].ravel()]
    lonlat = PLANE.lonlat(np.column_stack([x.ravel(), y.ravel()]) * 100.0)
    names = np.arange(x.size).astype(str).astype(object)
    edges = np.arange(len(begin)).astype(str).astype(object)
    return Network(names, lonlat[:, 0], lonlat[:, 1], edges, begin, end, np.full(len(begin), 100.0))


def burst_at(xy: np.ndarray) -> np.ndarray:
    """Spreads below usual around the middle, less with each metre."""
    metres = np.hypot(*(xy - np.median(xy, axis=0)).T)
    return nothing(xy) - 25 * np.exp(-metres / 700)


def nothing(xy: np.ndarray) -> np.ndarray:
    """Noise within what is usual."""
    return np.clip(np.random.default_rng(2).normal(0, 1, len(xy)), -3, 3)


def uproar(xy: np.ndarray) -> np.ndarray:
    """All of them far below."""
    return nothing(xy) - 20


def measured(network: Network | None, lonlat: np.ndarray, spreads: np.ndarray) -> dict[str, object]:
    """Processor seconds of the first look and of those after it, and what was found."""
    count = len(spreads)
    texts = [np.full(count, word, object) for word in ("pressure", "kPa")]
    names = np.array([f"datastream:{at}" for at in range(count)], object)
    began = time.process_time()
    lookers = Lookers([cause_of(shipped()["pipe-burst"].read_text("utf-8"))],
                      Streams(names, names, *texts, lonlat[:, 0], lonlat[:, 1]))  # fmt: skip
    made = time.process_time() - began
    full = {"at_s": NOW - 30, "expected": 350.0, "spread": 3.0, "moved": 0.0, "over_s": 60.0}
    lately = Lately({name: np.full(count, value) for name, value in full.items()} | {"value": 350 + 3.0 * spreads})
    took = []
    for _ in range(11):
        began = time.process_time()
        found = lookers.findings(lately, np.ones(count, bool), NOBODY, lambda _: network, NOW)
        took.append(time.process_time() - began)
    return {"made_s": round(made, 4), "first_s": round(took[0], 4), "then_s": round(statistics.median(took[1:]), 4),
            "found": len(found)}  # fmt: skip


if __name__ == "__main__":
    main()
