"""Measure readings in bulk over HTTP: JSON lines, CSV, Parquet and Arrow, until each is on the disk and watched.

Run: python -m bench.posted [--readings N] [--streams N] [--body N]
A city of its own in a temporary home. The process that keeps and watches readings is the real one; requests go through
the whole of Django, one after the other, without a socket of TCP. One line of JSON for each format, and for the first
body sent again; seconds of processor time are of the request's process and of ingest together.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from cityloom.kernel import clock

_SECONDS = {"lines": 0, "csv": 1, "parquet": 2, "arrow": 3}
"""Hours before now at which the readings of each format lie, so that none repeats another's."""


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readings", type=int, default=2_000_000)
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--body", type=int, default=500_000, help="readings in a request")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as place:
        (Path(place) / "city").mkdir()
        (Path(place) / "readings").mkdir()
        os.environ |= {
            "CITYLOOM_HOME": place, "CITYLOOM_CITY_DIR": f"{place}/city", "CITYLOOM_HOSTS": "testserver",
            "DJANGO_SETTINGS_MODULE": "cityloom.project.settings",
        }  # fmt: skip
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        key = _installed(wanted.streams)
        ingest = subprocess.Popen([sys.executable, "-m", "cityloom.project.child", "ingest", str(os.getpid())])
        try:
            _run(wanted, key, ingest.pid)
        finally:
            ingest.terminate()
            ingest.wait()
    return 0


def _installed(streams: int) -> str:
    from cityloom.kernel.actor import SYSTEM
    from cityloom.signals import actions
    from tests.signals.drawn import sites

    actions.install(sites(*(("pressure", 8.6, 41.1) for _ in range(streams))), by=SYSTEM, at=clock.now())
    return actions.make_key(owner="bench", by=SYSTEM, at=clock.now())


def _run(wanted: argparse.Namespace, key: str, ingest: int) -> None:
    from django.conf import settings
    from django.test import Client

    from cityloom.signals.readings import handing

    while not handing.is_open(Path(settings.CITYLOOM["READINGS_DOOR"])):
        time.sleep(0.1)
    client = Client(headers={"Authorization": f"Bearer {key}"})

    def send(kind: str, bodies: list[bytes], name: str) -> None:
        before, cpu, kept, known = time.perf_counter(), _cpu(ingest), 0, 0
        for body in bodies:
            told = client.post("/ingest/readings", body, content_type=kind).json()
            kept, known = kept + told["kept"], known + told["duplicates"]
        elapsed, used, count = time.perf_counter() - before, _cpu(ingest) - cpu, kept + known
        print(json.dumps({
            "format": name, "readings": count, "kept": kept, "bytes_each": round(sum(map(len, bodies)) / count, 1),
            "per_s": round(count / elapsed), "per_cpu_s": round(count / used), "cores": round(used / elapsed, 2),
            "load": round(os.getloadavg()[0], 1),
        }), flush=True)  # fmt: skip

    few = argparse.Namespace(readings=wanted.streams, streams=wanted.streams, body=wanted.streams)
    client.post("/ingest/readings", _lines(next(_tables(few, 9))), content_type="application/x-ndjson")  # imports
    first: tuple[str, list[bytes]] | None = None
    for name, (kind, write) in _FORMATS.items():
        bodies = [write(table) for table in _tables(wanted, _SECONDS[name])]
        first = first or (kind, bodies[:1])
        send(kind, bodies, name)
    assert first
    send(*first, "lines, again")


def _tables(wanted: argparse.Namespace, hours: int) -> Iterator[pa.Table]:
    """A round of all streams each second, up to some hours ago."""
    rng = np.random.default_rng(5 + hours)
    end = int(clock.now().timestamp()) - hours * 3600 - wanted.readings // wanted.streams
    for number in range(wanted.readings // wanted.body):
        place = np.arange(wanted.body) + number * wanted.body
        yield pa.table({
            "datastream": pa.array((place % wanted.streams + 1).astype("U7")),
            "result": np.round(rng.normal(350, 5, wanted.body), 2),
            "phenomenonTime": pa.array((end + place // wanted.streams) * 1_000_000, pa.timestamp("us", "UTC")),
        })  # fmt: skip


def _lines(table: pa.Table) -> bytes:
    times = table["phenomenonTime"].to_numpy().astype("datetime64[s]").astype(str).tolist()
    rows = zip(table["datastream"].to_pylist(), table["result"].to_pylist(), times, strict=True)
    return "".join(f'{{"datastream":"{who}","result":{result},"phenomenonTime":"{when}Z"}}\n'
                   for who, result, when in rows).encode()  # fmt: skip


def _csv(table: pa.Table) -> bytes:
    times = table["phenomenonTime"].to_numpy().astype("datetime64[s]").astype(str).tolist()
    texts = table.set_column(2, "phenomenonTime", pa.array([f"{one}Z" for one in times]))
    sink = io.BytesIO()
    csv.write_csv(texts, sink)
    return sink.getvalue()


def _parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def _arrow(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


_FORMATS: dict[str, tuple[str, Callable[[pa.Table], bytes]]] = {
    "lines": ("application/x-ndjson", _lines), "csv": ("text/csv", _csv),
    "parquet": ("application/vnd.apache.parquet", _parquet), "arrow": ("application/vnd.apache.arrow.stream", _arrow),
}  # fmt: skip


def _cpu(other: int) -> float:
    """Seconds of processor time of this process and another one."""
    fields: list[Any] = Path(f"/proc/{other}/stat").read_text().rpartition(")")[2].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
