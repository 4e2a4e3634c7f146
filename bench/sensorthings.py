"""Measure the SensorThings service: single writes, batches, arrays, and questions over many observations.

Run: python -m bench.sensorthings [--observations N] [--url postgresql://...]
A city of its own in a temporary home, the whole of Django around each request, no socket: one request after the other
in one process, each write in a transaction of its own and on the disk when it is answered. `cpu` is processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_START = 1_767_225_600  # 2026-01-01


def main() -> int:
    """Measure, and print one row as JSON for each question."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--observations", type=int, default=100_000)
    parser.add_argument("--singles", type=int, default=500)
    parser.add_argument("--url", default="", help="PostgreSQL instead of SQLite, in an empty database")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as place:
        (Path(place) / "city").mkdir()
        os.environ |= {
            "CITYLOOM_HOME": place, "CITYLOOM_CITY_DIR": f"{place}/city", "CITYLOOM_DATABASE_URL": wanted.url,
            "CITYLOOM_HOSTS": "testserver", "DJANGO_SETTINGS_MODULE": "cityloom.project.settings",
        }  # fmt: skip
        import django
        from django.core.management import call_command
        from django.db import connection

        django.setup()
        if wanted.url:
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_setting('search_path')")
                cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {cursor.fetchone()[0]}")
        call_command("migrate", verbosity=0)
        _run(wanted.observations, wanted.singles)
    return 0


def _run(observations: int, singles: int) -> None:
    from cityloom.kernel import clock
    from cityloom.kernel.actor import SYSTEM
    from cityloom.signals import actions
    from tests.signals.sensing import Api, stream, thing

    api = Api(actions.make_key(owner="bench", by=SYSTEM, at=clock.now()))
    api.make("Things", thing(stream()))
    path = f"Datastreams({api.values('Datastreams')[0]['@iot.id']})"
    stream_id = int(path[12:-1])
    _timed("POST Observations, one by one", singles, lambda: [
        api.post(f"{path}/Observations", {"result": at}) for at in range(singles)])  # fmt: skip
    requests = [{"id": str(at), "method": "post", "url": f"{path}/Observations", "body": {"result": at}}
                for at in range(1000)]  # fmt: skip
    _timed("$batch of 1,000 POSTs", 1000, lambda: api.post("$batch", {"requests": requests}, 200))
    grouped = [one | {"atomicityGroup": "all"} for one in requests]
    _timed("$batch of 1,000 POSTs in one group", 1000, lambda: api.post("$batch", {"requests": grouped}, 200))
    _timed("CreateObservations, 20,000 a request", observations, lambda: [
        api.post("CreateObservations", _array(stream_id, first, min(20_000, observations - first)))
        for first in range(0, observations, 20_000)])  # fmt: skip
    asked = {
        "100 newest of a stream": (f"{path}/Observations", {"orderby": "phenomenonTime desc"}),
        "result gt 990, counted": ("Observations", {"filter": "result gt 990", "count": "true"}),
        "an hour by time": (f"{path}/Observations", {
            "filter": "phenomenonTime ge 2026-01-02T00:00:00Z and phenomenonTime lt 2026-01-02T01:00:00Z"}),
        "over two relations": ("Observations", {"filter": "Datastream/Thing/name eq 'Weir' and result gt 990"}),
        "all counted": ("Observations", {"count": "true", "top": "0"}),
        "datastreams with their extents": ("Datastreams", {}),
        "page at $skip=90,000": ("Observations", {"skip": str(observations * 9 // 10)}),
    }  # fmt: skip
    for name, (where, options) in asked.items():
        _timed(f"GET {name}", 10, lambda where=where, options=options: [api.get(where, **options) for _ in range(10)])


def _array(stream_id: int, first: int, count: int) -> list[dict[str, Any]]:
    rows = [[time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(_START + at * 10)), at % 1000]
            for at in range(first, first + count)]  # fmt: skip
    return [{"Datastream": {"@iot.id": stream_id}, "components": ["phenomenonTime", "result"], "dataArray": rows}]


def _timed(name: str, count: int, work: Callable[[], Any]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    row = {"what": name, "count": count, "per_s_of_cpu": round(count / cpu),
           "ms_of_cpu_each": round(cpu / count * 1e3, 3), "ms_of_wall_each": round(wall / count * 1e3, 3)}  # fmt: skip
    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
