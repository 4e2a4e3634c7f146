"""Measure intake: how many cases a second are opened, sealed, classified, routed, joined and given their clocks.

Run: python -m bench.intake [--cases N] [--open N] [--alone N] [--batch N]
A city with `--open` open reports beside, routing rules in force, a real keeper that seals. Sustained: one process opens
cases in batches (`actions.open_cases`), another is the worker; a case counts when it is routed and compared with all
open reports. Alone: cases one after another by `actions.open_case` while the worker waits as it does in a served city;
what each took from the call to the end of its taking in. Peer: the same rows saved one at a time by plain Django, a
transaction a case, and the same rows in bulk; neither seals, hears, routes or compares. Made-up reports (synthetic).
With `CITYLOOM_DATABASE_URL` the cases are in PostgreSQL, in a database that is empty before.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

GOAL_A_SECOND, GOAL_P99_MS = 560, 100.0
_RULES = """cityloom: 1
routing: bench
title: {en: Bench}
otherwise: city/social
rules:
- {rule: gas, priority: 100, unit: city/gas, when: {category: [gas-smell]}}
- {rule: trapped, priority: 90, unit: city/fire, when: {category: [lift-broken], words: [stuck, trapped, 困]}}
- {rule: night, priority: 10, unit: city/police, when: {category: [noise], time: {from: "22:00", to: "06:00"}}}
- {rule: lights, unit: city/traffic, when: {category: [lights-signs, street-light, traffic-light]}}
- {rule: streets, unit: city/traffic, when: {category: [surface, passage, parking]}}
- {rule: water, unit: city/water, when: {category: [water, drains, water-bodies]}}
"""
_PART, _A_KM2 = 1_000, 800
_NOW_S = 8 * 86_400.0


def main() -> int:
    """Measure, print a row for each part as JSON, and say with the exit status whether the goals are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--open", type=int, default=100_000)
    parser.add_argument("--alone", type=int, default=600)
    parser.add_argument("--batch", type=int, default=200)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as place:
        (Path(place) / "city").mkdir()
        os.environ |= {"CITYLOOM_HOME": place, "CITYLOOM_CITY_DIR": f"{place}/city",
                       "DJANGO_SETTINGS_MODULE": "cityloom.project.settings"}  # fmt: skip
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        from cityloom.gate import actions as gate

        keeper = gate.start_keeper()
        try:
            return 0 if _measured(wanted, keeper.pid) else 1
        finally:
            keeper.stop()


def _measured(wanted: argparse.Namespace, keeper: int) -> bool:
    from django.db import connection

    load = os.getloadavg()[0]
    _prepare()
    before, later = _reports(wanted.open, wanted.cases + wanted.alone)
    began = time.perf_counter()
    _fill(before)
    _say("filled", database=connection.vendor, open=len(before), seconds=round(time.perf_counter() - began))
    lately = [one.asked(is_said=False) for one in later]
    sustained = _sustained(lately[: wanted.cases], wanted.batch, keeper)
    _say("sustained", **sustained, goal=GOAL_A_SECOND)
    single = _alone(lately[wanted.cases :])
    _say("one after another", **single, goal_p99_ms=GOAL_P99_MS)
    _say("peer: the same rows one at a time", a_second=_peer_one_by_one(2_000))
    _say("peer: the same rows in bulk", a_second=_peer_in_bulk(10_000, wanted.batch))
    _say("load", before=round(load, 1), after=round(os.getloadavg()[0], 1))
    return bool(sustained["a_second"] >= GOAL_A_SECOND and single["p99_ms"] <= GOAL_P99_MS)


def _prepare() -> None:
    from cityloom.accounts import actions as accounts
    from cityloom.cases import actions
    from cityloom.kernel import clock
    from cityloom.kernel.actor import SYSTEM

    accounts.create_units(communities=[], by=SYSTEM, at=clock.now())
    actions.put_routing(text=_RULES, by=SYSTEM, at=clock.now())


def _reports(before: int, later: int) -> tuple[list[Made], list[Made]]:
    """Requests of ten days: those open at the end of the eighth, and those that come then, half without a category."""
    from cityloom.cases.domain.madeup.reported import reported
    from cityloom.cases.domain.routing.standing import meant, standing_of
    from cityloom.cases.queries import newest_casetype

    matters = max(before * 2, int(later * 1.4)) + 100
    found = reported(matters, 1, "test", side_km=(before / _A_KM2) ** 0.5, days=10.0)
    standing = standing_of("request", newest_casetype("request").categories)
    made = [
        Made(at, float(found.at_s[at]), int(found.matter[at]), found.text[at], float(found.lon[at]),
             float(found.lat[at]), meant(standing, [(found.category[at], 1.0)])[0].category)
        for at in range(len(found.text))
    ]  # fmt: skip
    ends = found.ends_s[found.matter]
    opened = [one for one in made if one.at_s < _NOW_S < ends[one.number]]
    return opened[-before:], [one for one in made if one.at_s >= _NOW_S][:later]


