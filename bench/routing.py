"""Measure who says of what category a report is: coverage, precision, calibration, time; and a real check.

Run: python -m bench.routing [--seed N] [--texts N]
1. Made-up texts (synthetic, `cases.domain.madeup`), trained, tuned and tested on phrases of their own. Peer: what
   Signalen does, words in TF-IDF with a logistic regression, below 40 % to a person; its words are split at spaces.
2. 19,999 requests of Los Angeles: the category from place and time alone, trained on 2017, tested on 2018.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from cityloom.cases.domain.madeup.texts import texts
from cityloom.cases.domain.routing import curve, fitting, training
from cityloom.cases.domain.routing.categories import shipped
from cityloom.kernel import cells

GOAL_ROUTED, GOAL_PRECISION, GOAL_ERROR = 0.80, 0.97, 0.03
LA = Path(os.environ.get("CITYLOOM_DATA", "../shared/data")) / "service311"


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seed", type=int, default=5)
    arguments.add_argument("--texts", type=int, default=10_000)
    chosen = arguments.parse_args()
    parts = {part: texts(count, list(shipped()), chosen.seed, part)
             for part, count in (("train", 24_000), ("tune", 5_000), ("test", chosen.texts))}  # fmt: skip
    told = {part: (made.texts, made.categories) for part, made in parts.items()}
    started = time.process_time()
    model = fitting.fit(told["train"], told["tune"], {})
    _say("trained", seconds_of_processor=time.process_time() - started)
    started = time.process_time()
    ours = training.tested(model, told["test"])
    each = (time.process_time() - started) / chosen.texts
    _say("cityloom", **{name: ours[name] for name in ("routed", "precision", "accuracy", "calibration_error")},
         us_a_text=1e6 * each)  # fmt: skip
    for point in ours["curve"]:
        _say("curve", **point)
    _peer(told["train"], told["test"])
    _los_angeles()
    is_kept = ours["routed"] >= GOAL_ROUTED and ours["precision"] >= GOAL_PRECISION
    return 0 if is_kept and ours["calibration_error"] <= GOAL_ERROR else 1


def _peer(train: fitting.Told, test: fitting.Told) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    words = TfidfVectorizer(min_df=3)
    model = LogisticRegression(C=10.0, max_iter=100).fit(words.fit_transform(train[0][:12_000]), train[1][:12_000])
    chances = model.predict_proba(words.transform(test[0]))
    best = chances.max(axis=1)
    is_right = model.classes_[chances.argmax(axis=1)] == np.array(test[1])
    routed, precision = curve.coverage_at(best, is_right, 0.4)
    _say("peer: words, TF-IDF, logistic regression, 40 %", routed=routed, precision=precision,
         accuracy=float(is_right.mean()), calibration_error=curve.calibration_error(best, is_right))  # fmt: skip


def _los_angeles() -> None:
    files = LA / "la_311_2017_10k.csv", LA / "la_311_2018_10k.csv"
    if not all(path.is_file() for path in files):
        _say("Los Angeles: the data are not here")
        return
    (before, negative_2017), (after, negative_2018) = (_requests(path) for path in files)
    train, tune = (before[0][::2], before[1][::2]), (before[0][1::2], before[1][1::2])
    model = fitting.fit_marks(train, tune, {})
    found = [model.predict_marks(marks) for marks in after[0]]
    is_right = np.array([one.category == kind for one, kind in zip(found, after[1], strict=True)])
    chances = np.array([one.probability for one in found])
    most = max(set(train[1]), key=train[1].count)
    routed, precision = curve.coverage_at(chances, is_right, model.threshold)
    best = curve.threshold_for(chances, is_right, GOAL_PRECISION)
    _say("Los Angeles 2018 from place and time", kinds=len(model.categories), accuracy=float(is_right.mean()),
         always_the_commonest=after[1].count(most) / len(after[1]), routed=routed, precision=precision,
         at_97_percent=curve.coverage_at(chances, is_right, best)[0],
         calibration_error=curve.calibration_error(chances, is_right),
         negative_durations_2017=negative_2017, negative_durations_2018=negative_2018)  # fmt: skip


def _requests(path: Path) -> tuple[tuple[list[Any], list[str]], int]:
    """Marks of place and time, the kinds, and how many requests were closed before they were made."""
    marks, kinds, negative = [], [], 0
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            made = _instant(row["CreatedDate"])
            closed = row["ClosedDate"] and _instant(row["ClosedDate"])
            negative += bool(closed) and closed < made
            marks.append(_marks(row, made))
            kinds.append(row["RequestType"])
    return (marks, kinds), negative


def _instant(text: str) -> datetime:
    """Both instants of a request are of one zone, so its name does not matter."""
    return datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)


def _marks(row: dict[str, str], made: datetime) -> np.ndarray:
    day, hour = made.weekday(), made.hour
    said = [f"hour {hour}", f"day {day}", f"hour {day} {hour // 4}", f"area {row['NC']}"]
    if row["Latitude"] and row["Longitude"]:
        place = float(row["Longitude"]), float(row["Latitude"])
        said += [f"cell {cells.cell_of(*place, size)}" for size in (7, 8, 9, 10)]
    return np.array([zlib.crc32(one.encode()) for one in said], dtype=np.uint32)


def _say(what: str, **figures: Any) -> None:
    rounded = {name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()}
    print(json.dumps({"what": what} | rounded, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())


