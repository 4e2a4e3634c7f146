"""Measure the keeper: people sealed a second, envelopes opened a second in bulk and singly, leaves a second.

Run: python -m bench.keeper [--people N] [--workers N] [--leaves N]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np

from cityloom.keeper import basis, client, log, protocol, record, store
from cityloom.keeper.client import KeeperClient
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor

BATCH = 16_384
WORKER = Actor("worker-1", "city", frozenset({"social-worker"}))


def main() -> None:
    """Measure with a keeper of its own, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--leaves", type=int, default=100_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as place:
        found = _with_keeper(Path(place), wanted.people, wanted.workers) | _leaves(Path(place), wanted.leaves)
    print(json.dumps(found, indent=2))


def _with_keeper(place: Path, people: int, workers: int) -> dict[str, object]:
    (place / "assertion").write_text("a key for measuring")
    running = client.start(place / "keeper", place / "socket", place / "assertion")
    try:
        keeper = KeeperClient(place / "socket", place / "assertion")
        subjects, envelopes, sealing = _sealed(keeper, people, workers)
        found = sealing | _opened(keeper, subjects, envelopes) | _counted(keeper, subjects)
    finally:
        running.stop()
    size, seconds = _timed(lambda: log.verify(place / "keeper")[0])
    return found | {"leaves_verified_per_s": round(size / seconds), "log_leaves": size}


def _sealed(keeper: KeeperClient, people: int, workers: int) -> tuple[np.ndarray, bytes, dict[str, object]]:
    first, kept = None, []
    begun = time.perf_counter()
    with keeper.begin_load(keeper.sign(SYSTEM), workers) as sealer:
        ready = sealer.seal(same_people(BATCH))  # the processes have started when the first batch is back
        started = time.perf_counter()
        for sealed in sealer.seal_all(_batches(people)):
            first = first or sealed
            kept.append(sealed.subjects)
        seconds = time.perf_counter() - started
    whole = time.perf_counter() - begun
    memory = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    figures = {
        "people": people, "workers": workers, "sealed_per_s": round(people / seconds),
        "sealed_per_s_with_start_and_sync": round((people + BATCH) / whole), "largest_process_mib": memory // 1024,
    }  # fmt: skip
    return np.concatenate([ready.subjects, *kept]), ready.envelopes.tobytes(), figures


def _batches(people: int) -> Iterator[record.PeopleBatch]:
    same = same_people(BATCH)
    for at in range(0, people, BATCH):
        count = min(BATCH, people - at)
        yield record.PeopleBatch(same.records[:count], same.traits[:count])


def same_people(count: int) -> record.PeopleBatch:
    rows = np.arange(count)
    records = record.people_records(
        name=np.full(count, b"Wang Fang"), national_id=np.full(count, b"440305199001011234"),
        phone=np.full(count, b"+8613800000000"), birth_date=np.full(count, b"19900101"), need_note=np.full(count, b""),
    )  # fmt: skip
    traits = record.traits_of(age=rows % 100, sex=rows % 2, needs={"mobility": rows % 20 == 0})
    return record.PeopleBatch(records, traits)


def _opened(keeper: KeeperClient, subjects: np.ndarray, envelopes: bytes) -> dict[str, object]:
    some = subjects[:2000]
    until = clock.to_text(clock.now() + timedelta(hours=1))
    grant = protocol.Grant(keeper.sign(SYSTEM), "G", basis.EMERGENCY, "", ["name", "phone"], WORKER.account, until,
                           some.tobytes(), "I")  # fmt: skip
    keeper.ask(grant, protocol.Granted)

    def opened(count: int, by: KeeperClient = keeper) -> None:
        run = envelopes[: count * record.ENVELOPE_BYTES]
        request = protocol.Open(by.sign(WORKER), "G", ["name", "phone"], some[:count].tobytes(), run)
        by.ask(request, protocol.Opened)

    bulk = [_timed(lambda: opened(2000))[1] for _ in range(10)]
    single = [_timed(lambda: opened(1))[1] for _ in range(300)]
    crowd = _timed(lambda: _together(8, lambda: [opened(1) for _ in range(100)]))[1]
    return {
        "opened_per_s_2000_at_once": round(2000 / statistics.median(bulk)),
        "single_opening_p50_ms": round(statistics.median(single) * 1e3, 2),
        "single_opening_p99_ms": round(statistics.quantiles(single, n=100)[98] * 1e3, 2),
        "single_openings_per_s_8_clients": round(800 / crowd),
    }


def _counted(keeper: KeeperClient, subjects: np.ndarray) -> dict[str, object]:
    zone = subjects[:350_000]
    request = protocol.Count(keeper.sign(SYSTEM), zone.tobytes(), (np.arange(len(zone)) // 100).tobytes())
    times = [_timed(lambda: keeper.ask(request, protocol.Counted))[1] for _ in range(5)]
    return {f"count_{len(zone)}_people_by_building_ms": round(statistics.median(times) * 1e3, 1)}


def _leaves(place: Path, leaves: int) -> dict[str, object]:
    store.initialise(place / "log")
    book = log.Log(place / "log")
    facts = {"at": clock.to_text(clock.now()), "purpose": basis.EMERGENCY, "unit": "city", "fields": ["name", "phone"]}

    def append() -> None:
        for _ in range(leaves // 256 // 8):
            book.append([log.leaf("opened", facts, b"p" * 16) for _ in range(256)])

    seconds = _timed(lambda: _together(8, append))[1]
    size = book.head[0]
    book.close()
    return {"leaves_per_s_8_threads_groups_of_256": round(size / seconds)}


def _together(count: int, work: Callable[[], object]) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _timed(work: Callable[[], object]) -> tuple[object, float]:
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


if __name__ == "__main__":
    main()
