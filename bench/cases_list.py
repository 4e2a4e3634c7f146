"""Measure lists of cases: `python -m bench.cases_list [--cases N] [--types N] [--seconds S]`.

A million made-up cases of a hundred types in 1,111 units, seen by officials of mixed roles and units; each question is
the first page of 50 with its count, or a page further on. First one official at a time, then sixteen processes at once.
Beside it a plain query with the same rights: a filter, an order, a full count. With `CITYLOOM_DATABASE_URL` the cases
are in PostgreSQL, in a database that is empty before.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

_ROLES = tuple(f"role-{number:02}" for number in range(12))
_NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
_LEVELS, _SHARES = ("open", "internal", "restricted", "secret"), (0.05, 0.80, 0.12, 0.03)
_USERS, _AT_ONCE = 16, 20_000


def main() -> int:
    """Measure, and print one row as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--types", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=20)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as place:
        (Path(place) / "city").mkdir()
        os.environ |= {"CITYLOOM_HOME": place, "CITYLOOM_CITY_DIR": f"{place}/city",
                       "DJANGO_SETTINGS_MODULE": "cityloom.project.settings"}  # fmt: skip
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        print(json.dumps(_measured(wanted), ensure_ascii=False), flush=True)
    return 0


def _measured(wanted: argparse.Namespace) -> dict[str, Any]:
    from django.db import connection

    load, began = os.getloadavg()[0], time.perf_counter()
    _fill(wanted.cases, wanted.types)
    filled_s = time.perf_counter() - began
    people = _officials(200)
    found = {
        "database": connection.vendor, "cases": wanted.cases, "types": wanted.types, "filled_s": round(filled_s),
        "statements": _statements(people[0]), "first page": _timed(people, _first),
        "a page further on": _timed(people, _further), "plain query": _timed(people[:12], _plain),
    }  # fmt: skip
    together = _together(wanted.seconds)
    return found | {"sixteen at once": together, "load": [round(load, 1), round(os.getloadavg()[0], 1)]}


def _fill(cases: int, types: int) -> None:
    from django.db import connection

    from cityloom.cases.models import Case

    _make_types(types)
    units = _units()
    with connection.schema_editor() as editor:
        for index in Case._meta.indexes:
            editor.remove_index(Case, index)
    chance = np.random.default_rng(1)
    for start in range(0, cases, _AT_ONCE):
        Case.objects.bulk_create(_cases(start, min(_AT_ONCE, cases - start), types, units, chance))
    with connection.schema_editor() as editor:
        for index in Case._meta.indexes:
            editor.add_index(Case, index)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _make_types(types: int) -> None:
    """Types that are all like a request, each seen by one to three roles."""
    from cityloom.cases import catalogue

    chance, like = np.random.default_rng(2), catalogue.shipped_document("request")
    for number in range(types):
        seen_by = chance.choice(_ROLES, int(chance.integers(1, 4)), replace=False).tolist()
        access = like["access"] | {"seen_by": seen_by}
        catalogue.keep(like | {"casetype": f"type-{number:03}", "access": access}, "", _NOW)


def _units() -> list[str]:
    from cityloom.accounts.models import Unit

    paths = ["city"]
    for district in range(10):
        paths.append(f"city/d{district:02}")
        for below in range(10):
            paths.append(f"city/d{district:02}/s{below:02}")
            paths += [f"city/d{district:02}/s{below:02}/c{community:02}" for community in range(10)]
    Unit.objects.bulk_create([Unit(id=path, name_en=path, name_zh=path, kind="community") for path in paths])
    return paths


