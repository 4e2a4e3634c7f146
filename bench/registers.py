"""Measure how fast a department's file of companies comes into its register, beside the bare database.

Run: python -m bench.registers [--rows N] [--changed N] [--format csv|parquet] [--sealed] [--url postgresql://...]
A city of its own in a temporary home. Rows are loaded through mapping, checks, a verdict on the whole file, and, with
--sealed, the keeper; then changed rows into all of them. The peer is the database's own way, with nothing checked:
the rows of the same file through executemany into a bare SQLite file, or COPY. Look-ups: by key, and as known before.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

_HEADER = ("code", "name", "kind", "status", "address", "division", "founded", "capital", "industry", "owner", "boss")
_MAPPING = """\
cityloom: 1
source: bench
register: organisations
as_of: {as_of}
file: {{format: {format}}}
columns:
  code: {{field: code}}
  name: {{field: name}}
  kind: {{field: kind, codes: {{有限责任公司: company, 个体工商户: sole-trader}}}}
  status: {{field: status, codes: {{存续: active, 注销: dissolved}}}}
  address: {{field: address}}
  division: {{field: division}}
  founded: {{field: registered_on, form: YYYY/MM/DD}}
  capital: {{field: capital_fen, unit: 10k CNY}}
  industry: {{field: industry}}
  owner: {{field: owner}}
{boss}
"""
_LOOKED_UP = 2_000


def main() -> int:
    """Measure, and print one row as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--changed", type=int, default=20_000)
    parser.add_argument("--format", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--sealed", action="store_true", help="seal a legal representative of each")
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
            _make_schema()
        call_command("migrate", verbosity=0)
        from cityloom.gate import actions as gate

        keeper = gate.start_keeper() if wanted.sealed else None
        try:
            print(json.dumps(_measured(wanted, Path(place))), flush=True)
        finally:
            if keeper:
                keeper.stop()
    return 0


def _make_schema() -> None:
    from cityloom.project.console import _make_schema

    _make_schema()


def _measured(wanted: argparse.Namespace, place: Path) -> dict[str, object]:
    first = _file(place / "first", _rows(wanted.rows, ""), wanted.format)
    second = _file(place / "second", _rows(wanted.changed, "新"), wanted.format)
    load = os.getloadavg()[0]
    first_s, first_cpu = _timed(lambda: _load(place, first, wanted, "2026-11-01"))
    second_s, second_cpu = _timed(lambda: _load(place, second, wanted, "2026-11-02"))
    peer_s, peer_cpu = _timed(lambda: _bare(place, wanted))
    return {
        "rows": wanted.rows, "format": wanted.format, "sealed": wanted.sealed,
        "database": "PostgreSQL" if wanted.url else "SQLite", "rows_per_s": round(wanted.rows / first_s),
        "rows_per_cpu_s": round(wanted.rows / first_cpu), "changed": wanted.changed, "changed_s": round(second_s, 2),
        "changed_cpu_s": round(second_cpu, 2), "peer_rows_per_s": round(wanted.rows / peer_s),
        "peer_rows_per_cpu_s": round(wanted.rows / peer_cpu),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "bytes_a_row": _bytes_a_row(wanted),
        **_looked_up(wanted.rows), "load": [round(load, 1), round(os.getloadavg()[0], 1)],
    }  # fmt: skip


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - cpu


def _code(number: int) -> str:
    from cityloom.registers.domain.identifiers import credit_code_sign

    start = f"91440305M{number * 7919 % 100_000_000:08d}"  # no order that an index could use
    return start + credit_code_sign(start)


def _rows(count: int, word: str) -> Iterator[tuple[str, ...]]:
    first = _code(0)
    for number in range(count):
        kind = "个体工商户" if number % 3 == 0 else "有限责任公司"
        yield (
            _code(number), f"澜江市恒泰{word}{number}号商行", kind, "存续" if number % 9 else "注销",
            f"海天路{number % 900 + 1}号", "440306",
            f"{2000 + number % 24}/{number % 12 + 1:02d}/{number % 28 + 1:02d}",
            str(number % 500 + 1), f"F{number % 90 + 10}", first if number % 20 == 1 else "", f"陈{number % 9973}",
        )  # fmt: skip


def _file(path: Path, rows: Iterator[tuple[str, ...]], form: str) -> Path:
    text = path.with_suffix(".csv")
    with text.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(_HEADER)
        writer.writerows(rows)
    if form == "csv":
        return text
    import duckdb

    target = path.with_suffix(".parquet")
    duckdb.read_csv(str(text), all_varchar=True).write_parquet(str(target))
    return target


def _load(place: Path, file: Path, wanted: argparse.Namespace, as_of: str) -> None:
    from cityloom.kernel import clock
    from cityloom.kernel.actor import SYSTEM
    from cityloom.registers import actions

    boss = "  boss: {field: representative}" if wanted.sealed else "ignore: [boss]"
    text = place / f"{file.stem}.yaml"
    text.write_text(_MAPPING.format(as_of=as_of, format=wanted.format, boss=boss), "utf-8")
    outcome = actions.load_file(actions.read_mapping(text), file, by=SYSTEM, at=clock.now())
    assert outcome.survey is not None
    assert outcome.survey.bad == 0


def _bare(place: Path, wanted: argparse.Namespace) -> None:
    """The same columns into a table with the same two indexes, unchecked."""
    stream = (place / "first.csv").open(newline="", encoding="utf-8")
    rows = ((number, *row) for number, row in enumerate(csv.reader(stream)))
    made = "number BIGINT PRIMARY KEY, " + ", ".join(f"{name} VARCHAR(300)" for name in _HEADER)
    if not wanted.url:
        with sqlite3.connect(place / "bare.db") as link:
            link.execute("PRAGMA journal_mode=WAL")
            link.execute(f"CREATE TABLE bare ({made})")
            marks = ", ".join("?" * (len(_HEADER) + 1))
            link.executemany(f"INSERT INTO bare VALUES ({marks})", rows)
            link.execute("CREATE INDEX a ON bare (code)")
            link.execute("CREATE INDEX b ON bare (name)")
        return
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE bare ({made})")
        with cursor.copy("COPY bare FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute("CREATE INDEX bare_a ON bare (code)")
        cursor.execute("CREATE INDEX bare_b ON bare (name)")


def _bytes_a_row(wanted: argparse.Namespace) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        if wanted.url:
            cursor.execute("SELECT pg_total_relation_size('registers_organisationrecord')")
        else:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        return round(cursor.fetchone()[0] / (wanted.rows + wanted.changed))


def _looked_up(rows: int) -> dict[str, float]:
    from cityloom.registers import queries
    from cityloom.registers.models import Load

    before = Load.objects.get(number=1).finished_at
    keys = [_code(number) for number in np.random.default_rng(1).integers(0, rows, _LOOKED_UP).tolist()]
    out = {}
    for name, known in (("by_key", None), ("as_known_on", before)):
        times = []
        for key in keys:
            began = time.perf_counter()
            assert queries.facts_of("organisations", key, known_at=known)
            times.append(time.perf_counter() - began)
        out |= {f"{name}_p50_ms": round(float(np.percentile(times, 50)) * 1000, 2),
                f"{name}_p99_ms": round(float(np.percentile(times, 99)) * 1000, 2)}  # fmt: skip
    return out


if __name__ == "__main__":
    raise SystemExit(main())
