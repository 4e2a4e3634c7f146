"""Breakings of the glass that nobody has reviewed, in memory: every decision asks whether one is overdue."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from cityloom.kernel import clock

Waiting = tuple[str, str, str, str]
"""Its id, what the log calls the account, when the review is due (RFC 3339), and the exercise."""


class Reviews:
    """What the keeper's table says, as it is without reading it. Safe in many threads."""

    def __init__(self, waiting: Iterable[Waiting]) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
        for row in waiting:
            self.begin(*row)

    def begin(self, glass_id: str, account: str, due_at: str, exercise_id: str) -> None:
        """After the commit: a review is to come."""
        with self._lock:
            self._waiting[account][glass_id] = due_at, exercise_id

    def end(self, glass_id: str, account: str) -> None:
        """After the commit: it has been reviewed."""
        with self._lock:
            self._waiting[account].pop(glass_id, None)
            if not self._waiting[account]:
                del self._waiting[account]

    def overdue(self, account: str, exercise_id: str, now: datetime) -> bool:
        """Whether a review of what this account did, really or in this exercise, should have been made by now."""
        with self._lock:
            waiting = list(self._waiting[account].values()) if account in self._waiting else []
        return any(due_at < clock.to_text(now) for due_at, exercise in waiting if exercise in (exercise_id, ""))