def _cases(start: int, count: int, types: int, units: Sequence[str], chance: np.random.Generator) -> list[Any]:
    from cityloom.cases.models import Case
    from cityloom.cases.working import recording

    kinds = chance.zipf(1.3, count) % types
    places, levels = chance.integers(0, len(units), count), chance.choice(4, count, p=_SHARES)
    opened, is_open = chance.integers(0, 700 * 86_400, count), chance.random(count) < 0.15
    handlers = chance.integers(0, 30_000, count)
    rows = []
    for at in range(count):
        opened_at = _NOW - timedelta(seconds=int(opened[at]))
        closed_at = None if is_open[at] else opened_at + timedelta(days=5)
        due_at = opened_at + timedelta(days=14) if is_open[at] else None
        level = _LEVELS[levels[at]]
        rows.append(Case(
            id=f"{start + at:026}", casetype=f"type-{kinds[at]:03}", version=1, state="received", is_open=is_open[at],
            category="rubbish", confidentiality=level, handler=f"handler-{handlers[at]}", opened_at=opened_at,
            changed_at=opened_at, closed_at=closed_at, due_at=due_at, rank=recording.rank_of(due_at, closed_at),
            matter="", origin="call", **recording.placed(units[places[at]], level),
        ))  # fmt: skip
    return rows


def _officials(count: int) -> list[Any]:
    """Officials of the city, of districts, subdistricts and communities, with one to six roles."""
    from cityloom.kernel.actor import Actor

    chance, units = np.random.default_rng(3), ["city", "city/d03", "city/d03/s04", "city/d03/s04/c05", "city/d07/s01"]
    return [
        Actor(f"handler-{number}", units[number % len(units)],
              frozenset(chance.choice(_ROLES, int(chance.integers(1, 7)), replace=False).tolist()))
        for number in range(count)
    ]  # fmt: skip


def _first(by: Any) -> object:
    from cityloom.cases import queries

    page = queries.cases_for(by, queries.Wanted())
    return page.rows, queries.unit_names(page.rows)


def _further(by: Any) -> object:
    from cityloom.cases import queries

    after = (int(_NOW.timestamp() * 1_000_000), 0)
    page = queries.cases_for(by, queries.Wanted(after=after))
    return page.rows, queries.unit_names(page.rows)


def _plain(by: Any) -> object:
    """The same rights as a filter over one order, and everything counted."""
    from django.db.models import Q

    from cityloom.cases import catalogue
    from cityloom.cases.models import Case

    types = [name for name, roles in catalogue.seen_by().items() if roles & by.roles]
    branch = Q(unit=by.unit) | Q(unit__startswith=f"{by.unit}/") & ~Q(confidentiality="restricted")
    seen = Q(casetype__in=types) & ~Q(confidentiality="secret") & branch | Q(handler=by.account)
    rows = Case.objects.filter(seen, is_open=True, exercise_id="")
    return list(rows.order_by("rank", "number")[:50]), rows.count()


def _statements(by: Any) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        _first(by)
    return len(asked)


def _timed(people: Sequence[Any], ask: Callable[[Any], object]) -> dict[str, float]:
    """Milliseconds by the clock, and of this process's processor time, over two rounds of all."""
    for by in people[:3]:
        ask(by)
    walls, cpu = [], time.process_time()
    for by in [*people, *people]:
        began = time.perf_counter()
        ask(by)
        walls.append((time.perf_counter() - began) * 1_000)
    return _summary(walls) | {"cpu": round((time.process_time() - cpu) / len(walls) * 1_000, 2)}


def _summary(walls: Sequence[float]) -> dict[str, float]:
    return {"p50": round(statistics.median(walls), 2), "p99": round(float(np.quantile(walls, 0.99)), 2),
            "worst": round(max(walls), 1)}  # fmt: skip


def _together(seconds: float) -> dict[str, float]:
    """What each of sixteen processes waits for a first page, all asking without a pause."""
    from django.db import connection

    connection.close()
    ways = multiprocessing.get_context("fork")
    answers: Any = ways.Queue()
    started = [ways.Process(target=_user, args=(number, seconds, answers)) for number in range(_USERS)]
    for one in started:
        one.start()
    walls = [wall for _ in started for wall in answers.get()]
    for one in started:
        one.join()
    return _summary(walls) | {"a second": round(len(walls) / seconds)}


def _user(number: int, seconds: float, answers: Any) -> None:
    people, walls = _officials(200)[number::_USERS], []
    for by in people:
        _first(by)
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for by in people:
            began = time.perf_counter()
            _first(by)
            walls.append((time.perf_counter() - began) * 1_000)
    answers.put(walls)


if __name__ == "__main__":
    raise SystemExit(main())
