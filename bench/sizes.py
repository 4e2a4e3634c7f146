"""Measure what a person, a dwelling and a building take on the disk, in a synthetic city on SQLite.

Run: python -m bench.sizes [--people N] [--save]
Pages of each table with its indexes, as SQLite counts them, and the keeper's files, by the rows that there are. Small
cities pay for the keeper's files in whole steps, so that a person takes less in a large one.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.lake import machine

SAVED = Path(__file__).parent / "measured" / "sizes.json"
TABLES = {
    "people": ("gate_envelope", "registers_resident"), "dwellings": ("registers_dwelling",),
    "buildings": ("registers_building",),
}  # fmt: skip


def bytes_a_row(database: Path, keeper: Path) -> dict[str, float]:
    """Bytes of each kind of row, with the keeper's where it keeps something of it."""
    line = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    pages = dict(line.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").fetchall())
    owner = dict(line.execute("SELECT name, tbl_name FROM sqlite_master").fetchall())
    out = {}
    for kind, tables in TABLES.items():
        rows = line.execute(f"SELECT count(*) FROM {tables[0]}").fetchone()[0]
        taken = sum(size for name, size in pages.items() if owner.get(name) in tables)
        kept = sum(path.stat().st_size for path in keeper.iterdir()) if kind == "people" else 0
        out[kind] = round((taken + kept) / rows, 1)
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=60_000)
    parser.add_argument("--save", action="store_true", help="keep the figures that docs/scale.md is computed from")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "cityloom", "city", "build", "--people", str(options.people), "--seed", "7"]
        subprocess.run(command, env=os.environ | {"CITYLOOM_HOME": home}, check=True, capture_output=True)
        city = (Path(home) / "current").resolve()
        found = {"command": f"python -m bench.sizes --people {options.people}", "machine": machine(),
                 "bytes_a_row": bytes_a_row(city / "city.db", city / "keeper")}  # fmt: skip
    print(json.dumps(found, indent=1))
    if options.save:
        SAVED.parent.mkdir(exist_ok=True)
        SAVED.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
