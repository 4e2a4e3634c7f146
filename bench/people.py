"""Measure how fast a department's file of people comes into the register: checked, sealed, found again, looked up.

Run: python -m bench.people [--rows N] [--changed N] [--url postgresql://...]
A city of its own in a temporary home, without buildings. N made-up people come from Parquet, then changed rows into all
of them. Look-ups: by subject, by the source's own number with and without the keeper, and as known before. The peer is
the database's own way with nothing checked and nothing sealed: the same columns, with 160 bytes for each person, into a
bare SQLite file.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sqlite3
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_MAPPING = """\
cityloom: 1
source: bench
register: people
as_of: {as_of}
file: {{format: parquet}}
columns:
  no: {{field: code}}
  name: {{field: name}}
  number: {{field: national_id}}
  born: {{field: birth_date, form: YYYYMMDD}}
  sex: {{field: sex, codes: {{男: male, 女: female}}}}
  phone: {{field: phone}}
  home: {{field: dwelling}}
"""
_LOOKED_UP = 1_000
_DAYS, _SERIALS = 33_000, 1_000
_A_PART = 500_000


def main() -> int:
    """Measure, and print one row as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--changed", type=int, default=10_000)
    parser.add_argument("--url", default="", help="keep the records in PostgreSQL, in an empty database")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as place:
        (Path(place) / "city").mkdir()
        os.environ |= {"CITYLOOM_HOME": place, "CITYLOOM_CITY_DIR": f"{place}/city",
                       "CITYLOOM_DATABASE_URL": wanted.url,
                       "DJANGO_SETTINGS_MODULE": "cityloom.project.settings"}  # fmt: skip
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
            print(json.dumps(_measured(wanted, Path(place), keeper.pid)), flush=True)
        finally:
            keeper.stop()
    return 0


def _measured(wanted: argparse.Namespace, place: Path, keeper: int) -> dict[str, object]:
    from cityloom.kernel import clock

    first, second = place / "first.parquet", place / "second.parquet"
    _write(first, np.arange(wanted.rows), "雷")
    _write(second, np.arange(0, wanted.rows, max(1, wanted.rows // wanted.changed))[: wanted.changed], "梅")
    load = os.getloadavg()[0]
    first_s = _timed(lambda: _load(place, first, "2026-11-01"))
    between = clock.now()
    second_s = _timed(lambda: _load(place, second, "2026-11-02"))
    peer_s = _timed(lambda: _bare(place, wanted.rows))
    return {
        "rows": wanted.rows, "database": "PostgreSQL" if wanted.url else "SQLite",
        "rows_per_s": round(wanted.rows / first_s), "changed": wanted.changed, "changed_s": round(second_s, 2),
        "peer_rows_per_s": round(wanted.rows / peer_s),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "keeper_peak_mb": _peak_mb(keeper),
        **_looked_up(wanted.rows, between), "load": [round(load, 1), round(os.getloadavg()[0], 1)],
    }  # fmt: skip


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _peak_mb(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


def _write(path: Path, people: NDArray[np.int64], given: str) -> None:
    """Made-up people in the order of their numbers' places, which is none that an index could use."""
    import pyarrow as pa
    from pyarrow import parquet

    writer = None
    for first in range(0, len(people), _A_PART):
        some = people[first : first + _A_PART]
        table = pa.table(_columns(some, given))
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def _columns(people: NDArray[np.int64], given: str) -> dict[str, list[str]]:
    born = (np.datetime64("1930-01-01") + people % _DAYS).astype(str)
    starts = [f"{440303 + place // (_DAYS * _SERIALS):06d}{day.replace('-', '')}{place // _DAYS % _SERIALS:03d}"
              for place, day in zip(people.tolist(), born.tolist(), strict=True)]  # fmt: skip
    digits = np.array([list(start.encode()) for start in starts], np.int64) - ord("0")
    weights = np.array([2 ** (17 - place) % 11 for place in range(17)])
    signs = np.array(list("10X98765432"))[(digits * weights).sum(axis=1) % 11].tolist()
    family = "王李张刘陈杨黄赵吴周徐孙马朱胡"
    return {
        "no": [f"P{place * 7919 % 100_000_000_000:011d}" for place in people.tolist()],
        "name": [f"{family[place % 15]}{given}{chr(0x4E00 + place % 5000)}" for place in people.tolist()],
        "number": [start + sign for start, sign in zip(starts, signs, strict=True)],
        "born": [start[6:14] for start in starts],
        "sex": ["男" if int(start[16]) % 2 else "女" for start in starts],
        "phone": [f"138{place % 100_000_000:08d}" for place in people.tolist()],
        "home": [str(place // 3 + 1) for place in people.tolist()],
    }  # fmt: skip


def _load(place: Path, file: Path, as_of: str) -> None:
    from cityloom.kernel import clock
    from cityloom.kernel.actor import SYSTEM
    from cityloom.registers import actions

    text = place / f"{file.stem}.yaml"
    text.write_text(_MAPPING.format(as_of=as_of), "utf-8")
    outcome = actions.load_file(actions.read_mapping(text), file, by=SYSTEM, at=clock.now())
    if outcome.survey is None or outcome.survey.bad:
        raise RuntimeError("The bench's own rows are bad.")


def _bare(place: Path, rows: int) -> None:
    link = sqlite3.connect(place / "bare.db", isolation_level=None)
    link.execute("PRAGMA journal_mode=WAL")
    link.execute("CREATE TABLE person (id INTEGER PRIMARY KEY, key INTEGER, digest INTEGER, dwelling INTEGER)")
    link.execute("CREATE TABLE envelope (subject INTEGER PRIMARY KEY, sealed BLOB)")
    sealed = bytes(160)
    for first in range(0, rows, 50_000):
        some = range(first, min(first + 50_000, rows))
        link.execute("BEGIN")
        link.executemany("INSERT INTO person VALUES (?, ?, ?, ?)", ((n, n * 7919, n, n // 3) for n in some))
        link.executemany("INSERT INTO envelope VALUES (?, ?)", ((n, sealed) for n in some))
        link.execute("COMMIT")
    link.close()


def _looked_up(rows: int, between: datetime) -> dict[str, float]:
    from cityloom.kernel import clock
    from cityloom.registers import actions, queries
    from cityloom.registers.models import PersonRecord

    ids = np.random.default_rng(5).choice(np.arange(2, rows + 2), min(_LOOKED_UP, rows), replace=False)
    known = list(PersonRecord.objects.filter(id__in=[1 << 32 | int(row) for row in ids]).values_list("subject", "key"))
    chance = np.random.default_rng(7).permutation(len(known)).tolist()
    subjects, tokens = [known[at][0] for at in chance], [known[at][1] for at in chance]
    numbers = [f"P{(int(row) - 2) * 7919 % 100_000_000_000:011d}" for row in ids[:200]]
    return {
        "by_subject_p99_ms": _p99(lambda one: queries.person_facts(subject=one), subjects),
        "by_key_p99_ms": _p99(lambda one: queries.person_facts(source="bench", token=one), tokens),
        "as_known_p99_ms": _p99(lambda one: queries.person_facts(subject=one, known_at=between), subjects),
        "token_of_keeper_p99_ms": _p99(lambda one: actions.person_token("bench", one, at=clock.now()), numbers),
    }  # fmt: skip


def _p99(ask: Callable[..., object], values: list[object]) -> float:
    took = []
    for value in values:
        began = time.perf_counter()
        ask(value)
        took.append(time.perf_counter() - began)
    return round(float(np.percentile(took, 99)) * 1000, 2)


if __name__ == "__main__":
    raise SystemExit(main())
