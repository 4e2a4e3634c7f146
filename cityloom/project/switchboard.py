"""The switchboard process: SensorThings over the broker that a file names, for as long as the city is served."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading

from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.project.home import Home
from cityloom.project.parts import beat_file
from cityloom.signals import actions as signals

log = logging.getLogger(__name__)
_AGAIN_S = 5.0
_LOOK_S = 2.0


class Switchboard:
    """Follows the file: where it changes, a new line to the broker begins."""

    def __init__(self, home: Home, stop: threading.Event) -> None:
        self._home, self._stop, self._parent = home, stop, os.getppid()
        self._line_ends = threading.Event()
        self._beat, self._says = beat_file(home, "switchboard"), home.run_dir / "switchboard.json"
        self._root = os.environ.get("CITYLOOM_WEB_URL", "http://localhost").rstrip("/") + "/sta/v1.1"

    def run(self) -> None:
        """Exchange until told to stop."""
        watch = threading.Thread(target=self._watch, name="watch the file", daemon=True)
        watch.start()
        while not self._stop.is_set():
            self._line_ends.clear()
            self._text = self._read()
            self._exchange()
            self._stop.wait(0 if self._line_ends.is_set() else _AGAIN_S)
        watch.join()

    def _exchange(self) -> None:
        try:
            signals.exchange_things(text=self._text, stop=self._line_ends, by=SYSTEM, at=clock.now(), tell=self._say,
                                    root=self._root)  # fmt: skip
        except Refused as refusal:
            log.warning("the exchange: %s", refusal.sentence)
            self._say(refusal.sentence, 0, 0)
        except Exception:  # the process outlives any of these: the defect is in the log, the next line tries again
            log.exception("the exchange failed; reference %s", ids.new_ulid())

    def _watch(self) -> None:
        """See whether the file has changed, and whether whoever started this is there."""
        self._text = self._read()
        while not self._stop.wait(_LOOK_S):
            self._beat.touch(mode=0o600)
            if os.getppid() != self._parent:
                self._stop.set()
            if self._read() != self._text:
                self._line_ends.set()
        self._line_ends.set()

    def _say(self, words: str, told: int, made: int) -> None:
        """Let an operator see how it stands; words only, so that nothing is written for each message."""
        if words:
            fresh = self._says.with_suffix(".new")
            fresh.write_text(json.dumps({"line": words, "told": told, "made": made}))
            fresh.replace(self._says)

    def _read(self) -> str:
        try:
            return self._home.switchboard.read_text("utf-8-sig", errors="replace")
        except OSError:
            return ""


def run() -> None:
    """Exchange until SIGTERM, or until the parent has gone."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    home = Home.from_environment()
    beat_file(home, "switchboard").touch(mode=0o600)
    Switchboard(home, stop).run()
