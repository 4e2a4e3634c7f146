"""Measure the road of readings in one process: decode, judge, keep durably, each once, and move to the lake.

Run: python -m bench.ingest [--readings N] [--streams N] [--batch N] [--late SHARE]
The peer, in the same run: the standard library's json and SQLite (WAL, synchronous=FULL), a transaction a batch.
One line of JSON; seconds of processor time are of this process alone, all its threads.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

T0 = 1_777_636_800_000_000
AT = datetime(2026, 5, 2, tzinfo=UTC)


def main() -> None:
    """Measure in a folder of its own, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readings", type=int, default=5_000_000)
    parser.add_argument("--streams", type=int, default=50_000)
    parser.add_argument("--batch", type=int, default=20_000)
    parser.add_argument("--late", type=float, default=0.01, help="the share of readings that come later than others")
    parser.add_argument("--folder", default=None)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cityloom-ingest-", dir=wanted.folder) as place:
        print(json.dumps(_ours(Path(place), wanted) | _peer(Path(place), wanted)))


def _bodies(wanted: argparse.Namespace) -> Iterator[bytes]:
    """Batches as senders write them, a round of all streams each second, some of them late."""
    rng = np.random.default_rng(5)
    rounds = wanted.readings // wanted.batch
    second = 1_000_000
    for number in range(rounds):
        ids = (np.arange(wanted.batch) + number * wanted.batch) % wanted.streams
        seconds = (np.arange(wanted.batch) + number * wanted.batch) // wanted.streams
        seconds = np.where(rng.random(wanted.batch) < wanted.late, seconds - 40, seconds)
        at = (T0 + seconds * second + rng.integers(0, 400_000, wanted.batch)).astype("datetime64[us]").astype("U26")
        value = np.round(rng.normal(350, 5, wanted.batch), 2)
        yield "".join(
            f'{{"datastream":"pressure-{who}","result":{result},"phenomenonTime":"{when}Z"}}\n'
            for who, result, when in zip(ids.tolist(), value.tolist(), at.tolist(), strict=True)
        ).encode()


def _ours(place: Path, wanted: argparse.Namespace) -> dict[str, object]:
    from cityloom.signals.domain import wire
    from cityloom.signals.domain.judging import Streams, judge
    from cityloom.signals.readings.store import Store

    many = wanted.streams
    streams = Streams(range(1, many + 1), [f"pressure-{number}" for number in range(many)], [0.0] * many, [1e3] * many,
                      [0] * many)  # fmt: skip
    bodies = list(_bodies(wanted))
    store, kept, waits = Store(place, streams), 0, []
    before, started = _cpu(), time.perf_counter()
    with ThreadPoolExecutor(1) as decoder:
        reading = decoder.submit(lambda: list(wire.read_lines(bodies[0])))
        for number in range(len(bodies)):
            blocks = reading.result()
            if number + 1 < len(bodies):
                reading = decoder.submit(lambda body=bodies[number + 1]: list(wire.read_lines(body)))
            begun = time.perf_counter()
            kept += sum(len(store.take(judge(block, streams, AT)).slot) for block in blocks)
            waits.append(time.perf_counter() - begun)
    elapsed, used = time.perf_counter() - started, _cpu() - before
    store.close()
    return {
        "readings": kept, "bytes_each": round(sum(map(len, bodies)) / kept), "per_s": round(kept / elapsed),
        "per_cpu_s": round(kept / used), "cores": round(used / elapsed, 2),
        "batch_p50_ms": round(float(np.percentile(waits, 50)) * 1e3, 1),
        "batch_p99_ms": round(float(np.percentile(waits, 99)) * 1e3, 1),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def _peer(place: Path, wanted: argparse.Namespace) -> dict[str, object]:
    fewer = argparse.Namespace(**vars(wanted) | {"readings": min(wanted.readings, 500_000)})
    bodies = list(_bodies(fewer))
    database = sqlite3.connect(place / "peer.db")
    database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                           "CREATE TABLE readings (stream TEXT, at TEXT, result REAL)")  # fmt: skip
    before, started = _cpu(), time.perf_counter()
    for body in bodies:
        rows = [json.loads(line) for line in body.splitlines()]
        with database:
            database.executemany("INSERT INTO readings VALUES (:datastream, :phenomenonTime, :result)", rows)
    elapsed, used = time.perf_counter() - started, _cpu() - before
    return {"peer_per_s": round(fewer.readings / elapsed), "peer_per_cpu_s": round(fewer.readings / used)}


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
