"""Measure recording and detection on a district's sensors: a batch of 50,000 readings, and one assessment.

Run: python -m bench.detection [--streams N] [--readings N] [--assessments N]
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from datetime import UTC, datetime, timedelta

import numpy as np

AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
KINDS = ("pressure", "settlement", "traffic_speed", "flow")
NORMAL = {"pressure": 350.0, "settlement": 2.0, "traffic_speed": 42.0, "flow": 20.0}
UNIT = {"pressure": "kPa", "settlement": "mm", "traffic_speed": "km/h", "flow": "L/s"}
EXERCISE = "bench"


def main() -> None:
    """Measure in a database of its own, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=5_000)
    parser.add_argument("--readings", type=int, default=50_000)
    parser.add_argument("--assessments", type=int, default=200)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as home:
        _start(home)
        print(json.dumps(_measured(wanted.streams, wanted.readings, wanted.assessments), indent=2))


def _start(home: str) -> None:
    os.environ |= {"CITYLOOM_HOME": home, "DJANGO_SETTINGS_MODULE": "cityloom.project.settings"}
    import django
    from django.conf import settings
    from django.core.management import call_command

    settings.CITYLOOM["CITY_DIR"].mkdir(parents=True, exist_ok=True)
    django.setup()
    call_command("migrate", verbosity=0)


def _measured(streams: int, readings: int, assessments: int) -> dict[str, object]:
    from cityloom.detection import actions as detection
    from cityloom.kernel.actor import SYSTEM
    from cityloom.signals import actions as signals
    from cityloom.signals import queries

    places = _install(streams)
    recording = []
    for batch in range(5):
        rows = _ordinary(streams, readings, batch)
        started = time.perf_counter()
        found = signals.record(readings=rows, by=SYSTEM, at=AT, exercise_id=EXERCISE, history=True)
        recording.append(time.perf_counter() - started)
        if found.accepted != readings:
            raise SystemExit(f"Of {readings} readings {found.accepted} were kept: {found.rejected}")
    started = time.perf_counter()
    since = AT - timedelta(days=1)
    detection.learn_baselines(datastream_ids=range(1, streams + 1), since=since, until=AT, by=SYSTEM, at=AT,
                              exercise_id=EXERCISE)  # fmt: skip
    learning = time.perf_counter() - started
    rng = np.random.default_rng(3)
    results = [_assessment(places[rng.integers(streams)], number) for number in range(assessments)]
    seconds = [elapsed for elapsed, _ in results]
    near = [len(queries.datastreams_near(*place, 250.0)) for place in places[:50]]
    return {
        "record": {"readings": readings, "best_s": round(min(recording), 3), "worst_s": round(max(recording), 3)},
        "learn": {"streams": streams, "s": round(learning, 3)},
        "assess": {
            "streams_within_250_m": round(float(np.median(near))), "assessments": assessments,
            "p50_ms": round(float(np.percentile(seconds, 50)) * 1e3, 1),
            "p99_ms": round(float(np.percentile(seconds, 99)) * 1e3, 1),
            "raised": sum(count for _, count in results),
        },
    }  # fmt: skip


def _install(streams: int) -> list[tuple[float, float]]:
    """Put streams on a square so dense that about 100 lie within 250 m of any place; the places, in order of id."""
    from types import SimpleNamespace

    from cityloom.kernel.actor import SYSTEM
    from cityloom.kernel.geometry import LocalProjection
    from cityloom.signals import actions as signals

    rng = np.random.default_rng(1)
    side_m = np.sqrt(streams * np.pi * 250**2 / 100)
    lonlat = LocalProjection(113.93, 22.53).lonlat(rng.uniform(-side_m / 2, side_m / 2, (streams, 2)))
    kinds = np.array([KINDS[number % 4] for number in range(streams)], dtype=object)
    signals.install(
        SimpleNamespace(kind=kinds, lon=lonlat[:, 0], lat=lonlat[:, 1], street=kinds, made_up=np.full(streams, 255)),
        by=SYSTEM, at=AT,
    )  # fmt: skip
    return [tuple(place) for place in lonlat.tolist()]


def _ordinary(streams: int, count: int, batch: int) -> list[object]:
    from cityloom.signals.actions import Reading

    noise = np.random.default_rng(batch).normal(0, 1, count)
    found = []
    for number in range(count):
        stream, turn = number % streams, number // streams + batch * (count // streams + 1)
        kind = KINDS[stream % 4]
        at = AT - timedelta(seconds=60 * turn)
        found.append(Reading(stream + 1, NORMAL[kind] + noise[number], UNIT[kind], at, f"{stream}-{batch}-{turn}"))
    return found


def _assessment(place: tuple[float, float], number: int) -> tuple[float, int]:
    """Record eight wild streams near a place and time what detection then does, raising included."""
    from cityloom.detection import actions as detection
    from cityloom.detection.models import Detection
    from cityloom.kernel.actor import SYSTEM
    from cityloom.signals import actions as signals
    from cityloom.signals import queries
    from cityloom.signals.events import SignalsRecorded
    from cityloom.signals.models import Observation

    near = queries.datastreams_near(*place, 200.0)
    rows = [
        signals.Reading(
            int(key), NORMAL[kind] / 10 + (60.0 if kind == "settlement" else 0.0), UNIT[kind], AT, f"w{number}"
        )
        for key, kind in zip(near.id[:8].tolist(), near.kind[:8].tolist(), strict=True)
    ]
    signals.record(readings=rows, by=SYSTEM, at=AT, exercise_id=EXERCISE, history=True)
    event = SignalsRecorded(len(rows), tuple(near.id[:8].tolist()), (), (), AT, AT)
    started = time.perf_counter()
    touched = detection.assess(recorded=event, by=SYSTEM, at=AT, exercise_id=EXERCISE)
    elapsed = time.perf_counter() - started
    Detection.objects.all().delete()  # the next one finds the district as calm as this one did
    Observation.objects.filter(message_id=f"w{number}").delete()
    return elapsed, len(touched)


if __name__ == "__main__":
    main()
