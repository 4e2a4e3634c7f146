"""Measure 10,000 Monte Carlo runs and Sobol indices of the ASEM index, beside a plain numpy loop over the same runs.

Run: python -m bench.index_runs [--runs N] [--base N]
The index is the ASEM index of sustainable connectivity (51 countries x 49 indicators; `indicators/ASEM_*.csv` in
$CITYLOOM_DATA; a made-up one of its size where that is absent). Varied: imputation (group mean, group median), outlier
treatment (winsorised, none), normalisation (min-max, z-score, rank), the mean of each of three levels (arithmetic,
geometric), all weights by +- 25 %, one indicator left out or none. The peer normalises and aggregates each run on its
own, group by group, from the imputed and treated values; it does the Monte Carlo runs only, no Sobol indices. Both draw
the same choices and their ranks are compared. Times are of the processor.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from cityloom.insight.domain.robustness import choices, ranking, runs, sobol
from cityloom.insight.domain.robustness.aggregating import nominal
from cityloom.insight.domain.robustness.tree import Tree, tree_of

DATA = Path(os.environ.get("CITYLOOM_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")) / "indicators"
GOAL_S = 5.0
IMPUTE, TREAT, NORMALISE = ("mean", "median"), ("winsorise", "none"), ("min-max", "z-score", "rank")
MEANS = ("arithmetic", "geometric")
LEVELS = (1, 2, 3)


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--runs", type=int, default=10_000)
    arguments.add_argument("--base", type=int, default=1_024)
    chosen = arguments.parse_args()
    values, tree = _asem() if (DATA / "ASEM_iMeta.csv").is_file() else _made_up()
    print(f"{values.shape[0]} units x {values.shape[1]} indicators, {np.isnan(values).sum()} values not known")
    uncertain = choices.Uncertain(
        ("arithmetic",) * len(tree.children), {level + 1: MEANS for level in LEVELS},
        {"impute": IMPUTE, "treat": TREAT, "normalise": NORMALISE},
        [choices.Weights(level, 0.25) for level in LEVELS], True)  # fmt: skip
    began, wall = time.process_time(), time.perf_counter()
    prepared = _prepared(values)
    variants = np.stack([_normalised(one, how) for one in prepared for how in NORMALISE])
    first = ranking.ranks_of(nominal(variants[0], tree, uncertain.ways)[None, :, -1])[0]
    found = runs.robust(variants, tree, uncertain, first, runs=chosen.runs, base=chosen.base, seed=7)
    ours, clock = time.process_time() - began, time.perf_counter() - wall
    asked = chosen.base * (len(found.choices) + 2)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000
    print(f"ours: {chosen.runs:,} runs, and {asked:,} more for the Sobol indices of {len(found.choices)} choices with "
          f"bootstrap limits: {ours:.2f} s of the processor, {clock:.2f} s by the clock, {peak:.0f} MB")  # fmt: skip
    began = time.process_time()
    lots = np.random.default_rng(np.random.SeedSequence(7).spawn(3)[0])
    points = sobol.sample(chosen.runs, sum(one.columns for one in found.choices), lots, "random")
    peer = _peer(prepared, tree, choices.drawn(points, uncertain, tree))
    theirs = time.process_time() - began
    same = float((peer == found.ranks).mean())
    print(f"plain numpy loop, {chosen.runs:,} runs without indices: {theirs:.2f} s of the processor; "
          f"{same:.4%} of its ranks are ours")  # fmt: skip
    print(f"ratio, ours with the indices to the loop without them: {ours / theirs:.3f}")
    for name, one, all_ in zip(found.choices, found.sensitivity.first[:, -1], found.sensitivity.total[:, -1],
                               strict=True):  # fmt: skip
        print(f"  {name.name}: first {one:.3f}, total {all_:.3f} of the mean shift of ranks")
    return 0 if ours <= GOAL_S and same == 1.0 else 1


def _prepared(values: Any) -> list[Any]:
    """Imputed and treated values, in the order of the options."""
    from cityloom.insight.domain.indicators import imputing, treating

    found = []
    for how in IMPUTE:
        filled = imputing.by_group(values, None, how)
        drawn_in = np.column_stack([treating.winsorised(column)[0] for column in filled.T])
        found += [drawn_in, filled]
    return found


def _normalised(values: Any, how: str) -> Any:
    if how == "min-max":
        return 1 + 99 * (values - values.min(0)) / (values.max(0) - values.min(0))
    if how == "z-score":
        return 100 + 10 * (values - values.mean(0)) / values.std(0, ddof=1)
    return 1.0 + (values[None] < values[:, None]).sum(1)


def _peer(prepared: list[Any], tree: Tree, what: choices.Drawn) -> Any:
    """One run after another, as it is written by hand."""
    ranks = np.empty((len(what.variant), len(prepared[0])), int)
    for run, variant in enumerate(what.variant.tolist()):
        before, how = divmod(variant, len(NORMALISE))
        items = np.empty((len(prepared[0]), tree.items))
        items[:, : tree.indicators] = _normalised(prepared[before], NORMALISE[how])
        for place in range(tree.indicators, tree.items):
            members = np.flatnonzero(tree.parent == place)
            share = what.weights[run, members] / what.weights[run, members].sum()
            if MEANS[what.methods[int(tree.level[place])][run]] == "geometric":
                items[:, place] = np.exp((np.log(items[:, members]) * share).sum(1))
            else:
                items[:, place] = (items[:, members] * share).sum(1)
        ranks[run] = 1 + (items[:, -1][None] > items[:, -1][:, None]).sum(1)
    return ranks


def _asem() -> tuple[Any, Tree]:
    with (DATA / "ASEM_iMeta.csv").open() as file:
        meta = list(csv.DictReader(file))
    with (DATA / "ASEM_iData.csv").open() as file:
        data = list(csv.DictReader(file))
    indicators = [one for one in meta if one["Type"] == "Indicator"]
    pillars = [one for one in meta if one["Level"] == "2.0"]
    above = [one["iCode"] for one in meta if one["Level"] == "3.0"]

    def column(name: str) -> Any:
        return np.array([float(row[name]) if row[name] not in {"", "NA"} else np.nan for row in data])

    values = np.column_stack([column(one["iCode"]) / (column(one["Denominator"]) if one["Denominator"] else 1)
                              * float(one["Direction"]) for one in indicators])  # fmt: skip
    names = [one["iCode"] for one in pillars]
    return values, tree_of([[names.index(one["Parent"]) for one in indicators],
                            [above.index(one["Parent"]) for one in pillars], [0] * len(above)])  # fmt: skip


def _made_up() -> tuple[Any, Tree]:
    lots = np.random.default_rng(1)
    return lots.lognormal(size=(51, 49)), tree_of([np.arange(49) * 8 // 49, [0, 0, 0, 0, 0, 1, 1, 1], [0, 0]])


if __name__ == "__main__":
    sys.exit(main())
