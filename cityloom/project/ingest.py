"""The ingest process: what a broker and a folder bring is kept, judged and told, all in one."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from django.db import close_old_connections

from cityloom.detection import actions as detection
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.project.home import Home
from cityloom.project.parts import beat_file
from cityloom.signals import actions as signals

log = logging.getLogger(__name__)
_PAUSE_S = 0.1
_AGAIN_S = 5.0
_LOOK_S = 5.0
_SAID_EVERY_S = 1.0


class Ingest:
    """Owns the city's readings as long as it runs."""

    def __init__(self, home: Home, stop: threading.Event) -> None:
        self._home, self._stop, self._parent = home, stop, os.getppid()
        self._beat = beat_file(home, "ingest")
        self._line, self._said_at, self._looked_at = "no broker", 0.0, 0.0
        self._bridge_ended = threading.Event()
        self._bridge = ""
        home.readings.mkdir(mode=0o700, exist_ok=True)
        self._folder = signals.open_folder(home.readings)
        self._of_file: Counter[str] = Counter()
        self._road: Any = None
        self._lookout: Any = None

    def run(self) -> None:
        """Take in until told to stop."""
        if not self._open():
            return
        door = signals.open_door(self._road, self._home.socket("readings"))
        door.start()
        try:
            while not self._is_over():
                self._attend_bridge()
        finally:
            door.stop()
            self._road.close()
            self._lookout.close()

    def _open(self) -> bool:
        """Own the readings, once nobody else does, and judge what came before."""
        while not self._is_over():
            try:
                self._road = signals.open_road(noted=self._note)
            except Refused as refusal:
                self._say(f"waiting: {refusal.code}")
                self._stop.wait(_AGAIN_S)
            else:
                self._lookout = detection.watch_readings(by=SYSTEM, turn=lambda: self._say("learning"))
                return True
        return False

    def _note(self, kept: Any) -> None:
        self._lookout.note(kept)

    def _attend_bridge(self) -> None:
        """Carry what the broker of the bridge sends, until its file changes; without one look after the folder."""
        self._bridge = self._text()
        self._bridge_ended.clear()
        self._carry()

    def _carry(self) -> None:
        if not self._bridge:
            while not self._bridge_ended.wait(_PAUSE_S):
                self._turn("")
                self._road.tick()
            return
        try:
            signals.carry(self._road, text=self._bridge, stop=self._bridge_ended, turn=self._turn)
        except Refused as refusal:
            log.warning("the bridge: %s", refusal.sentence)
            self._line = refusal.sentence
            again = clock.stopwatch() + _AGAIN_S
            while clock.stopwatch() < again and not self._bridge_ended.wait(_PAUSE_S):
                self._turn("")

    def _turn(self, words: str) -> None:
        """Do what is due besides; each turn is short."""
        self._line = words or self._line
        self._beat.touch(mode=0o600)
        if self._is_over():
            self._bridge_ended.set()
            return
        try:
            self._take_file()
            self._lookout.tick(clock.now())
        except Refused as refusal:
            log.warning("taking in: %s", refusal.code)
        except Exception:  # the process outlives any of these: the defect is in the log, the next turn tries again
            log.exception("taking in failed; reference %s", ids.new_ulid())
        self._look_around()

    def _take_file(self) -> None:
        """Take a block of the file that is being read, if one is."""
        block = self._folder.next()
        if block is not None:
            found = self._road.take([block], clock.now())
            self._of_file.update(kept=found.kept, duplicates=found.duplicates)
            self._of_file.update({f"rejected.{code}": count for code, count in found.rejected.items()})
        elif self._folder.is_reading:
            self._folder.done(dict(self._of_file))
        if not self._folder.is_reading:
            self._of_file.clear()

    def _look_around(self) -> None:
        now = clock.stopwatch()
        if now - self._said_at >= _SAID_EVERY_S:
            self._say(self._line)
        if now - self._looked_at >= _LOOK_S:
            self._looked_at = now
            close_old_connections()
            if self._text() != self._bridge:
                self._bridge_ended.set()

    def _say(self, line: str) -> None:
        """Let `cityloom readings status` see how it stands."""
        self._said_at = clock.stopwatch()
        self._beat.touch(mode=0o600)
        facts: dict[str, object] = {"line": line}
        if self._road is not None:
            told = self._road.told
            facts |= {"kept": told.kept, "duplicates": told.duplicates, "rejected": dict(told.rejected)}
        fresh = status_file(self._home).with_suffix(".new")
        fresh.write_text(json.dumps(facts))
        fresh.replace(status_file(self._home))

    def _text(self) -> str:
        try:
            return self._home.bridge.read_text("utf-8-sig", errors="replace")
        except OSError:
            return ""

    def _is_over(self) -> bool:
        return self._stop.is_set() or os.getppid() != self._parent


def status_file(home: Home) -> Path:
    """What the ingest process last said."""
    return home.run_dir / "ingest.json"


def run() -> None:
    """Take in until SIGTERM, or until the parent has gone."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    Ingest(Home.from_environment(), stop).run()
