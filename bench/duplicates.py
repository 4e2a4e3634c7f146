"""Measure how well duplicates are found, and how fast among a million open reports.

Run: python -m bench.duplicates [--matters N] [--open N] [--fit]
Made-up reports (synthetic, `cases.domain.madeup.reported`): fitted on phrases for training, judged on others.
`--fit` fits the weights anew and writes them. Peer: the nearest report of the same category within 50 m (FixMyStreet).
The share of matters with another of their kind 15 to 60 m beside them decides more than all else, so it is varied.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace

import numpy as np

from cityloom.cases.domain.duplicates import measuring, pairs
from cityloom.cases.domain.duplicates.index import OpenReports
from cityloom.cases.domain.duplicates.pairs import Report
from cityloom.cases.domain.duplicates.sketch import Sketch, sketch_of
from cityloom.cases.domain.madeup.reported import BESIDE, reported
from cityloom.cases.domain.routing.categories import shipped
from cityloom.cases.domain.routing.classifier import SHIPPED, from_bytes

GOAL_F1, GOAL_PRECISION, GOAL_MS = 0.90, 0.95, 20.0
_SURE = 0.9  # from here on the classifier's category is taken instead of the reporter's, as intake does
Stream = tuple[list[Report], list[int], list[float]]


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--matters", type=int, default=9_000)
    arguments.add_argument("--open", type=int, default=1_000_000)
    arguments.add_argument("--fit", action="store_true")
    chosen = arguments.parse_args()
    if chosen.fit:
        _fit(chosen.matters)
    usual = _judge(chosen.matters, BESIDE)
    for beside in (0.0, 0.03, 0.15):
        _judge(chosen.matters, beside, every=False)
    p99 = _search(chosen.open)
    return 0 if usual.f1 >= GOAL_F1 and usual.precision >= GOAL_PRECISION and p99 <= GOAL_MS else 1


def _fit(matters: int) -> None:
    fitted = measuring.learnt(*stream(matters, 1, "train", BESIDE))
    about = {"synthetic": True, "matters": matters, "seed": 1, "scales": {k: list(v) for k, v in pairs.SCALES.items()}}
    said = json.dumps(about | {"weights": [round(one, 4) for one in fitted.tolist()]}, indent=1)
    pairs.SHIPPED.write_text(said + "\n")
    pairs.weights.cache_clear()


def stream(matters: int, seed: int, part: str, beside: float) -> Stream:
    """Made-up reports as they are compared, their matters, and until when each is open."""
    made = reported(matters, seed, part, side_km=4.3 * (matters / 9_000) ** 0.5, beside=beside)
    model = from_bytes(SHIPPED.read_bytes())
    found = []
    for number, text in enumerate(made.text):
        said = model.predict(text)
        category = said.category if said.probability >= _SURE else made.category[number]
        found.append(Report(float(made.lon[number]), float(made.lat[number]), float(made.error_m[number]),
                            float(made.at_s[number]), category, sketch_of(text, model.idf)))  # fmt: skip
    return found, made.matter.tolist(), made.ends_s[made.matter].tolist()


def _judge(matters: int, beside: float, *, every: bool = True) -> measuring.Judged:
    made = stream(matters, 3, "test", beside)
    fitted = pairs.weights()
    for one in [measuring.judged(*made, fitted, threshold) for threshold in (measuring.SHOWN if every else ())]:
        _say("curve", beside, one)
    ours = measuring.judged(*made, fitted)
    _say("cityloom", beside, ours)
    _say("peer", beside, measuring.judged_near(*made))
    return ours


def _say(what: str, beside: float, one: measuring.Judged) -> None:
    print(json.dumps({"what": what, "beside": beside, "rule": one.rule, "threshold": one.threshold,
                      "precision": round(one.precision, 4), "recall": round(one.recall, 4), "f1": round(one.f1, 4)}),
          flush=True)  # fmt: skip


def _search(count: int) -> float:
    """The 99th percentile of a search in milliseconds among open reports at 800 a square kilometre."""
    rng, known, kinds = np.random.default_rng(1), OpenReports(), list(shipped())
    side = (count / 800) ** 0.5 / 111.2
    places = rng.uniform(0, side, (count, 2)) + np.array([116.0, 39.0])
    words = rng.integers(-60, 60, (4_096, 256)).astype(np.int8)
    numbers = rng.integers(0, 300, (4_096, 4)).astype(np.int32)

    def one(row: int) -> Report:
        sketch, (lon, lat) = Sketch(words[row % 4_096], numbers[row % 4_096], 1 + row % 2), places[row].tolist()
        return Report(lon, lat, 15.0, float(row), kinds[row * 31 % len(kinds)], sketch)

    started = time.process_time()
    for row in range(count):
        known.add(one(row), row)
    added = time.process_time() - started
    took = []
    for row in rng.integers(0, count, 2_000).tolist():
        asked = replace(one(row), lon=one(row).lon + 1e-5)
        began = time.process_time()
        known.best(asked, pairs.weights())
        took.append(1e3 * (time.process_time() - began))
    p99 = float(np.percentile(took, 99))
    print(json.dumps({"what": "search", "open": count, "ms_median": round(float(np.median(took)), 3),
                      "ms_p99": round(p99, 3), "us_to_add": round(1e6 * added / count, 1)}), flush=True)  # fmt: skip
    return p99


if __name__ == "__main__":
    raise SystemExit(main())
