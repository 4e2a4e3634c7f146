"""Measure the SensorThings service: single writes, batches, arrays, and questions over many observations.

Run: python -m bench.sensorthings [--observations N] [--lake N] [--url postgresql://...]
`--lake` puts so many observations of 1,000 streams into the lake first, written as its own files and tallies.
A city of its own in a temporary home, the whole of Django around each request, no socket: one request after the other
in one process, each write in a transaction of its own and on the disk when it is answered. `cpu` is processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import random
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
    parser.add_argument("--lake", type=int, default=0, help="observations that lie in the lake already")
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
        _run(wanted.observations, wanted.singles, wanted.lake)
    return 0


def _run(observations: int, singles: int, lake: int) -> None:
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
    _rows_of_arrays(api, stream_id, observations)
    _columns(api, observations)
    _of_rows(api, observations)
    if lake:
        _in_lake(api, lake)
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


def _rows_of_arrays(api: Any, stream_id: int, observations: int) -> None:
    """Rows, since they say more than a number: a tenth of the observations."""
    bodies = [json.dumps(_array(stream_id, first, 20_000, ("resultTime",)))
              for first in range(0, observations // 10, 20_000)]  # fmt: skip
    _timed("CreateObservations with resultTime, 20,000 a request", 20_000 * len(bodies), lambda: [
        api.call("POST", "CreateObservations", body) for body in bodies])  # fmt: skip


def _columns(api: Any, observations: int) -> None:
    """Numbers: in time, then late ones, then what is asked of a stream that has as many."""
    from tests.signals.sensing import stream, thing

    api.make("Things", thing(stream("Many"), stream("Late")))
    many, late = (row["@iot.id"] for row in api.values("Datastreams", orderby="id desc", top="2")[::-1])
    bodies = [json.dumps(_array(many, first, 100_000)) for first in range(0, observations, 100_000)]
    api.call("POST", "CreateObservations", json.dumps(_array(late, 300_000, 1_000)))  # what is needed is loaded then
    _timed("CreateObservations, 100,000 a request", 100_000 * len(bodies), lambda: [
        _check(api.call("POST", "CreateObservations", body)) for body in bodies])  # fmt: skip
    body = json.dumps(_array(late, 0, 250_000, shuffled=True))
    _timed("250,000 late observations in one request", 1, lambda: _check(api.call("POST", "CreateObservations", body)))
    _timed("the same again, known already", 1, lambda: _check(api.call("POST", "CreateObservations", body)))
    means = "groupby((phenomenonTime/day),aggregate(result with average as mean))"
    where = f"Datastreams({many})/Observations"
    options = {f"daily means of a stream of {observations:,}": {"apply": means},
               "first 100 of a stream, counted": {"count": "true", "top": "100"},
               "last one of a stream": {"orderby": "phenomenonTime desc", "top": "1"}}  # fmt: skip
    for name, one in options.items():
        _timed(f"GET {name}, in the journal", 10, lambda one=one: [api.get(where, **one) for _ in range(10)])
    from cityloom.signals.readings import owning

    owning.let_go()
    for name, one in options.items():
        _timed(f"GET {name}, all in the lake", 10, lambda one=one: [api.get(where, **one) for _ in range(10)])


def _of_rows(api: Any, observations: int) -> None:
    """What is asked of a stream all of whose observations are rows of the table."""
    from cityloom.signals.models import Observation
    from tests.signals.sensing import stream, thing

    api.make("Things", thing(stream("Rows")))
    key = api.values("Datastreams", orderby="id desc", top="1")[0]["@iot.id"]
    Observation.objects.bulk_create(
        (Observation(datastream_id=key, phenomenon_us=(_START + at * 10) * 1_000_000, result=at % 1000, known_us=1)
         for at in range(observations)), batch_size=5_000,
    )  # fmt: skip
    means = "groupby((phenomenonTime/day),aggregate(result with average as mean))"
    options = {f"daily means of {observations:,} rows": {"apply": means},
               f"the same by the days of Shanghai, {observations:,} rows": {"apply": f"{means}&timezone=Asia/Shanghai"},
               f"first 100 of {observations:,} rows, counted": {"count": "true", "top": "100"}}  # fmt: skip
    where = f"Datastreams({key})/Observations"
    for name, one in options.items():
        _timed(f"GET {name}", 10, lambda one=one: [api.get(where, **one) for _ in range(10)])


def _in_lake(api: Any, count: int) -> None:
    """Observations of 1,000 streams, a second apart: files of a million streams' seconds, then their tally."""
    import numpy as np

    from cityloom.lake.table import Once, Table
    from cityloom.signals.domain import tally
    from cityloom.signals.models import Datastream, Thing
    from cityloom.signals.readings import owning, tally_file
    from cityloom.signals.readings.store import OBSERVATIONS, WEB
    from cityloom.signals.sensorthings import kept

    like, thing = Datastream.objects.first(), Thing.objects.first()
    Datastream.objects.bulk_create(
        Datastream(name=f"lake-{number}", thing=thing, sensor=like.sensor, observed_property=like.observed_property,
                   feature_id=like.feature_id) for number in range(1_000)
    )  # fmt: skip
    ids = np.array(Datastream.objects.filter(name__startswith="lake-").order_by("id").values_list("id", flat=True))
    table, rng, each = Table(kept.root().resolve(), OBSERVATIONS), np.random.default_rng(5), count // 1_000
    begun, begin_us, part = time.perf_counter(), 1_483_228_800_000_000, 30_000
    counted = tally.empty(len(ids))
    for first in range(0, each, part):
        seconds = np.arange(first, min(first + part, each)) * 60
        at = begin_us + seconds * 1_000_000
        result = np.round(rng.normal(20, 5, len(ids) * len(at)), 2)
        table.append({"thing": np.repeat(ids, len(at)), "at": np.tile(at, len(ids)), "result": result,
                      "known_at": np.full(len(result), begin_us)})  # fmt: skip
        counted["last"] = result.reshape(len(ids), -1)[:, -1]
    counted["count"], counted["first_us"], counted["last_us"] = each, begin_us, int(at[-1])
    owning.let_go()
    number = table.written_up_to(WEB) + 1
    folder = tally_file.folder_of(kept.root().resolve(), WEB)
    old = np.load(folder / f"{number - 1}.npy")
    old_rows = np.zeros(len(old), tally.RECORD)
    for name in tally.RECORD.names:
        old_rows[name] = old[name]
    everyone, whole = np.r_[old["id"], ids], np.r_[old_rows, counted]
    tally_file.save(folder, number, everyone, whole)
    table.commit([], Once(WEB, number))
    owning.store(kept.root(), list(Datastream.objects.filter(kind="").values_list("id", flat=True)))
    _said("written to the lake", observations=count, seconds=round(time.perf_counter() - begun))
    path = f"Datastreams({int(ids[500])})/Observations"
    for name, (where, options) in {
        "all, $count=true&$top=100": ("Observations", {"count": "true", "top": "100"}),
        "the last 100 of a stream, counted": (path, {"count": "true", "orderby": "phenomenonTime desc"}),
        "hourly means of a day of a stream": (path, {"apply": "filter(phenomenonTime lt 2017-01-02T00:00:00Z)/groupby("
                                                     "(phenomenonTime/hour),aggregate(result with average as m))"}),
    }.items():  # fmt: skip
        answer = api.get(where, **options)
        count_said = {"@iot.count": answer["@iot.count"]} if "@iot.count" in answer else {}
        _timed(f"GET {name}", 10, lambda where=where, options=options: [api.get(where, **options) for _ in range(10)],
               **count_said)  # fmt: skip


def _check(answer: Any) -> None:
    if answer.status_code != 201 or b'"error' in answer.content:
        raise SystemExit(f"refused: {answer.content[:300]!r}")


def _array(
    stream_id: int, first: int, count: int, more: tuple[str, ...] = (), *, shuffled: bool = False
) -> list[dict[str, Any]]:  # fmt: skip
    numbers = list(range(first, first + count))
    if shuffled:
        random.Random(5).shuffle(numbers)
    times = ((at, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(_START + at * 10))) for at in numbers)
    rows = [[when, at % 1000, *([when] * len(more))] for at, when in times]
    names = ["phenomenonTime", "result", *more]
    return [{"Datastream": {"@iot.id": stream_id}, "components": names, "dataArray": rows}]


def _said(name: str, **facts: Any) -> None:
    print(json.dumps({"what": name} | facts), flush=True)


def _timed(name: str, count: int, work: Callable[[], Any], **facts: Any) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    row = {"what": name, "count": count, "per_s_of_cpu": round(count / cpu),
           "ms_of_cpu_each": round(cpu / count * 1e3, 3), "ms_of_wall_each": round(wall / count * 1e3, 3)}  # fmt: skip
    print(json.dumps(row | facts), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
