"""Measure the review of a process of a million events, from the file to the document, beside pandas in the same run.

Run: python -m bench.review [--events N] [--form csv|xes] [--keep FOLDER]
The log is made of the receipt log of a Dutch municipality (CoSeLoG; `permits/receipt.csv` in $CITYLOOM_DATA): cases are
drawn from it again and again. Each side is a process of its own, so that memory is its own; the peer reads the same
file and works out ways, follows with times, repeats and hand-overs, as one would by hand. Times are of the processor.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

DATA = Path(os.environ.get("CITYLOOM_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
GOAL_S, GOAL_MB = 10.0, 1_500
_LATER = ("comparison", "trials")
_DATES = ("startdate", "enddate", "enddate_planned", "deadline")


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--events", type=int, default=1_000_000)
    arguments.add_argument("--form", choices=["csv", "xes"], default="csv")
    arguments.add_argument("--keep", type=Path)
    arguments.add_argument("--child", choices=["ours", "pandas"])
    arguments.add_argument("--file", type=Path)
    chosen = arguments.parse_args()
    if chosen.child:
        print(json.dumps({"ours": _ours, "pandas": _pandas}[chosen.child](chosen.file)))
        return 0
    source = DATA / "permits" / "receipt.csv"
    if not source.is_file():
        print(f"{source} is not there; nothing was measured.")
        return 0
    with tempfile.TemporaryDirectory(dir=chosen.keep) as folder:
        path = Path(folder) / f"log.{chosen.form}"
        csv = path if chosen.form == "csv" else Path(folder) / "peer.csv"
        events = _drawn(source, csv, path, chosen.events)
        print(f"{events:,} events, {path.stat().st_size / 1e6:.0f} MB of {chosen.form.upper()}")
        ours, peer = (_run(side, file) for side, file in (("ours", path), ("pandas", csv)))
    _tell("ours", ours)
    _tell("pandas, from CSV", peer)
    mined, peak = _without_trials(ours)
    print(f"ours without trying and comparing: {mined:.2f} s of the processor, {peak:.0f} MB at the most")
    print(f"ratio of processor time, that to pandas: {mined / peer['cpu_s']:.2f}")
    return 0 if mined <= GOAL_S and peak <= GOAL_MB else 1


def _without_trials(found: dict[str, Any]) -> tuple[float, float]:
    """Time and memory of what the peer does, too: reading and mining; the rest comes after it."""
    return sum(s for name, s in found["stages"].items() if name not in _LATER), found["peaks"]["proposals"]


def _drawn(source: Path, csv: Path, path: Path, events: int) -> int:
    """Draw cases of the log with replacement until there are so many events; write them as a table, and as XES."""
    import pandas as pd

    log = pd.read_csv(source, dtype=str, keep_default_na=False)
    rows = [np.asarray(one) for one in log.groupby("case:concept:name", sort=False).indices.values()]
    rng, picked, count = np.random.default_rng(7), [], 0
    while count < events:
        picked.append(rows[rng.integers(len(rows))])
        count += len(picked[-1])
    drawn = log.iloc[np.concatenate(picked)].reset_index(drop=True)
    numbers = np.repeat(np.arange(len(picked)), [len(one) for one in picked])
    drawn["case:concept:name"] = [f"case-{one}" for one in numbers]
    drawn.to_csv(csv, index=False)
    if path != csv:
        _write_xes(drawn, path)
    return count


def _write_xes(drawn: Any, path: Path) -> None:
    def said(key: str, value: str) -> str:
        kind = "date" if key in _DATES or key.startswith("time:") else "string"
        return f"<{kind} key={quoteattr(key)} value={quoteattr(value.replace(' ', 'T'))}/>" if value else ""

    own = [name for name in drawn.columns if not name.startswith("case:")]
    with path.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<log xmlns="http://www.xes-standard.org/">\n')
        before = ""
        for row in drawn.to_dict("records"):
            if row["case:concept:name"] != before:
                file.write("</trace>\n" if before else "")
                before = row["case:concept:name"]
                file.write("<trace>" + "".join(said(key[5:], row[key]) for key in row if key.startswith("case:")))
            file.write("<event>" + "".join(said(key, row[key]) for key in own) + "</event>\n")
        file.write("</trace>\n</log>\n")


def _run(side: str, path: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.review", "--child", side, "--file", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def _tell(side: str, found: dict[str, Any]) -> None:
    stages = ", ".join(f"{name} {seconds:.2f}" for name, seconds in found["stages"].items())
    print(f"{side}: {found['cpu_s']:.2f} s of the processor, {found['wall_s']:.2f} s by the clock, "
          f"{found['peak_mb']:.0f} MB at the most ({stages})")  # fmt: skip


class _Watch:
    """Processor time by stage."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self.peaks: dict[str, float] = {}
        self.began, self.wall, self.at = time.process_time(), time.perf_counter(), time.process_time()

    def __call__(self, name: str) -> None:
        now = time.process_time()
        self.stages[name] = now - self.at
        self.peaks[name] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000
        self.at = now

    def result(self, **more: Any) -> dict[str, Any]:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000
        return {"stages": self.stages, "peaks": self.peaks, "cpu_s": time.process_time() - self.began,
                "wall_s": time.perf_counter() - self.wall, "peak_mb": peak} | more  # fmt: skip


def _ours(path: Path) -> dict[str, Any]:
    watch = _Watch()
    from cityloom.insight.reviewing.making import Wanted, of_file

    watch("start")
    made = of_file(path, Wanted(), watch)
    return watch.result(cases=made.log.cases, variants=made.review["figures"]["variants"])


def _pandas(path: Path) -> dict[str, Any]:
    watch = _Watch()
    import pandas as pd

    watch("start")
    log = pd.read_csv(path)
    log["time:timestamp"] = pd.to_datetime(log["time:timestamp"], format="ISO8601", utc=True)
    log = log.sort_values(["case:concept:name", "time:timestamp"], kind="stable")
    watch("read")
    cases = log.groupby("case:concept:name", sort=False)
    steps: dict[str, Callable[[], Any]] = {
        "variants": lambda: cases["concept:name"].agg(tuple).value_counts(),
        "maps": lambda: _pandas_follows(log, cases),
        "rework": lambda: log[log.duplicated(["case:concept:name", "concept:name"])].groupby("concept:name").size(),
        "handovers": lambda: pd.crosstab(log["org:group"], cases["org:group"].shift(-1)),
    }
    found = {}
    for name, step in steps.items():
        found[name] = step()
        watch(name)
    return watch.result(cases=cases.ngroups, variants=len(found["variants"]))


def _pandas_follows(log: Any, cases: Any) -> Any:
    frame = log[["concept:name"]].assign(
        after=cases["concept:name"].shift(-1), time=cases["time:timestamp"].shift(-1) - log["time:timestamp"]
    )  # fmt: skip
    frame["time"] = frame["time"].dt.total_seconds()
    pairs = frame.dropna().groupby(["concept:name", "after"])["time"]
    return pairs.agg(["size", "median"]).assign(ninth=pairs.quantile(0.9))


if __name__ == "__main__":
    sys.exit(main())