@dataclass(frozen=True)
class Made:
    """A made-up report; `matter` is the truth, `category` what whoever reports would choose."""

    number: int
    at_s: float
    matter: int
    text: str
    lon: float
    lat: float
    category: str

    def asked(self, *, is_said: bool) -> Any:
        """What is asked of the city."""
        from cityloom.cases.actions import Asked

        category = self.category if is_said or self.number % 2 else "something-else"
        return Asked("request", category, {"words": self.text}, self.lon, self.lat, origin="web",
                     key=f"bench-{self.number}", secret=f"secret-{self.number}")  # fmt: skip


def _fill(rows: Sequence[Made]) -> None:
    """Open reports that were there before, taken in and told; their words are sealed by nobody, to save an hour."""
    from cityloom.bus.models import OutboxEvent
    from cityloom.cases.intake import taking
    from cityloom.cases.models import CaseHeard
    from cityloom.cases.working import recording
    from cityloom.kernel import clock
    from cityloom.kernel.actor import SYSTEM

    seal, recording.sealed_many = recording.sealed_many, lambda texts, by, at: dict.fromkeys(texts, bytes(200))
    from cityloom.cases import actions

    now = clock.now()
    for start in range(0, len(rows), _PART):
        part = rows[start : start + _PART]
        asked = [one.asked(is_said=True) for one in part]
        actions.open_cases(asked, by=SYSTEM, at=now - timedelta(seconds=_NOW_S - part[0].at_s))
    recording.sealed_many, desk = seal, taking.Desk()
    for start in range(0, len(rows), _PART):
        heard = list(CaseHeard.objects.select_related("case").order_by("case_id")[start : start + _PART])
        decided = [(desk.decide(one).kind, "", "taken", one.case_id) for one in heard]
        taking._mark(decided)
    OutboxEvent.objects.update(settled=True)


def _sustained(rows: Sequence[Any], batch: int, keeper: int) -> dict[str, float]:
    """How many a second go all the way, with the processor time of each of the three processes a case."""
    from django.db import connection

    from cityloom.cases.models import Case, CaseEvent

    ways: Any = multiprocessing.get_context("fork")
    told: Any = ways.Queue()
    connection.close()
    computed = _cpu_of(keeper)
    began = time.perf_counter()
    parts = [ways.Process(target=_open_all, args=(rows, batch, told)),
             ways.Process(target=_work, args=(len(rows), told))]  # fmt: skip
    for one in parts:
        one.start()
    used = {name: value for _ in parts for name, value in told.get()}
    for one in parts:
        one.join()
    seconds = used["until"] - began
    joined, routed = Case.objects.filter(state="joined"), CaseEvent.objects.filter(kind="routed").count()
    count = len(rows)
    return {
        "cases": count, "a_second": round(count / seconds), "opened_a_second": round(count / used["opened_s"]),
        "opener_cpu_ms": round(1e3 * used["opener"] / count, 2),
        "worker_cpu_ms": round(1e3 * used["worker"] / count, 2),
        "keeper_cpu_ms": round(1e3 * (_cpu_of(keeper) - computed) / count, 2), "joined": joined.count(),
        "routed": routed,
        "worker_mb": round(used["mb"]),
    }  # fmt: skip


def _open_all(rows: Sequence[Any], batch: int, told: Any) -> None:
    from cityloom.cases import actions
    from cityloom.kernel import clock
    from cityloom.kernel.actor import SYSTEM

    began = time.perf_counter()
    for start in range(0, len(rows), batch):
        actions.open_cases(rows[start : start + batch], by=SYSTEM, at=clock.now())
    told.put(list({"opener": time.process_time(), "opened_s": time.perf_counter() - began}.items()))


def _work(count: int, told: Any) -> None:
    """The worker's deliveries, until all have been taken in."""
    from cityloom.bus import actions as bus
    from cityloom.cases.models import CaseHeard
    from cityloom.kernel import clock

    while True:
        ran = bus.drain(at=clock.now())
        if not ran:
            done = CaseHeard.objects.filter(case__opened_at__gt=clock.now() - timedelta(hours=1)).exclude(
                standing="waiting")  # fmt: skip
            if done.count() >= count:
                break
            time.sleep(0.02)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    told.put(list({"worker": time.process_time(), "until": time.perf_counter(), "mb": memory}.items()))


