"""Measure the whole road in one process: decode, judge, keep durably, each once, and watch: score, learn, run rules.

Run: python -m bench.watching [--readings N] [--streams N] [--batch N] [--packs NAME,...]
A city of its own with that many pressure gauges. Bodies are decoded by one thread while another keeps and watches, as
`bench.ingest` does without watching. One line of JSON; seconds of processor time are of this process, all its threads.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

T0 = 1_777_636_800_000_000
AT = datetime(2026, 5, 2, tzinfo=UTC)
LEARNT = 12


def main() -> None:
    """Measure in a home of its own, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readings", type=int, default=4_000_000)
    parser.add_argument("--streams", type=int, default=50_000)
    parser.add_argument("--batch", type=int, default=20_000)
    parser.add_argument("--packs", default="", help="shipped packs at work besides, as in pipes,sensors,pipe-burst")
    parser.add_argument("--folder", default=None)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cityloom-watching-", dir=wanted.folder) as place:
        begin_city(Path(place), Gauges.of(wanted.streams))
        print(json.dumps(_measured(wanted)))


def begin_city(home: Path, gauges: Gauges) -> None:
    """A city of nothing but these gauges."""
    os.environ |= {"CITYLOOM_HOME": str(home), "DJANGO_SETTINGS_MODULE": "cityloom.project.settings",
                   "CITYLOOM_DATABASE_URL": ""}  # fmt: skip
    (home / "cities" / "one").mkdir(parents=True)
    (home / "current").symlink_to("cities/one")
    import django

    django.setup()
    from django.core.management import call_command

    from cityloom.kernel.actor import SYSTEM
    from cityloom.signals import actions

    call_command("migrate", verbosity=0, interactive=False)
    actions.install(gauges, by=SYSTEM, at=AT)


@dataclass(frozen=True)
class Gauges:
    """Columns as a city's builder gives them."""

    kind: Any
    lon: Any
    lat: Any
    street: Any
    made_up: Any

    @classmethod
    def of(cls, many: int) -> Gauges:
        """On a lattice."""
        x, y = np.arange(many) % 250, np.arange(many) // 250
        return cls(np.full(many, "pressure", dtype=object), 113.8 + x * 0.002, 22.4 + y * 0.002,
                   np.full(many, "Bench Road", dtype=object), np.full(many, 255))  # fmt: skip


def bodies(readings: int, streams: int, batch: int, first_s: int = 0) -> Iterator[bytes]:
    """Batches as senders write them, a round of all streams a minute."""
    chance = np.random.default_rng(5 + abs(first_s))
    for number in range(readings // batch):
        place = np.arange(batch) + number * batch
        at_us = T0 + (first_s + place // streams * 60) * 1_000_000 + chance.integers(0, 400_000, batch)
        at = at_us.astype("datetime64[us]").astype("U26")
        value = np.round(chance.normal(350, 5, batch), 2)
        yield "".join(
            f'{{"datastream":"pressure-{who + 1}","result":{result},"phenomenonTime":"{when}Z"}}\n'
            for who, result, when in zip((place % streams).tolist(), value.tolist(), at.tolist(), strict=True)
        ).encode()


def _measured(wanted: argparse.Namespace) -> dict[str, object]:
    from cityloom.detection import actions as detection
    from cityloom.detection import queries
    from cityloom.kernel import clock
    from cityloom.kernel.actor import SYSTEM
    from cityloom.signals import actions as signals

    names = [one for one in wanted.packs.split(",") if one]
    for name in names:
        text = (queries.shipped_pack_files() | queries.shipped_cause_files())[name].read_text("utf-8")
        pack, number = detection.keep_pack(text=text, by=SYSTEM, at=AT)
        detection.put_in_force(pack=pack, number=number, reason="measured", by=SYSTEM, at=AT)
    time_ = clock.DrillClock(AT)
    with clock.use(time_):
        road = signals.open_road(noted=lambda kept: lookout.note(kept))  # noqa: PLW0108 - it is there later
        lookout = detection.watch_readings(by=SYSTEM)
        past = list(bodies(LEARNT * wanted.streams, wanted.streams, wanted.batch, -LEARNT * 60))
        _taken(road, lookout, past)
        found = _taken(road, lookout, list(bodies(wanted.readings, wanted.streams, wanted.batch)))
        state = lookout.watch.learnt.baseline.column("count")
        road.close()
        lookout.close()
    return found | {"streams": wanted.streams, "packs": names, "judged": int(state.sum())}


def _taken(road: Any, lookout: Any, sent: list[bytes]) -> dict[str, object]:
    from cityloom.signals.domain import wire

    before, used, started, waits = road.told.kept, cpu(), time.perf_counter(), []
    with ThreadPoolExecutor(1) as decoder:
        reading = decoder.submit(lambda: list(wire.read_lines(sent[0])))
        for number in range(len(sent)):
            blocks = reading.result()
            if number + 1 < len(sent):
                reading = decoder.submit(lambda body=sent[number + 1]: list(wire.read_lines(body)))
            begun = time.perf_counter()
            road.take(blocks, AT)
            lookout.tick(AT)
            waits.append(time.perf_counter() - begun)
    elapsed, used, kept = time.perf_counter() - started, cpu() - used, road.told.kept - before
    return {
        "readings": kept, "per_s": round(kept / elapsed), "per_cpu_s": round(kept / used),
        "cores": round(used / elapsed, 2), "batch_p50_ms": round(float(np.percentile(waits, 50)) * 1e3, 1),
        "batch_p99_ms": round(float(np.percentile(waits, 99)) * 1e3, 1),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def cpu() -> float:
    """Seconds of processor time of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
