"""Measure the whole recipe of the ASEM index, beside the same recipe written plainly with pandas and scipy.

Run: python -m bench.indicators [--times N] [--units N --indicators N]
The index is the ASEM index (51 countries x 49 indicators; `indicators/ASEM_*.csv` in $CITYLOOM_DATA): denominate,
group mean, screen, winsorise or logarithm, min-max, three levels of means, ranks. The peer works column by column, as
one would by hand; its scores are compared with ours. Then an index of many units and indicators, made up, without a
peer. Times are of the processor.
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

from cityloom.insight.domain.indicators import reading
from cityloom.insight.domain.indicators.collecting import Data
from cityloom.insight.domain.indicators.framework import Framework
from cityloom.insight.domain.indicators.working import worked

DATA = Path(os.environ.get("CITYLOOM_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")) / "indicators"
GOAL_MS = 10.0


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--times", type=int, default=100)
    arguments.add_argument("--units", type=int, default=5_000)
    arguments.add_argument("--indicators", type=int, default=500)
    chosen = arguments.parse_args()
    _large(chosen.units, chosen.indicators)
    if not (DATA / "ASEM_iData.csv").is_file():
        print(f"{DATA} is not there; the ASEM index was not measured.")
        return 0
    framework = reading.framework_of(reading.shipped_document("asem-connectivity"))
    with (DATA / "ASEM_iData.csv").open() as file:
        rows = list(csv.DictReader(file))
    data = _data(rows)
    index = worked(framework, data)
    ours = _timed(lambda: worked(framework, data), chosen.times)
    peer_of = _peer(framework, rows)
    apart = float(np.abs(index.index - peer_of()).max())
    peer = _timed(peer_of, max(chosen.times // 10, 1))
    print(f"ASEM, 51 x 49: ours {ours:.2f} ms, pandas and scipy {peer:.1f} ms, ratio {peer / ours:.1f}; the largest "
          f"difference of scores is {apart:.1e}")  # fmt: skip
    return 0 if ours <= GOAL_MS and apart < 1e-9 else 1


def _timed(work: Any, times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times * 1_000


def _data(rows: list[dict[str, str]]) -> Data:
    words = ("uName", "uCode", "GDP_group", "GDPpc_group", "Pop_group", "EurAsia_group")
    columns = {name: np.array([float(row[name]) if row[name] else np.nan for row in rows]) for name in rows[0]
               if name not in words}  # fmt: skip
    return Data([row["uCode"] for row in rows], columns, None,
                {"EurAsia_group": [row["EurAsia_group"] for row in rows]})  # fmt: skip


def _peer(framework: Framework, rows: list[dict[str, str]]) -> Any:
    import pandas as pd
    from scipy import stats

    table = pd.DataFrame(rows).set_index("uCode")
    names = [item.code for item in framework.indicators]
    for name in [*names, "Area", "Energy", "GDP", "Population"]:
        table[name] = pd.to_numeric(table[name])
    below: dict[str, list[str]] = {}
    for item in framework.items:
        below.setdefault(item.parent, []).append(item.code)

    def fails(column: Any) -> bool:
        skew, heavy = stats.skew(column, bias=False), stats.kurtosis(column, bias=False)
        return bool(abs(skew) >= 2 and heavy >= 3.5)

    def treated(column: Any) -> Any:
        given, points = column.copy(), set()
        while fails(column) and len(points) < 5:
            high = stats.skew(column, bias=False) >= 0
            end = column == (column.max() if high else column.min())
            column = column.mask(end, column[~end].max() if high else column[~end].min())
            points |= set(column.index[end])
        if not fails(column):
            return column
        return np.log(given - given.min() + 0.01 * (given.max() - given.min()))

    def score(code: str, values: dict[str, Any]) -> Any:
        if code in values:
            return values[code]
        return sum(score(one, values) for one in below[code]) / len(below[code])

    def work() -> Any:
        values = {}
        for item in framework.indicators:
            column = table[item.code] / table[item.denominator] if item.denominator else table[item.code]
            column = column.fillna(column.groupby(table["EurAsia_group"]).transform("mean"))
            column = item.direction * treated(column)
            values[item.code] = (column - column.min()) / (column.max() - column.min()) * 100
        return score("Index", values).to_numpy()

    return work


def _large(units: int, indicators: int) -> None:
    """An index of many units: two levels, unknown values, heavy tails."""
    rng = np.random.default_rng(3)
    items: list[dict[str, Any]] = [{"code": "index", "title": {"en": "Index"}}]
    items += [{"code": f"p{one}", "title": {"en": "Part"}, "parent": "index"} for one in range(20)]
    items += [{"code": f"i{one}", "title": {"en": "Indicator"}, "parent": f"p{one % 20}"} for one in range(indicators)]
    steps = {"impute": {"method": "median"}, "treat": {"method": "winsorise", "then": "log-ct", "most": 20}}
    framework = reading.framework_of({"cityloom": 1, "framework": "large", "title": {"en": "Large"}, "unit": "place",
                                      "items": items, "steps": steps})  # fmt: skip
    values = rng.lognormal(0, rng.uniform(0.1, 1.5, indicators), (units, indicators))
    values[rng.random(values.shape) < 0.02] = np.nan
    data = Data([f"place {one}" for one in range(units)], {f"i{one}": values[:, one] for one in range(indicators)})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000
    took = _timed(lambda: worked(framework, data), 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000
    print(f"{units:,} x {indicators}: {took:,.0f} ms, {peak - before:.0f} MB more at the most")


if __name__ == "__main__":
    sys.exit(main())
