"""Work that the worker gives to a process of its own, so that nothing urgent waits for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime

from cityloom.kernel import clock


class Errand:
    """Holds the process that is out on one kind of work, if one is."""

    def __init__(
        self, name: str, wanted: Callable[[datetime], object], *, look_s: float, pause_s: float = 0.0
    ) -> None:
        """`wanted` says what there is to do, None for nothing; what was done well is not done again.

        It is asked every `look_s`, and not for `pause_s` after a process has ended: it may have left something waiting.
        """
        self._name, self._wanted, self._look_s, self._pause_s = name, wanted, look_s, pause_s
        self._process: subprocess.Popen[bytes] | None = None
        self._due = 0.0
        self._done: object = None
        self._begun: object = None

    def tend(self, at: datetime) -> None:
        """Begin where there is something to do and nobody is at it; what was cut short is begun again."""
        if self._is_out() or clock.stopwatch() < self._due:
            return
        self._due = clock.stopwatch() + self._look_s
        wanted = self._wanted(at)
        if wanted is not None and wanted != self._done:
            self._begun = wanted
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cityloom.project.child", self._name, str(os.getpid())],
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    def _is_out(self) -> bool:
        """Whether the process is at work; notes how it ended."""
        if self._process is None:
            return False
        if self._process.poll() is None:
            return True
        self._done = self._begun if self._process.returncode == 0 else None
        self._process, self._due = None, max(self._due, clock.stopwatch() + self._pause_s)
        return False

    def close(self) -> None:
        """End the process; what it was at is taken up when the city is served again."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._process = None
