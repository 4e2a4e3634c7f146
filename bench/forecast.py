"""Measure forecasts of the tourism of Australia: 425 series, eight quarters ahead, beside public packages in one run.

Run: python -m bench.forecast [--origins N] [--peer PYTHON]
Data: `demand/tourism_tsibble.csv` in $CITYLOOM_DATA (304 quarterly series; with all sums by state, region and purpose
425). The last eight quarters are the test that the goal is about; earlier origins, a year apart, stand beside it, as a
way of forecasting can look good once by chance. `--peer` is a Python with statsforecast and hierarchicalforecast (both
Apache-2.0), which are not among what `make bench` installs; without it the peer is this interpreter, if it has them, or
else a plain loop: simple smoothing with drift by scipy, series by series. Times are of the processor, one thread.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

DATA = Path(os.environ.get("CITYLOOM_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
SEASON, HORIZON = 4, 8
GOAL_MASE, GOAL_S = 0.95, 5.0


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--origins", type=int, default=11)
    arguments.add_argument("--peer", default=sys.executable)
    arguments.add_argument("--child", choices=["ours", "peer"])
    chosen = arguments.parse_args()
    source = DATA / "demand" / "tourism_tsibble.csv"
    if not source.is_file():
        print(f"{source} is not there; nothing was measured.")
        return 0
    if chosen.child == "peer":
        print(json.dumps(_peer(source)))
        return 0
    made, values = tourism(source)
    print(f"{len(values)} series, {values.shape[1]} quarters; test: the last {HORIZON}")
    best = _ours(made, values)
    for row in _run_peer(chosen.peer):
        print(f"  {row['name']:40} MASE {row['mase']:.3f}  {row['cpu_s']:6.2f} s of the processor")
    _origins(made, values, chosen.origins)
    print(f"memory at the most: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")
    met = best["mase"] <= GOAL_MASE and best["cpu_s"] <= GOAL_S
    print(f"goal: MASE {best['mase']:.3f} (at most {GOAL_MASE}) in {best['cpu_s']:.2f} s (at most {GOAL_S:.0f}): "
          f"{'met' if met else 'missed'}")  # fmt: skip
    return 0 if met else 1


def tourism(source: Path) -> tuple[Any, Any]:
    """The hierarchy, and the values of all its nodes (nodes, quarters)."""
    from cityloom.insight.domain.series.hierarchy import hierarchy

    with source.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = ("State", "Region", "Purpose")
    quarters = {one: place for place, one in enumerate(sorted({float(row["Quarter"]) for row in rows}))}
    keys = {one: place for place, one in enumerate(sorted({tuple(row[name] for name in columns) for row in rows}))}
    values = np.full((len(keys), len(quarters)), np.nan)
    for row in rows:
        values[keys[tuple(row[name] for name in columns)], quarters[float(row["Quarter"])]] = float(row["Trips"])
    levels = (("State",), ("State", "Region"), ("Purpose",), ("State", "Purpose"))
    made = hierarchy({name: [key[at] for key in keys] for at, name in enumerate(columns)}, levels, once=False)
    return made, made.aggregated(values)


def _ours(made: Any, values: Any) -> dict[str, float]:
    from cityloom.insight.domain.series import measures
    from cityloom.insight.domain.series.forecasting import forecast
    from cityloom.insight.domain.series.reconcile import WAYS, reconciling

    past, later = values[:, :-HORIZON], values[:, -HORIZON:]
    for methods in (["snaive"], ["theta"], ["otm"], ["ets"]):
        began = time.process_time()
        told = forecast(past, SEASON, HORIZON, methods=methods, draws=0)
        _say(f"ours: {methods[0]}", measures.mase(later, told.mean, past, SEASON).mean(), time.process_time() - began)
    began = time.process_time()
    told = forecast(past, SEASON, HORIZON, 0.8, 1)
    spent = time.process_time() - began
    inside = measures.coverage(later, told.low, told.high)
    _say("ours: ets + theta, 500 joint paths", measures.mase(later, told.mean, past, SEASON).mean(), spent, inside)
    best = {}
    for way in WAYS:
        began = time.process_time()
        how = reconciling(made.sums, way, past - told.fitted)
        mean = how.of(told.mean, negative=False)
        low, high = np.quantile(how.of_paths(told.paths, negative=False), (0.1, 0.9), axis=0)
        best = {"mase": float(measures.mase(later, mean, past, SEASON).mean()),
                "cpu_s": spent + time.process_time() - began}  # fmt: skip
        _say(f"ours: the same, {way}", best["mase"], best["cpu_s"], measures.coverage(later, low, high))
    return best


def _say(name: str, mase: float, cpu_s: float, inside: float | None = None) -> None:
    covered = "" if inside is None else f"  80 % intervals hold {inside:.1%}"
    print(f"  {name:40} MASE {mase:.3f}  {cpu_s:6.2f} s of the processor{covered}", flush=True)


def _origins(made: Any, values: Any, count: int) -> None:
    from cityloom.insight.domain.series import measures
    from cityloom.insight.domain.series.backtest import origins_of
    from cityloom.insight.domain.series.forecasting import forecast
    from cityloom.insight.domain.series.reconcile import reconciling

    names = ("snaive", "theta", "ets", "ets + theta", "mint_shrink", "mint_factor", "covered by 80 %")
    print("  all origins (quarters known):", ", ".join(names))
    rows = []
    for origin in origins_of(values.shape[1], HORIZON, count, 4, least=28):
        past, later = values[:, :origin], values[:, origin : origin + HORIZON]
        each = [forecast(past, SEASON, HORIZON, methods=[name], draws=0).mean for name in names[:3]]
        told = forecast(past, SEASON, HORIZON, 0.8, 1)
        each.append(told.mean)
        for way in names[4:6]:
            how = reconciling(made.sums, way, past - told.fitted)
            each.append(how.of(told.mean, negative=False))
        paths = how.of_paths(told.paths, negative=False)
        rows.append([*(measures.mase(later, one, past, SEASON).mean() for one in each),
                     measures.coverage(later, *np.quantile(paths, (0.1, 0.9), axis=0))])  # fmt: skip
        print(f"    {origin}: " + "  ".join(f"{one:.3f}" for one in rows[-1]), flush=True)
    print("    mean: " + "  ".join(f"{one:.3f}" for one in np.mean(rows, axis=0)))


def _run_peer(python: str) -> list[dict[str, Any]]:
    command = [python, "-m", "bench.forecast", "--child", "peer"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    if done.returncode:
        print(f"  no peer: {done.stderr.strip().splitlines()[-1]}")
        return []
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def _peer(source: Path) -> list[dict[str, Any]]:
    _, values = tourism(source)
    past, later = values[:, :-HORIZON], values[:, -HORIZON:]
    scale = np.abs(past[:, SEASON:] - past[:, :-SEASON]).mean(1)
    try:
        ways = _statsforecast(past)
    except ImportError:
        ways = {"plain loop: smoothing with drift": lambda: _loop(past)}
    found = []
    for name, told in ways.items():
        began = time.process_time()
        mean = told()
        found.append({"name": name, "cpu_s": time.process_time() - began,
                      "mase": float((np.abs(mean - later).mean(1) / scale).mean())})  # fmt: skip
    return found


def _statsforecast(past: Any) -> dict[str, Any]:
    import pandas as pd
    from statsforecast import StatsForecast
    from statsforecast.models import AutoETS, SeasonalNaive, Theta

    periods = past.shape[1]
    frame = pd.DataFrame({"unique_id": np.repeat(np.arange(len(past)), periods),
                          "ds": np.tile(np.arange(periods), len(past)), "y": past.reshape(-1)})  # fmt: skip

    def told(model: Any) -> Any:
        found = StatsForecast(models=[model], freq=1, n_jobs=1).forecast(df=frame, h=HORIZON)
        return found.sort_values(["unique_id", "ds"]).iloc[:, -1].to_numpy().reshape(-1, HORIZON)

    models = (SeasonalNaive(SEASON), Theta(SEASON), AutoETS(SEASON))
    return {f"statsforecast: {type(one).__name__}": lambda one=one: told(one) for one in models}


def _loop(past: Any) -> Any:
    from scipy import optimize

    def squares(x: Any, values: Any) -> float:
        level, whole = values[0], 0.0
        for one in values[1:]:
            whole += (one - level - x[1]) ** 2
            level += x[1] + x[0] * (one - level - x[1])
        return float(whole)

    told = np.empty((len(past), HORIZON))
    for row, values in enumerate(past):
        means = np.array([values[at::SEASON].mean() for at in range(SEASON)])
        places = np.arange(len(values) + HORIZON) % SEASON
        flat = values - (means - means.mean())[places[: len(values)]]
        alpha, drift = optimize.minimize(squares, (0.3, 0.0), (flat,), method="Nelder-Mead").x
        level = flat[0]
        for one in flat[1:]:
            level += drift + alpha * (one - level - drift)
        told[row] = level + drift * np.arange(1, HORIZON + 1) + (means - means.mean())[places[len(values) :]]
    return told


if __name__ == "__main__":
    sys.exit(main())
