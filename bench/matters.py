"""Measure joining new reports with matters in the database: `python -m bench.matters [--open N] [--new N]`.

Made-up open requests (synthetic, 800 a square kilometre, 12 categories, each with a sketch) in a city's database. First
the search for what a new report may be the same as, one at a time; then new reports as intake has them, by the hundred:
sketched, searched, joined; a third of those say what an open one says, 5 m beside it (`--new 0` leaves that out, and
the indexes of lists). Beside the search the rule of FixMyStreet in the same database: open cases of the category near
a place. With `CITYLOOM_DATABASE_URL` the cases are in PostgreSQL, in a database that is empty before.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

_NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
_AT_ONCE, _A_KM2, _ASKED, _METRES = 20_000, 800, 2_000, 111_195.0
_SEARCHED = ("case_sketch_at", "case_open_at")
_TEXTS = ("the street light no {n} is out", "路灯{n}号不亮了", "a hole in the road by the school", "垃圾没人收，臭得很")


def main() -> int:
    """Measure, and print one row as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--open", type=int, default=1_000_000)
    parser.add_argument("--new", type=int, default=2_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as place:
        (Path(place) / "city").mkdir()
        os.environ |= {"CITYLOOM_HOME": place, "CITYLOOM_CITY_DIR": f"{place}/city",
                       "DJANGO_SETTINGS_MODULE": "cityloom.project.settings"}  # fmt: skip
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        print(json.dumps(_measured(wanted.open, wanted.new)), flush=True)
    return 0


def _measured(count: int, new: int) -> dict[str, Any]:
    from django.db import connection

    from cityloom.cases import actions  # noqa: F401 - all that is measured is read before it begins
    from cityloom.cases.listing import nearmatters
    from cityloom.cases.matters import joining, searching, sketching
    from cityloom.cases.models import Case

    load = os.getloadavg()[0]
    places = _fill(count, lists=new > 0)
    asked = list(Case.objects.filter(number__in=np.random.default_rng(2).integers(1, count, _ASKED).tolist()))
    reports = {row.number: _report(row) for row in asked}

    def searched(row: Any) -> None:
        kind = sketching.kind_of(row.casetype, row.version, row.category)
        found = searching.around(row, reports[row.number], kind)
        joining.likely(reports[row.number], found)

    def peer(row: Any) -> None:
        nearmatters.near(row.lon, row.lat, row.category, _NOW)

    timed: dict[str, Any] = {"search": _timed(asked, searched), "peer: 50 m and category": _timed(asked, peer)}
    if new:
        timed["joined"] = _joined(new, places)
    return {
        "database": connection.vendor, "open": count, **timed,
        "mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],
    }  # fmt: skip


def _fill(count: int, *, lists: bool) -> np.ndarray:
    from django.db import connection

    from cityloom.cases import catalogue
    from cityloom.cases.models import Case, CaseSketch

    catalogue.keep(catalogue.shipped_document("request"), "", _NOW)
    side = (count / _A_KM2) ** 0.5 * 1_000 / _METRES
    places = np.random.default_rng(1).uniform(0, side, (count, 2)) + np.array([114.0, 22.0])
    indexes = [(model, index) for model in (Case, CaseSketch) for index in model._meta.indexes]
    with connection.schema_editor() as editor:
        for model, index in indexes:
            editor.remove_index(model, index)
    kinds = [(one.name, one.group) for one in catalogue.newest("request").categories.values()]
    for start in range(1, count + 1, _AT_ONCE):
        _keep([_rows(number, kinds, places[number - 1]) for number in range(start, min(start + _AT_ONCE, count + 1))])
    with connection.schema_editor() as editor:
        for model, index in indexes:
            if lists or index.name in _SEARCHED:
                editor.add_index(model, index)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return places


def _keep(rows: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """Many cases with their sketches, each table in one statement: a million by the ORM would take an hour."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        for table, kept in (("cases_case", [case for case, _ in rows]), ("cases_casesketch", [one for _, one in rows])):
            names, marks = ", ".join(kept[0]), ", ".join(["%s"] * len(kept[0]))
            said = f"INSERT INTO {table} ({names}) VALUES ({marks})"
            cursor.executemany(said, [tuple(one.values()) for one in kept])


def _rows(number: int, kinds: list[tuple[str, str]], place: np.ndarray) -> tuple[dict[str, Any], dict[str, Any]]:
    """The columns of a case, and of its sketch."""
    import h3.api.basic_int as h3

    category, group = kinds[number * 31 % len(kinds)]
    lon, lat, at = float(place[0]), float(place[1]), _NOW - timedelta(seconds=number)
    sketch, cell = _sketch(_text(number)), h3.latlng_to_cell(lat, lon, 11)
    case = {
        "number": number, "id": f"{number:026}", "exercise_id": "", "casetype": "request", "version": _version(),
        "state": "received", "is_open": True, "category": category, "confidentiality": "internal",
        "unit": "city/d01/s01", "offered_unit": "", "handler": "", "branch_1": "city", "branch_2": "city/d01",
        "branch_3": "city/d01/s01", "branch_4": "", "lon": lon, "lat": lat, "cell": cell, "opened_at": at,
        "changed_at": at, "rank": number, "result": "", "matter": f"{number:026}", "origin": "web", "answers": "{}",
        "revision": 1, "made_up": False,
    }  # fmt: skip
    return case, {
        "case_id": number, "place": h3.latlng_to_cell(lat, lon, 10), "kind": group, "error_m": 15.0, "is_live": True,
        "words": sketch.words.tobytes(), "numbers": sketch.numbers.tobytes(), "script": sketch.script,
    }  # fmt: skip


@cache
def _version() -> int:
    from cityloom.cases import catalogue

    return catalogue.newest("request").version


@cache
def _sketch(text: str) -> Any:
    """Of the few texts that there are, each is sketched once."""
    from django.conf import settings

    from cityloom.cases.domain.duplicates.sketch import sketch_of
    from cityloom.cases.matters import sketching
    from cityloom.cases.queries import shipped_classifier

    return sketch_of(text, shipped_classifier().idf, sketching._key(settings.SECRET_KEY))


def _report(row: Any) -> Any:
    from cityloom.cases.domain.duplicates.pairs import Report

    return Report(row.lon, row.lat, 15.0, row.opened_at.timestamp(), row.category, _sketch(_text(row.number)))


def _text(number: int) -> str:
    return _TEXTS[number % len(_TEXTS)].format(n=number % 300)


def _timed(asked: list[Any], ask: Callable[[Any], None]) -> dict[str, float]:
    """Milliseconds of the processor and of the clock; the first hundred warm up."""
    took = []
    for row in asked:
        began, used = time.perf_counter(), time.process_time()
        ask(row)
        took.append((1e3 * (time.process_time() - used), 1e3 * (time.perf_counter() - began)))
    cpu, wall = np.array(took[100:]).T
    return {"cpu_ms_median": round(float(np.median(cpu)), 2), "cpu_ms_p99": round(float(np.percentile(cpu, 99)), 2),
            "wall_ms_p99": round(float(np.percentile(wall, 99)), 2)}  # fmt: skip


def _joined(new: int, places: np.ndarray) -> dict[str, float]:
    """How many new reports a second are sketched, searched and joined, a hundred at a time."""
    from cityloom.cases.actions import Asked, open_case
    from cityloom.cases.matters import joining
    from cityloom.cases.models import Case
    from cityloom.kernel.actor import SYSTEM

    chance, found, spent, wall = np.random.default_rng(3), 0, 0.0, 0.0
    for _ in range(new // 100):
        of = chance.integers(1, len(places), 100).tolist()
        known = {row.number: row for row in Case.objects.filter(number__in=of)}
        opened = {}
        for at, number in enumerate(of):
            old, off = known[number], (5 if at % 3 == 0 else 150) / _METRES
            asked = Asked("request", old.category, {}, old.lon + off, old.lat, origin="web")
            opened[open_case(asked, by=SYSTEM, at=_NOW)] = _text(number)
        rows = list(Case.objects.filter(id__in=opened))
        used, began = time.process_time(), time.perf_counter()
        found += len(joining.join_new(rows, opened, _NOW))
        spent, wall = spent + time.process_time() - used, wall + time.perf_counter() - began
    return {"new": new, "share joined": round(found / new, 3), "a cpu second": round(new / spent),
            "a second": round(new / wall)}  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
