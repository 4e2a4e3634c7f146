"""Measure how well duplicates are found, and how fast among a million open reports.

Run: python -m bench.duplicates [--matters N] [--open N] [--fit]
Made-up reports (synthetic, `cases.domain.madeup.reported`): fitted on some phrases, judged on others, over pairs of
reports and over reports that join. `--fit` fits anew and writes what comes of it.
Peer: the nearest report of the same category within 50 m (FixMyStreet).
The share of matters with another of their kind 15 to 60 m beside them decides more than all else, so it is varied.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace

import numpy as np

from cityloom.cases.domain.duplicates import features, forest, measuring, pairs
from cityloom.cases.domain.duplicates.index import OpenReports
from cityloom.cases.domain.duplicates.pairs import Report
from cityloom.cases.domain.duplicates.sketch import Sketch, sketch_of
from cityloom.cases.domain.madeup.reported import BESIDE, reported
from cityloom.cases.domain.routing.categories import shipped
from cityloom.cases.domain.routing.classifier import SHIPPED, from_bytes

GOAL_F1, GOAL_PRECISION, GOAL_MS = 0.90, 0.95, 20.0
FITTED_ON = (("train", 1), ("train", 2), ("train", 11), ("tune", 21), ("tune", 22))
CHOSEN_ON, JUDGED_ON = ("tune", 23), (3, 4, 5)
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
    usual = [_judge(chosen.matters, seed, BESIDE, every=seed == JUDGED_ON[0]) for seed in JUDGED_ON]
    for beside in (0.0, 0.03, 0.15):
        _judge(chosen.matters, JUDGED_ON[0], beside)
    p99 = _search(chosen.open)
    is_met = all(one.f1 >= GOAL_F1 and one.precision >= GOAL_PRECISION for one in usual)
    return 0 if is_met and p99 <= GOAL_MS else 1


def _fit(matters: int) -> None:
    """Fit the weights of pairs on phrases for training, the trees on those and on those for tuning; tests see neither.

    Among phrases for training a thing has ten troubles to tell them by, among the others one; cities lie between.
    """
    fitted = measuring.learnt(*stream(matters, 1, "train", BESIDE))
    about = {"synthetic": True, "matters": matters, "seed": 1, "scales": {k: list(v) for k, v in pairs.SCALES.items()}}
    said = json.dumps(about | {"weights": [round(one, 4) for one in fitted.tolist()]}, indent=1)
    pairs.SHIPPED.write_text(said + "\n")
    pairs.weights.cache_clear()
    trees = measuring.learnt_trees([stream(matters, seed, part, BESIDE) for part, seed in FITTED_ON], pairs.weights())
    about = {"synthetic": True, "matters": matters, "fitted_on": FITTED_ON, "features": features.NAMES}
    forest.SHIPPED.write_text(json.dumps(about | forest.document_of(trees), separators=(",", ":")) + "\n")
    forest.shipped.cache_clear()


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


def _judge(matters: int, seed: int, beside: float, *, every: bool = False) -> measuring.Judged:
    made = stream(matters, seed, "test", beside)
    for threshold in measuring.SHOWN if every else ():
        _say("curve", seed, beside, measuring.judged(made, pairs.weights(), forest.shipped(), threshold))
    ours = measuring.judged(made, pairs.weights(), forest.shipped())
    _say("cityloom", seed, beside, ours)
    _say("peer", seed, beside, measuring.judged_near(made))
    return ours


def _say(what: str, seed: int, beside: float, one: measuring.Judged) -> None:
    of_pairs = [round(value, 4) for value in (one.precision, one.recall, one.f1)]
    print(json.dumps({"what": what, "seed": seed, "beside": beside, "rule": one.rule, "threshold": one.threshold,
                      "pairs": of_pairs, "reports": [round(value, 4) for value in one.by_report]}),
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
        known.best(asked, pairs.weights(), forest.shipped())
        took.append(1e3 * (time.process_time() - began))
    p99 = float(np.percentile(took, 99))
    print(json.dumps({"what": "search", "open": count, "ms_median": round(float(np.median(took)), 3),
                      "ms_p99": round(p99, 3), "us_to_add": round(1e6 * added / count, 1)}), flush=True)  # fmt: skip
    return p99


if __name__ == "__main__":
    raise SystemExit(main())