def _alone(rows: Sequence[Any]) -> dict[str, float]:
    """What each case takes from the call to the end of its taking in, ten a second; then how fast calls follow."""
    from django.db import connection

    from cityloom.cases import actions
    from cityloom.kernel import clock
    from cityloom.kernel.actor import SYSTEM

    ways: Any = multiprocessing.get_context("fork")
    taken: Any = ways.Queue()
    connection.close()
    worker = ways.Process(target=_serve, args=(taken,), daemon=True)
    worker.start()
    time.sleep(0.5)
    third = len(rows) // 3
    began: dict[str, float] = {}
    opening: list[float] = []
    for asked in rows[:third]:
        start = time.perf_counter()
        case_id = actions.open_case(asked, by=SYSTEM, at=clock.now())
        opening.append(1e3 * (time.perf_counter() - start))
        began[case_id] = start
        time.sleep(max(0.1 - (time.perf_counter() - start), 0))
    time.sleep(1.0)
    ends = {}
    while not taken.empty():
        ends |= taken.get()
    walls = sorted(1e3 * (ends[key] - start) for key, start in began.items() if key in ends)
    start, cpu = time.perf_counter(), time.process_time()
    for asked in rows[third:]:
        actions.open_case(asked, by=SYSTEM, at=clock.now())
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    worker.terminate()
    worker.join()
    return {
        "cases": len(walls), "p50_ms": round(statistics.median(walls), 1),
        "p99_ms": round(walls[int(0.99 * (len(walls) - 1))], 1), "worst_ms": round(walls[-1], 1),
        "call_p50_ms": round(statistics.median(opening), 1), "calls_a_second": round(len(rows[third:]) / seconds),
        "call_cpu_ms": round(1e3 * cpu / len(rows[third:]), 2),
    }  # fmt: skip


def _serve(taken: Any) -> None:
    """The worker as it waits in a served city; it says when each case was taken in."""
    from cityloom.bus import actions as bus
    from cityloom.cases.intake import taking
    from cityloom.project import worker

    sound = taking._take

    def watched(rows: Any, at: datetime) -> int:
        count = sound(rows, at)
        now = time.perf_counter()
        taken.put({one.case.id: now for one in rows})
        return count

    taking._take = watched
    table = {"deliver events": lambda at: bus.drain(at=at), "send alerts": lambda at: None}
    while True:
        worker.wait_for_work(table, worker._position(), threading.Event())


def _rows_to_copy(count: int) -> list[list[Any]]:
    from cityloom.cases.models import Case

    found = Case.objects.filter(is_open=True).prefetch_related("clocks", "events", "followers").order_by("-number")
    return [[one, list(one.clocks.all()), list(one.events.all()), list(one.followers.all())] for one in found[:count]]


def _anew(copied: Sequence[Any], number: int) -> None:
    """The same rows under other ids."""
    case, clocks, events, followers = copied
    case.number, case.id = None, f"{number:026}"
    for at, row in enumerate((*clocks, *events)):
        row.id = f"{number:020}{at:06}"
    for row in followers:
        row.id = None


def _peer_one_by_one(count: int) -> int:
    from django.db import transaction

    copies = _rows_to_copy(count)
    began = time.perf_counter()
    for number, copied in enumerate(copies):
        _anew(copied, number)
        case, *beside = copied
        with transaction.atomic():
            case.save(force_insert=True)
            for row in [row for rows in beside for row in rows]:
                row.case = case
                row.save(force_insert=True)
    return round(len(copies) / (time.perf_counter() - began))


def _peer_in_bulk(count: int, batch: int) -> int:
    from django.db import transaction

    from cityloom.cases.models import Case

    copies = _rows_to_copy(count)
    began = time.perf_counter()
    for start in range(0, len(copies), batch):
        some = copies[start : start + batch]
        for at, copied in enumerate(some):
            _anew(copied, 1_000_000 + start + at)
        with transaction.atomic():
            Case.objects.bulk_create([copied[0] for copied in some])
            for at in (1, 2, 3):
                rows = [row for copied in some for row in copied[at]]
                for copied in some:
                    for row in copied[at]:
                        row.case = copied[0]
                type(rows[0]).objects.bulk_create(rows)
    return round(len(copies) / (time.perf_counter() - began))


def _cpu_of(pid: int) -> float:
    """What a process has computed so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _say(what: str, **figures: Any) -> None:
    print(json.dumps({"what": what} | figures, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
