"""Fill a city's registers at the size of Shenzhen from Parquet: buildings, dwellings, companies, people.

Run: python -m bench.fill [--scale S] [--url postgresql://...] [--only buildings,dwellings] [--folder DIR] [--part ROWS]
     python -m bench.fill --only-files --scale S --folder DIR
A city of its own in a temporary home, with a keeper; made-up files with 1 bad row in 100 (`bench/_city_files.py`),
which are made once for a folder and a scale (DIR/fill-files-S, beforehand with --only-files). Each file is loaded as
`cityloom register load` does: mapping, checks, a verdict on the whole file, sealing, the quarantine, indexes. Then
people of whom something changed are loaded into all of them, and entries are looked up by key and as known before.
One line of JSON for each. Memory is what all processes of this run hold at once (PSS, each five seconds),
PostgreSQL's own beside it. The peer, in the same run: rows of the file of dwellings, as they are, into a bare table.
The whole size (--scale 1) needs 60 GB of disk in the folder of temporary files.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench import _city_files as files

_LOOKED_UP = 2_000
_CHANGED = 100_000
_TOLD_EVERY_S = 20
_FIRST, _LATER = "2026-11-01", "2026-11-02"


def main() -> int:
    """Fill, change, look up; print lines of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=0.005, help="1 is the size of Shenzhen")
    parser.add_argument("--url", default="", help="keep the records in PostgreSQL, in an empty database")
    parser.add_argument("--only", default=",".join(files.MAPPINGS), help="registers to fill, in this order")
    parser.add_argument("--folder", default="", help="where the temporary home is made")
    parser.add_argument("--only-files", action="store_true", help="make the files in the folder, and no more")
    parser.add_argument("--part", type=int, default=500_000, help="rows for the peer")
    wanted = parser.parse_args()
    if wanted.folder:
        Path(wanted.folder).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cityloom-fill-", dir=wanted.folder or None) as place:
        made = _made(Path(wanted.folder or place) / f"fill-files-{wanted.scale}", wanted.scale)
        return 0 if wanted.only_files else _in(Path(place), wanted, made)


def _made(folder: Path, scale: float) -> files.Made:
    """The files, which are made where they are not there as they would be made."""
    began = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    made = files.written(folder) or files.write(folder, scale, max(100, round(_CHANGED * min(1, scale * 10))))
    _say(made_s=round(time.perf_counter() - began, 1), folder=str(folder),
         files_mb=sum(path.stat().st_size for path, _rows in made.values()) >> 20, scale=scale)  # fmt: skip
    return made


def _in(place: Path, wanted: argparse.Namespace, made: files.Made) -> int:
    (place / "city").mkdir()
    os.environ |= {
        "CITYLOOM_HOME": str(place), "CITYLOOM_CITY_DIR": f"{place}/city", "CITYLOOM_DATABASE_URL": wanted.url,
        "DJANGO_SETTINGS_MODULE": "cityloom.project.settings",
    }  # fmt: skip
    import django
    from django.core.management import call_command

    django.setup()
    if wanted.url:
        from cityloom.project.console import _make_schema

        _make_schema()
    call_command("migrate", verbosity=0)
    from cityloom.gate import actions as gate

    keeper = gate.start_keeper()
    try:
        _measure(place, wanted, made)
    finally:
        keeper.stop()
    return 0


def _measure(place: Path, wanted: argparse.Namespace, made: files.Made) -> None:
    registers, rows, seconds, most = wanted.only.split(","), 0, 0.0, 0
    for register in registers:
        told = _loaded(place, register, made[register], _FIRST)
        rows, seconds, most = rows + told["rows"], seconds + told["s"], max(most, told["peak_mb"])
    _say(all_registers=registers, rows=rows, s=round(seconds, 1), rows_per_s=round(rows / seconds), peak_mb=most,
         database_mb=_database_mb(place, wanted.url))  # fmt: skip
    if "people" in registers:
        _loaded(place, "people", made["changed"], _LATER)
    _look_up(registers, made)
    if "dwellings" in registers:
        _peer(place, wanted, made["dwellings"][0])


def _loaded(place: Path, register: str, file: tuple[Path, int], as_of: str) -> dict[str, Any]:
    from cityloom.kernel import clock
    from cityloom.kernel.actor import SYSTEM
    from cityloom.registers import actions, queries

    path, rows = file
    text = place / f"{path.stem}.yaml"
    text.write_text(files.mapping(register, as_of), "utf-8")
    began, at, steps = time.perf_counter(), os.times(), _Steps()
    with _Memory() as memory:
        outcome = actions.load_file(actions.read_mapping(text), path, by=SYSTEM, at=clock.now(), tell=steps.tell)
    seconds = time.perf_counter() - began
    told = {"rows": rows, "s": round(seconds, 1), "peak_mb": memory.peak_mb}
    counts = {name: count for name, count in queries.load_facts(outcome.load).counts.items() if count}
    _say(file=path.name, **told, rows_per_s=round(rows / seconds), cpu_s=round(sum(os.times()[:2]) - sum(at[:2]), 1),
         steps=steps.seconds(seconds, began), postgresql_mb=memory.server_mb, counts=counts,
         load=os.getloadavg()[0])  # fmt: skip
    return told


