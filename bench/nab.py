"""Score the novelty of streams on the Numenta Anomaly Benchmark, or on the part of it that is at hand.

Run: python -m bench.nab [--folder NAB] [--detail] [--made-up] [--save FILE]
The folder is laid out as NAB is (`data/`, `labels/combined_windows.json`); all series that are there and labelled are
scored together, with one threshold for each profile, as NAB does. Beside it stand detectors that everybody knows:
nothing, chance, and NAB's windowed Gaussian (6,400 readings, 100 at a time). One configuration for all series; their
readings come one by one, and nothing is told but how many rows NAB leaves for learning. `--made-up` scores
series made here instead, of the kinds that are not at hand.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bench._nab_made_up import made_up
from bench._nab_scoring import PROFILES, Scored, best, normalised, probation, raw
from cityloom.detection.domain.novelty import Novelty

DATA = Path(os.environ.get("CITYLOOM_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
Series = tuple[np.ndarray, list[tuple[int, int]]]


def main() -> None:
    """Print the scores by detector and profile, then by category at the threshold of the whole."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=DATA / "sensors" / "NAB")
    parser.add_argument("--detail", action="store_true")
    parser.add_argument("--made-up", action="store_true")
    parser.add_argument("--save", type=Path)
    wanted = parser.parse_args()
    many = made_up() if wanted.made_up else dict(read(wanted.folder))
    print(f"{len(many)} series, {sum(len(values) for values, _ in many.values()):,} readings, "
          f"{sum(len(windows) for _, windows in many.values())} windows")  # fmt: skip
    found = {}
    for name, detector in DETECTORS.items():
        started = time.process_time()
        scored = {key: Scored(detector(values), windows) for key, (values, windows) in many.items()}
        found[name] = {profile.name: best(list(scored.values()), profile) for profile in PROFILES}
        shown = "  ".join(f"{profile} {score:6.2f}" for profile, (_, score) in found[name].items())
        print(f"{name:18} {shown}  {time.process_time() - started:6.1f} s", flush=True)
        if name in ("novelty", "windowed Gaussian"):
            _by_category(scored, {profile: at for profile, (at, _) in found[name].items()}, detail=wanted.detail)
    if wanted.save:
        wanted.save.write_text(json.dumps(found, indent=1))


def read(folder: Path) -> Iterator[tuple[str, Series]]:
    """The labelled series of a folder, with their windows as rows."""
    labels = json.loads((folder / "labels" / "combined_windows.json").read_text())
    for key, spans in sorted(labels.items()):
        path = folder / "data" / key
        if path.exists():
            with path.open(newline="") as file:
                rows = list(csv.reader(file))[1:]
            at = np.array([_instant(row[0]) for row in rows])
            windows = [
                (int(np.searchsorted(at, _instant(first))), int(np.searchsorted(at, _instant(last), side="right")) - 1)
                for first, last in spans
            ]
            yield key, (np.array([float(row[1]) for row in rows]), windows)


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def novelty(values: np.ndarray) -> np.ndarray:
    """What this project scores."""
    one = Novelty(probation(len(values)))
    return np.array([one.score(value) for value in values.tolist()])


def windowed_gaussian(values: np.ndarray) -> np.ndarray:
    """NAB's simple detector: the tail of a normal distribution over the last 6,400 readings, renewed by the hundred."""
    found, window, waiting = np.zeros(len(values)), [], []
    mean, sigma = 0.0, 1.0
    for row, value in enumerate(values.tolist()):
        if window:
            found[row] = 1 - 0.5 * math.erfc(abs(value - mean) / sigma / 1.4142)
        (window if len(window) < 6_400 else waiting).append(value)
        if len(waiting) == 100:
            window, waiting = window[100:] + waiting, []
        if not waiting:
            mean, sigma = float(np.mean(window)), float(np.std(window)) or 1e-6
    return found


_CHANCE = np.random.default_rng(42)


def chance(values: np.ndarray) -> np.ndarray:
    """A random number for each reading."""
    return _CHANCE.random(len(values))


DETECTORS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "novelty": novelty, "windowed Gaussian": windowed_gaussian, "chance": chance,
    "nothing": lambda values: np.zeros(len(values)),
}  # fmt: skip


def _by_category(scored: dict[str, Scored], thresholds: dict[str, float], *, detail: bool) -> None:
    groups: dict[str, list[str]] = {}
    for key in scored:
        groups.setdefault(key.split("/")[0], []).append(key)
    if detail:
        groups |= {key: [key] for key in scored}
    for group, keys in groups.items():
        shown = "  ".join(f"{profile.name} {_of(scored, keys, thresholds, profile)}" for profile in PROFILES)
        print(f"    {group:48} {shown}")


def _of(scored: dict[str, Scored], keys: list[str], thresholds: dict[str, float], profile: object) -> str:
    """Normalised among series with windows; the raw sum, which is what false alarms cost, where there are none."""
    total = sum(raw(scored[key], thresholds[profile.name], profile) for key in keys)  # type: ignore[attr-defined]
    windows = sum(len(scored[key].windows) for key in keys)
    if not windows:
        return f"{total:6.2f} raw"
    return f"{normalised(total, -profile.miss * windows, profile.hit * windows):6.2f}"  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
