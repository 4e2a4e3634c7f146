"""Measure the lake: facts written, grouped by one key, one thing's history; with plain Parquet beside it.

Run: python -m bench.lake [--facts N] [--days N] [--folder FOLDER]
A billion facts by default, of 50,000 meters in four places over 30 days, with values of two decimals: what comes from
meters that report every few minutes. The peer is pyarrow with its defaults, which writes the same batches into one
folder without days, order or commits, and DuckDB on that folder.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

BATCH = 10_000_000
THINGS = 50_000
DAY_US = 86_400_000_000
START_US = 1_780_272_000_000_000


def batches(facts: int, days: int) -> Iterator[dict[str, Any]]:
    """The facts of each day in turn, in batches."""
    from cityloom.kernel.cells import cell_of

    chance = np.random.default_rng(1)
    places = np.array([cell_of(113.9 + 0.2 * k, 22.5 + 0.1 * (k % 2)) for k in range(4)], np.int64)
    per_day = facts // days
    for day in range(days):
        for start in range(0, per_day, BATCH):
            count = min(BATCH, per_day - start)
            thing = np.sort(chance.integers(1, THINGS + 1, count))
            nth = np.arange(count) - np.searchsorted(thing, thing)
            at = START_US + day * DAY_US + (start // BATCH) + nth * 300_000_000 % DAY_US
            litres = np.round(100 + 20 * np.sin(nth / 12) + chance.normal(0, 3, count), 2)
            yield {"thing": thing, "at": at, "cell": places[thing % 4], "litres": litres}


def timed(ask: Callable[[], object], turns: int) -> dict[str, float]:
    """Seconds, the first time and after that."""
    taken = []
    for _ in range(turns):
        started = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - started)
    return {"first_s": round(taken[0], 3), "median_s": round(float(np.median(taken[1:] or taken)), 3)}


def ours(root: Path, facts: int, days: int) -> dict[str, Any]:
    """The lake."""
    from cityloom.lake import questions
    from cityloom.lake.domain.dataset import Column, Dataset, Span
    from cityloom.lake.engines import OnDuckDB
    from cityloom.lake.table import Table

    table = Table(root, Dataset("meters", "Readings of meters (synthetic)", (Column("litres", "number", unit="l"),)))
    spent, made, rows = 0.0, time.perf_counter(), 0
    for batch in batches(facts, days):
        started = time.perf_counter()
        rows += table.append(batch)
        spent += time.perf_counter() - started
        _tell(rows, facts, time.perf_counter() - made)
    small = timed(lambda: table.append({name: values[:5000] for name, values in batch.items()}), 20)
    engine = OnDuckDB(memory_limit="8GB")
    cell = int(batch["cell"][0])
    thing = int(batch["thing"][0])
    files = table.files()
    one = Span(thing=thing, cell=cell)
    return {
        "rows": rows, "rows_per_s": round(rows / spent), "small_batch_of_5000": small,
        "files": len(files), "bytes_a_row": round(sum(one.size for one in files) / sum(one.rows for one in files), 2),
        "group_by_thing": timed(lambda: questions.by(engine.table(table), "thing", number="litres").execute(), 4),
        "history_of_one": timed(lambda: questions.history(engine.table(table, one), thing).execute(), 8),
        "one_day_by_kind": timed(
            lambda: questions.by(engine.table(table, Span("2026-06-03", "2026-06-04")), "place").execute(), 4
        ),
        "compacted_s": timed(table.compact, 1)["first_s"],
    }  # fmt: skip


def peer(root: Path, facts: int, days: int) -> dict[str, Any]:
    """Plain Parquet files, and DuckDB on them."""
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = root / "plain"
    folder.mkdir()
    spent, rows = 0.0, 0
    for number, batch in enumerate(batches(facts, days)):
        started = time.perf_counter()
        pq.write_table(pa.table(batch), folder / f"{number:05}.parquet")
        spent += time.perf_counter() - started
        rows += len(batch["thing"])
    line = duckdb.connect(config={"threads": 2, "memory_limit": "8GB"})
    everything = f"read_parquet('{folder}/*.parquet')"
    figures = "count(*), avg(litres), min(litres), max(litres)"
    grouped = f"SELECT thing, {figures} FROM {everything} GROUP BY thing ORDER BY thing"
    one = f"SELECT * FROM {everything} WHERE thing = 7 ORDER BY \"at\""
    return {
        "rows_per_s": round(rows / spent),
        "bytes_a_row": round(sum(path.stat().st_size for path in folder.iterdir()) / rows, 2),
        "group_by_thing": timed(lambda: line.execute(grouped).fetchall(), 3),
        "history_of_one": timed(lambda: line.execute(one).fetchall(), 4),
    }


def _tell(rows: int, facts: int, seconds: float) -> None:
    print(f"\r{rows:,} of {facts:,} facts, {seconds:.0f} s", end="", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=int, default=1_000_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--folder", type=Path, help="where to write; without it a temporary folder")
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="cityloom-lake-", dir=options.folder))
    try:
        found = {"ours": ours(root, options.facts, options.days)}
        print(json.dumps(found, indent=1), flush=True)
        shutil.rmtree(root / "meters")
        found["peer"] = peer(root, min(options.facts, 200_000_000), options.days)
        found["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024  # type: ignore[assignment]
        print(json.dumps(found["peer"] | {"memory_mb": found["memory_mb"]}, indent=1))
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
