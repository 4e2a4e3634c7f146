"""Addresses are looked up by a process of its own, for every load that brought more than it placed itself."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime

from cityloom.kernel import clock
from cityloom.registers import actions

_LOOK_S = 10.0


class Placer:
    """Holds the process that looks addresses up, if one is at work."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._due = 0.0
        self._done: object = None
        self._begun: object = None

    def tend(self, at: datetime) -> None:
        """Begin where a load has come, or another city, since all was looked up; what was cut short goes on."""
        if self._process is not None:
            if self._process.poll() is None:
                return
            self._done = self._begun if self._process.returncode == 0 else None
            self._process = None
        if clock.stopwatch() < self._due:
            return
        self._due = clock.stopwatch() + _LOOK_S
        known = actions.known_by_address()
        if known is not None and known != self._done:
            self._begun = known
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cityloom.project.child", "placer", str(os.getpid())],
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    def close(self) -> None:
        """End the process; it goes on where it was when the city is served again."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._process = None


def look_up() -> None:
    """Look up what waits."""
    os.nice(10)  # nobody waits for it, and people may wait for what shares its processor
    actions.place_what_waits()
