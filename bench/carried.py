"""Measure how many events reach their handlers in a second: where they happen, and over NATS JetStream.

Run: python -m bench.carried [--events N] [--url nats://...] [--postgresql URL]
A city of its own in a temporary home; the handler does nothing, so that what is measured is delivery: outbox, claim,
call, record. One line of JSON for each road; seconds of processor time are of this process, the server's are not.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BellRang:
    """What the events of this measurement say."""

    number: int


def hear(event: BellRang, *, envelope: object) -> None:
    """Do nothing."""


hear.__module__ = "cityloom.bench.handlers"


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5_000)
    parser.add_argument("--url", default=os.environ.get("CITYLOOM_TEST_NATS", "nats://127.0.0.1:4222"))
    parser.add_argument("--postgresql", default="", help="an empty database, instead of SQLite")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as place:
        (Path(place) / "city").mkdir()
        os.environ |= {
            "CITYLOOM_HOME": place, "CITYLOOM_CITY_DIR": f"{place}/city", "CITYLOOM_DATABASE_URL": wanted.postgresql,
            "DJANGO_SETTINGS_MODULE": "cityloom.project.settings",
        }  # fmt: skip
        import django
        from django.core.management import call_command
        from django.db import connection

        django.setup()
        if wanted.postgresql:
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_setting('search_path')")
                cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {cursor.fetchone()[0]}")
        call_command("migrate", verbosity=0)
        _run(wanted.events, wanted.url)
    return 0


def _run(events: int, url: str) -> None:
    from cityloom.bus import actions, queries
    from cityloom.bus.contrib.nats.line import NatsLine
    from cityloom.bus.domain.wiring import routes_of
    from cityloom.bus.jobs import Carrier
    from cityloom.bus.plugins import Address
    from cityloom.kernel import clock, ids

    actions.routes = lambda: routes_of({BellRang: [hear]})  # type: ignore[assignment]
    _measured("in process", events, lambda: actions.drain(at=clock.now()))
    line = NatsLine(Address(url, f"bench-{ids.new_ulid()}"))
    until = time.perf_counter() + 10
    while not line.is_up:
        if time.perf_counter() > until:
            print(json.dumps({"road": "nats", "why_not": f"no server with JetStream answers at {url}"}))
            line.close()
            return
        time.sleep(0.01)
    carrier = Carrier(line)
    carrier.turn(clock.now())

    def carry() -> None:
        while queries.pending(""):
            carrier.turn(clock.now(), 0.01)

    _measured("nats", events, carry)
    line.erase()
    carrier.close()


def _measured(road: str, events: int, deliver: Callable[[], object]) -> None:
    from django.db import transaction

    from cityloom.bus import actions, queries
    from cityloom.kernel import clock

    with transaction.atomic():
        for number in range(events):
            actions.publish(BellRang(number), at=clock.now())
    before, cpu = time.perf_counter(), time.process_time()
    deliver()
    elapsed, used = time.perf_counter() - before, time.process_time() - cpu
    assert queries.pending("") == 0
    print(json.dumps({
        "road": road, "events": events, "per_s": round(events / elapsed), "per_cpu_s": round(events / used),
        "load": round(os.getloadavg()[0], 1),
    }), flush=True)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
