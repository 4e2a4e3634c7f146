"""The road of an exercise: a process takes in what its sensors say through a broker, on the drill's own clock."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cityloom.drills.contrib.broker import ROOT, ByBroker, not_taken
from cityloom.kernel import clock, ids
from cityloom.project.home import Home

_LONGEST_S = 60.0
_LOOK_S = 0.02
_LEAVES_S = 5.0


@contextmanager
def road_of(home: Home, exercise_id: str, broker: str) -> Iterator[Any]:
    """Start the process, and give what a drill says its readings to.

    Raises: Refused `drill.no_broker`, `drill.not_taken`.
    """
    from cityloom.signals import queries as signals

    topic = f"{ROOT}/{exercise_id}/{ids.new_ulid()}"
    told = home.run_dir / f"{exercise_id}.taken"
    told.unlink(missing_ok=True)
    units: dict[int | str, str] = {}

    def unit_of(key: int | str) -> str:
        if key not in units:
            units[key] = next((one.unit for one in signals.streams_by_key([key]).values()), "")
        return units[key]

    road = ByBroker(broker, topic, unit_of, lambda: taken(told))
    with (home.logs / "exercise.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "cityloom.project.child", "exercise", str(os.getpid()), exercise_id, broker, topic,
             str(told)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        _await(process, told)
        yield road
    finally:
        road.close()
        process.terminate()
        try:
            process.wait(_LEAVES_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        told.unlink(missing_ok=True)


def taken(told: Path) -> int:
    """Up to which message the process has come; -1 before it listens."""
    try:
        return int(told.read_text() or -1)
    except (OSError, ValueError):
        return -1


def take_in(exercise_id: str, broker: str, topic: str, told: str) -> None:
    """Take in the readings of an exercise until SIGTERM."""
    from cityloom.detection import actions as detection
    from cityloom.kernel.actor import SYSTEM
    from cityloom.signals import actions as signals

    stop, path, time = threading.Event(), Path(told), clock.DrillClock(datetime(1970, 1, 2, tzinfo=UTC))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    text = json.dumps({"broker": broker, "client": f"drill-{topic[-26:]}",
                       "topics": [{"topic": f"{topic}/{{time}}/{{number}}", "payload": "lines"}]})  # fmt: skip

    @contextmanager
    def around(messages: Sequence[Any]) -> Iterator[None]:
        """Take messages at the drill's time that they carry, and say how far that is."""
        at_us, last = (int(part) for part in messages[-1].topic.rsplit("/", 2)[1:])
        time.advance_to(datetime.fromtimestamp(at_us / 1e6, UTC))
        yield
        lookout.tell()
        _say(path, last)

    def note(kept: Any) -> None:
        lookout.note(kept)

    def turn(words: str) -> None:
        if words == "connected" and taken(path) < 0:
            _say(path, 0)

    with clock.use(time):
        road = signals.open_road(exercise_id=exercise_id, noted=note)
        lookout = detection.watch_readings(by=SYSTEM, exercise_id=exercise_id)
        try:
            signals.carry(road, text=text, stop=stop, around=around, turn=turn)
        finally:
            road.close()


def _await(process: subprocess.Popen[bytes], told: Path) -> None:
    deadline = clock.stopwatch() + _LONGEST_S
    while taken(told) < 0:
        if process.poll() is not None or clock.stopwatch() > deadline:
            raise not_taken(int(_LONGEST_S))
        threading.Event().wait(_LOOK_S)


def _say(path: Path, number: int) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(str(number))
    fresh.replace(path)
