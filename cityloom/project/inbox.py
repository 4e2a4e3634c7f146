"""The city's inbox: files that arrive are loaded by a process of its own, so that nothing urgent waits for a load."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from django.conf import settings

from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.registers import actions

_LOOK_S = 5.0
_PAUSE_S = 30.0
"""After a look that may have left something waiting."""


class Inbox:
    """Holds the process that takes files in, if one is at work."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._due = 0.0

    def tend(self, at: datetime) -> None:
        """Start to take in what is complete, where nobody does."""
        if self._process is not None and self._process.poll() is None:
            return
        if self._process is not None:
            self._process, self._due = None, clock.stopwatch() + _PAUSE_S
        if clock.stopwatch() < self._due:
            return
        self._due = clock.stopwatch() + _LOOK_S
        if actions.is_anything_due(folder(), at):
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cityloom.project.child", "inbox", str(os.getpid())],
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    def close(self) -> None:
        """End the process; what it was loading is taken up when the city is served again."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._process = None


def folder() -> Path:
    """Where files arrive."""
    return Path(settings.CITYLOOM["INBOX_DIR"])


def take_in() -> None:
    """Take in what is complete."""
    actions.take_in(folder(), by=SYSTEM, at=clock.now())
