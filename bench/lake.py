"""Measure the lake: facts written, grouped by one key, one thing's history; with plain Parquet beside it.

Run: python -m bench.lake [--facts N] [--days N] [--folder FOLDER] [--save]
The goal is for a billion: `--facts 1000000000 --save`, which takes 8 GB of disk and some minutes. Facts of 50,000
meters in four places over 30 days, with values of two decimals: what comes from meters that report every few minutes.
Every batch of a few has the same noise at other times; each file is packed by itself, so that its size is not changed
by it. Each figure is printed as soon as it is known. The peer is pyarrow with its defaults, which writes the same
batches (at most 200 million facts) into one folder without days, order, commits or syncing, and DuckDB on that folder.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cityloom.kernel import clock

SAVED = Path(__file__).parent / "measured" / "lake.json"
BATCH = 10_000_000
THINGS = 50_000
DAY_US = 86_400_000_000
START_US = 1_780_272_000_000_000
_DIFFERENT = 3
_FACTS = 5_000_000
_MANY = 20_000
_MOST_OF_PEER = 200_000_000


def batches(facts: int, days: int) -> Iterator[dict[str, Any]]:
    """The facts of each day in turn, in batches."""
    per_day = facts // days
    made = [_made(min(BATCH, per_day), seed) for seed in range(_DIFFERENT)]
    nth = 0
    for day in range(days):
        for start in range(0, per_day, BATCH):
            batch = made[nth % _DIFFERENT]
            count, nth = min(BATCH, per_day - start), nth + 1
            yield {name: values[:count] for name, values in batch.items()} | {
                "at": batch["at"][:count] + (START_US + day * DAY_US + start // BATCH)
            }


def _made(count: int, seed: int) -> dict[str, Any]:
    """Facts of one day, in the order of their things; `at` counts from its beginning."""
    from cityloom.kernel.cells import cell_of

    chance = np.random.default_rng(seed)
    places = np.array([cell_of(113.9 + 0.2 * k, 22.5 + 0.1 * (k % 2)) for k in range(4)], np.int64)
    thing = np.sort(chance.integers(1, THINGS + 1, count))
    nth = np.arange(count) - np.searchsorted(thing, thing)
    litres = np.round(100 + 20 * np.sin(nth / 12) + chance.normal(0, 3, count), 2)
    return {"thing": thing, "at": nth * 300_000_000 % DAY_US, "cell": places[thing % 4], "litres": litres}


def timed(ask: Callable[[], object], turns: int) -> dict[str, float]:
    """Seconds: the first time, and the median and the greatest after that."""
    taken = []
    for _ in range(turns):
        started = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - started)
    rest = taken[1:] or taken
    return {"first_s": round(taken[0], 3), "median_s": round(float(np.median(rest)), 3), "most_s": round(max(rest), 3)}


class Told:
    """Figures, each printed as soon as it is known."""

    def __init__(self, title: str) -> None:
        self.figures: dict[str, Any] = {}
        print(f"-- {title}", flush=True)

    def __setitem__(self, name: str, value: Any) -> None:
        self.figures[name] = value
        print(f"{name}: {json.dumps(value)}", flush=True)


def ours(root: Path, facts: int, days: int) -> dict[str, Any]:
    """The lake."""
    from cityloom.lake import engines, questions
    from cityloom.lake.appender import Appender
    from cityloom.lake.domain.dataset import Column, Dataset, Span
    from cityloom.lake.table import Table

    told = Told("ours")
    table = Table(root, Dataset("meters", "Readings of meters (synthetic)", (Column("litres", "number", unit="l"),)))
    spent, made, rows = 0.0, time.perf_counter(), 0
    for batch in batches(facts, days):
        started = time.perf_counter()
        rows += table.append(batch)
        spent += time.perf_counter() - started
        _tell(rows, facts, time.perf_counter() - made)
    files = table.files()
    told["rows"], told["rows_per_s"] = rows, round(rows / spent)
    told["files"] = len(files)
    told["bytes_a_row"] = round(sum(one.size for one in files) / sum(one.rows for one in files), 3)
    engine = engines.OnDuckDB(memory_limit="4GB")
    cell, thing = int(batch["cell"][0]), int(batch["thing"][0])
    one, day = Span(thing=thing, cell=cell), Span("2026-06-03", "2026-06-04")
    told["group_by_thing"] = timed(
        lambda: questions.by(engine.table(table), "thing", number="litres").to_pyarrow(), 3
    )
    told["history_of_one"] = timed(lambda: questions.history(engine.table(table, one), thing).to_pyarrow(), 6)
    told["latest_of_one"] = timed(lambda: engines.latest_of(table, thing, ["at", "litres"], 20), 6)
    told["one_day_by_place"] = timed(lambda: questions.by(engine.table(table, day), "place").to_pyarrow(), 3)
    small = {name: values[:5000] for name, values in batch.items()}
    told["commit_of_5000"] = timed(lambda: table.append(small), 21)
    appender = Appender(table)
    told["journal_of_5000"] = timed(lambda: appender.add(small), 9)
    appender.close()
    told["open"] = timed(lambda: len(table.files()), 5)
    told["open_of_many"] = {"files": _MANY, **_opened_of_many(root, files[0])}
    told["joined"] = timed(table.compact, 1)["first_s"]
    told["nothing_to_join"] = timed(table.compact, 1)["first_s"]
    return told.figures


def _opened_of_many(root: Path, like: Any) -> dict[str, float]:
    """How long it takes to see what a table of many files has; only its log is written."""
    from cityloom.lake.domain.dataset import Dataset
    from cityloom.lake.table import Table

    table = Table(root, Dataset("many", "Many files", ()))
    table.append({"thing": [1], "at": [START_US]})
    table.commit([replace(like, path=f"day={like.day}/place=0/part-{number}.parquet") for number in range(_MANY)])
    table.vacuum()
    return timed(lambda: len(table.files()), 4)


def peer(root: Path, facts: int, days: int) -> dict[str, Any]:
    """Plain Parquet files, and DuckDB on them."""
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

    told = Told("peer")
    folder = root / "plain"
    folder.mkdir()
    spent, rows = 0.0, 0
    for number, batch in enumerate(batches(facts, days)):
        started = time.perf_counter()
        pq.write_table(pa.table(batch), folder / f"{number:05}.parquet")
        spent += time.perf_counter() - started
        rows += len(batch["thing"])
    line = duckdb.connect(config={"threads": 2, "memory_limit": "4GB"})
    everything = f"read_parquet('{folder}/*.parquet')"
    figures = "count(*), avg(litres), min(litres), max(litres)"
    grouped = f"SELECT thing, {figures} FROM {everything} GROUP BY thing ORDER BY thing"
    one = f"SELECT * FROM {everything} WHERE thing = 7 ORDER BY \"at\""
    told["rows"], told["rows_per_s"] = rows, round(rows / spent)
    told["bytes_a_row"] = round(sum(path.stat().st_size for path in folder.iterdir()) / rows, 3)
    told["group_by_thing"] = timed(lambda: line.sql(grouped).to_arrow_table(), 3)
    told["history_of_one"] = timed(lambda: line.sql(one).to_arrow_table(), 4)
    return told.figures


def machine() -> dict[str, Any]:
    """What it was measured on, when, and how busy that was."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(), "memory_gb": round(memory / 1e9), "system": platform.platform(terse=True),
        "python": platform.python_version(), "load": round(os.getloadavg()[1], 1), "on": f"{clock.now():%Y-%m-%d}",
    }  # fmt: skip


def _tell(rows: int, facts: int, seconds: float) -> None:
    print(f"\r{rows:,} of {facts:,} facts, {seconds:.0f} s", end="", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=int, default=_FACTS)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--folder", type=Path, help="where to write; without it a temporary folder")
    parser.add_argument("--save", action="store_true", help="keep the figures that docs/scale.md is computed from")
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="cityloom-lake-", dir=options.folder))
    try:
        found: dict[str, Any] = {"command": f"python -m bench.lake --facts {options.facts} --days {options.days}"}
        found["machine"] = machine()
        found["ours"] = ours(root, options.facts, options.days)
        found["ours"]["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        shutil.rmtree(root / "meters")
        found["peer"] = peer(root, min(options.facts, _MOST_OF_PEER), options.days)
        if options.save:
            SAVED.parent.mkdir(exist_ok=True)
            SAVED.write_text(json.dumps(found, indent=1) + "\n")
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