class _Steps:
    """When the steps of a load began."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._told = time.perf_counter()

    def tell(self, step: str, rows: int) -> None:
        now = self._last[step] = time.perf_counter()
        if now - self._told > _TOLD_EVERY_S:
            self._told = now
            print(f"{step}: {rows:,} rows", file=sys.stderr, flush=True)

    def seconds(self, total: float, began: float) -> dict[str, float]:
        """How long checking and writing took, and what came after the last row: indexes, settling, comparing."""
        checked, written = self._last.get("check", began) - began, self._last.get("write", began) - began
        return {"check": round(checked, 1), "write": round(written - checked, 1), "finish": round(total - written, 1)}


class _Memory:
    """The most that this process and all below it hold at once, asked every five seconds."""

    def __init__(self) -> None:
        self.peak_mb = self.server_mb = 0
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> _Memory:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()

    def _look(self) -> None:
        while True:
            parents = _parents()
            mine = [pid for pid in parents if _is_below(pid, os.getpid(), parents)]
            self.peak_mb = max(self.peak_mb, sum(map(_held_kb, mine)) >> 10)
            servers = [pid for pid in parents if _name(pid) == "postgres"]
            self.server_mb = max(self.server_mb, sum(map(_held_kb, servers)) >> 10)
            if self._over.wait(5):
                return


def _parents() -> dict[int, int]:
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue  # it ended meanwhile
    return found


def _is_below(pid: int, above: int, parents: dict[int, int]) -> bool:
    while pid and pid != above:
        pid = parents.get(pid, 0)
    return pid == above


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _held_kb(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)


def _look_up(registers: list[str], made: files.Made) -> None:
    from cityloom.registers import queries
    from cityloom.registers.models import Load

    before = Load.objects.get(number=len(registers)).finished_at
    asks: dict[str, Callable[[Any, Any], object]] = {}
    keys: dict[str, list[Any]] = {}
    chance = np.random.default_rng(1)
    if "dwellings" in registers:
        numbers = chance.integers(0, made["dwellings"][1], _LOOKED_UP * 2).tolist()
        keys["dwellings"] = [files.dwelling_code(number) for number in numbers if number % 100 == 11 or number % 3 == 0]
        asks["dwellings"] = lambda key, known: queries.facts_of("dwellings", key, known_at=known)
    if "people" in registers:
        keys["people"] = _people(chance, made["people"][1])
        asks["people"] = lambda key, known: queries.person_facts(source="bench-people", token=key, known_at=known)
    for name, ask in asks.items():
        for how, known in (("by_key", None), ("as_known_on", before)):
            _say(looked_up=name, how=how, **_times(ask, keys[name], known))


def _people(chance: Any, count: int) -> list[int]:
    """Tokens of people, as the keeper gives them for the source's own numbers."""
    from cityloom.gate import actions as gate
    from cityloom.kernel import clock
    from cityloom.kernel.actor import SYSTEM

    codes = [files.person_code(number) for number in chance.integers(0, count, _LOOKED_UP).tolist()]
    return gate.register_tokens(by=SYSTEM, at=clock.now(), source="bench-people", keys=codes).tolist()


def _times(ask: Callable[[Any, Any], object], keys: list[Any], known: object) -> dict[str, float]:
    """Each key once to warm what lies under it, then once more against the clock."""
    times, found = [], 0
    for key in keys:
        found += bool(ask(key, known))
    for key in keys:
        began = time.perf_counter()
        ask(key, known)
        times.append((time.perf_counter() - began) * 1000)
    return {"asked": len(keys), "found": found, "p50_ms": round(float(np.percentile(times, 50)), 3),
            "p99_ms": round(float(np.percentile(times, 99)), 3)}  # fmt: skip


def _peer(place: Path, wanted: argparse.Namespace, path: Path) -> None:
    """The same rows of a file, as texts, unchecked and unsealed, into a table with the same two indexes."""
    import duckdb

    with duckdb.connect() as link:
        header = [row[0] for row in link.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()]
        texts = ", ".join(f'CAST("{name}" AS VARCHAR)' for name in header)
        found = link.execute(f"SELECT row_number() OVER (), {texts} FROM '{path}' LIMIT {wanted.part}")
        began = time.perf_counter()
        write = _bare_postgresql if wanted.url else _bare_sqlite
        rows = write(place, header, iter(lambda: found.fetchmany(50_000), []))
        _say(peer="bare table of dwellings", rows=rows, rows_per_s=round(rows / (time.perf_counter() - began)))


def _bare_sqlite(place: Path, header: list[str], batches: Iterator[list[Any]]) -> int:
    count = 0
    with sqlite3.connect(place / "bare.db") as link:
        link.execute("PRAGMA journal_mode=WAL")
        link.execute(_bare(header))
        marks = ", ".join("?" * (len(header) + 1))
        for rows in batches:
            link.executemany(f"INSERT INTO bare VALUES ({marks})", rows)
            link.commit()
            count += len(rows)
        link.execute("CREATE INDEX a ON bare (code)")
        link.execute("CREATE INDEX b ON bare (building)")
    return count


def _bare_postgresql(_place: Path, header: list[str], batches: Iterator[list[Any]]) -> int:
    from django.db import connection

    count = 0
    with connection.cursor() as cursor:
        cursor.execute(_bare(header))
        with cursor.copy("COPY bare FROM STDIN") as copy:
            for rows in batches:
                for row in rows:
                    copy.write_row(row)
                count += len(rows)
        cursor.execute("CREATE INDEX bare_a ON bare (code)")
        cursor.execute("CREATE INDEX bare_b ON bare (building)")
    return count


def _bare(header: list[str]) -> str:
    return f"CREATE TABLE bare (row BIGINT PRIMARY KEY, {', '.join(f'{name} VARCHAR(300)' for name in header)})"


def _database_mb(place: Path, url: str) -> int:
    if not url:
        return sum(path.stat().st_size for path in place.rglob("*.db*")) >> 20
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return cursor.fetchone()[0] >> 20


def _say(**told: object) -> None:
    print(json.dumps(told, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
