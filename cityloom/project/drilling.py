"""Drills that people watch: each is played by a process of its own, which the worker starts and, if it dies, again."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from datetime import datetime

from cityloom.drills import actions, queries
from cityloom.kernel import clock, ids
from cityloom.kernel.refused import Refused

log = logging.getLogger(__name__)
_MOST_FAILURES = 5
_GAVE_UP = f"The process that plays this drill ended {_MOST_FAILURES} times; the worker's log says why."


class Stage:
    """Holds the process that plays the drill that is on, if one is."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._exercise_id = ""
        self._failures = 0
        self._due = 0.0

    def tend(self, at: datetime) -> None:
        """Start what was asked for, or start it again where its process has died; it goes on where it was."""
        if self._process is not None and self._process.poll() is None:
            return
        wanted = queries.running()
        self._note_end(wanted.exercise_id if wanted else "", at)
        if wanted and self._failures < _MOST_FAILURES and clock.stopwatch() >= self._due:
            self._exercise_id = wanted.exercise_id
            self._process = subprocess.Popen([
                sys.executable, "-m", "cityloom.project.child", "drill", str(os.getpid()), wanted.exercise_id
            ], stdin=subprocess.DEVNULL, start_new_session=True)  # fmt: skip

    def close(self) -> None:
        """End the process; the drill goes on when the city is served again."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(2.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None

    def _note_end(self, wanted: str, at: datetime) -> None:
        """Count how often the process of a drill that is not over has ended, and wait longer each time."""
        ended, self._process = self._process is not None, None
        if wanted != self._exercise_id:
            self._failures, self._due = 0, 0.0
        elif ended:
            self._failures += 1
            self._due = clock.stopwatch() + 0.5 * 2**self._failures
            if self._failures >= _MOST_FAILURES:
                actions.fail(exercise_id=wanted, at=at, why=_GAVE_UP)


def play(exercise_id: str) -> None:
    """Play one drill to its end; what cannot be played says why on its page."""
    from cityloom.drills.jobs import run  # the worker, which starts this, need not read all that a drill needs

    try:
        run.play_paced(exercise_id)
    except Refused as refusal:
        actions.fail(exercise_id=exercise_id, why=refusal.sentence, at=clock.now())
    except Exception:  # the worker starts it again, and gives up after a few times
        log.exception("a drill failed; reference %s", ids.new_ulid())
        raise
