"""Measure the figures of a year of cases: `python -m bench.case_figures [--cases N]`.

Made-up requests of 1,100 units in 12 categories, each with its two limits; a third has an answer of its reporter, one
in twenty was opened again. Ours is everything that the page shows (four shares with what is left out, by unit,
category, month and origin, times, repeats); beside it, in the same run, what the database alone needs for one share
by one dimension: a join with the limit, a condition, a group. With `CITYLOOM_DATABASE_URL` the cases are in
PostgreSQL, in a database that is empty before.
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
from pathlib import Path
from typing import Any

import numpy as np

_NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
_AT_ONCE = 20_000
_ORIGINS = ("web", "call", "open311", "official")


def main() -> int:
    """Measure, and print one row as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1_000_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as place:
        (Path(place) / "city").mkdir()
        os.environ |= {"CITYLOOM_HOME": place, "CITYLOOM_CITY_DIR": f"{place}/city",
                       "DJANGO_SETTINGS_MODULE": "cityloom.project.settings"}  # fmt: skip
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        print(json.dumps(_measured(wanted.cases), ensure_ascii=False), flush=True)
    return 0


def _measured(cases: int) -> dict[str, Any]:
    from django.db import connection

    load, began = os.getloadavg()[0], time.perf_counter()
    _fill(cases)
    filled = {"database": connection.vendor, "cases": cases, "filled_s": round(time.perf_counter() - began)}
    before = _peak_mb()
    plain = [_timed(_plain) for _ in range(3)]
    ours = [_timed(_ours) for _ in range(3)]
    found = min(ours, key=lambda one: one["cpu_s"])
    beside = min(plain, key=lambda one: one["cpu_s"])
    return filled | {
        "figures": found, "one share in SQL": beside, "ratio": round(found["wall_s"] / beside["wall_s"], 1),
        "peak_mb": round(_peak_mb()), "peak_before_mb": round(before), "kept_ms": _kept_ms(),
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],
    }  # fmt: skip


def _fill(cases: int) -> None:
    from django.db import connection

    from cityloom.cases.models import Case, CaseClock, CaseFollower, CaseVerdict

    units, chance = _units(), np.random.default_rng(1)
    indexed = [index for index in Case._meta.indexes if index.name != "case_opened_at"]
    with connection.schema_editor() as editor:
        for index in indexed:
            editor.remove_index(Case, index)
    for start in range(0, cases, _AT_ONCE):
        rows, limits, followers, verdicts = _rows(start, min(_AT_ONCE, cases - start), cases, units, chance)
        Case.objects.bulk_create(rows)
        CaseClock.objects.bulk_create(limits)
        CaseFollower.objects.bulk_create(followers)
        CaseVerdict.objects.bulk_create(verdicts)
    with connection.schema_editor() as editor:
        for index in indexed:
            editor.add_index(Case, index)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _units() -> list[str]:
    return [f"city/d{district:02}/s{below:02}/c{community:02}"
            for district in range(10) for below in range(10) for community in range(11)]  # fmt: skip


def _rows(start: int, count: int, cases: int, units: list[str], chance: np.random.Generator) -> tuple[list[Any], ...]:
    from cityloom.cases import catalogue
    from cityloom.cases.models import Case, CaseClock, CaseFollower, CaseVerdict
    from cityloom.cases.working import recording

    categories = list(catalogue.newest("request").categories)
    opened = 365 * 86_400 * (1 - (start + np.arange(count)) / cases)  # numbers are given as cases come
    took = chance.exponential(4 * 86_400, count)
    dice, places = chance.random((count, 4)), chance.integers(0, 1_000_000, count)
    rows, limits, followers, verdicts = [], [], [], []
    for at in range(count):
        number, begun = start + at + 1, _NOW - timedelta(seconds=int(opened[at]))
        done_at = begun + timedelta(seconds=took[at])
        is_done = done_at < _NOW
        rows.append(Case(
            number=number, id=f"{number:026}", casetype="request", version=1, is_open=not is_done,
            state="closed" if is_done else "in-progress", category=categories[int(dice[at, 0] ** 2 * len(categories))],
            confidentiality="internal", opened_at=begun, changed_at=begun, closed_at=done_at if is_done else None,
            rank=number, matter=f"{number:026}", origin=_ORIGINS[number % 4], result="solved" if is_done else "",
            cell=600_000_000_000 + int(places[at]), **recording.placed(units[number % len(units)], "internal"),
        ))  # fmt: skip
        runs = 2 if dice[at, 3] < 0.05 else 1
        limits += [CaseClock(id=f"{number:025}r", case_id=number, clock="reaction", started_at=begun,
                             standing="stopped", history=_history(begun, begun),
                             was_late=bool(dice[at, 1] < 0.1))]  # fmt: skip
        limits += [CaseClock(id=f"{number:024}m{run}", case_id=number, clock="resolution", started_at=begun,
                             history=_history(begun, done_at), standing="stopped" if is_done else "running",
                             due_at=begun + timedelta(days=14), was_late=bool(took[at] > 14 * 86_400))
                   for run in range(runs)]  # fmt: skip
        if dice[at, 2] < 0.6:
            followers.append(CaseFollower(case_id=number, digest=f"{number:064}", since=begun))
        if is_done and dice[at, 2] < 0.33:
            verdicts.append(CaseVerdict(case_id=number, revision=3, at=done_at, satisfaction=1 + number % 5,
                                        solved=("yes", "yes", "partly", "no")[number % 4]))  # fmt: skip
    return rows, limits, followers, verdicts


def _history(begun: datetime, ended: datetime) -> list[list[str]]:
    from cityloom.kernel import clock

    return [["started", clock.to_text(begun)], ["stopped", clock.to_text(ended)]]


def _ours() -> object:
    from cityloom.cases.figures import counting

    counting._kept.clear()
    scope = counting.branch_scope("request", "city")
    found = counting.figures_of(scope, counting.span_of("2025-11-02", "2026-11-03", _NOW), _NOW)
    if found.whole.standing.cases < 1:
        raise SystemExit("nothing was counted")
    return found


def _plain() -> object:
    """First reactions in time by unit, and nothing else: what a report writer would ask the database."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.unit, COUNT(*), SUM(CASE WHEN k.was_late THEN 0 ELSE 1 END) FROM cases_case AS c"
            " JOIN cases_caseclock AS k ON k.case_id = c.number WHERE c.casetype = 'request' AND c.branch_1 = 'city'"
            " AND c.exercise_id = '' AND k.clock = 'reaction' AND k.standing = 'stopped' GROUP BY c.unit"
        )
        return cursor.fetchall()


def _kept_ms() -> float:
    from cityloom.cases.figures import counting

    _ours()
    began = time.perf_counter()
    counting.figures_of(counting.branch_scope("request", "city"),
                        counting.span_of("2025-11-02", "2026-11-03", _NOW), _NOW)  # fmt: skip
    return round((time.perf_counter() - began) * 1_000, 2)


def _timed(ask: Callable[[], object]) -> dict[str, float]:
    began, cpu = time.perf_counter(), time.process_time()
    ask()
    return {"wall_s": round(time.perf_counter() - began, 2), "cpu_s": round(time.process_time() - cpu, 2)}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    raise SystemExit(main())
