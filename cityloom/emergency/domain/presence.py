"""Who else has a page open: in memory, by role and unit, forgotten within half a minute."""

from __future__ import annotations

import threading

LASTS_S = 25.0
_MOST_PLACES = 500

Who = tuple[str, str]
"""A role and a unit."""


class Presence:
    """Safe in many threads; `now_s` is seconds on a counter that only goes forward."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, tuple[Who, float]]] = {}
        self._lock = threading.Lock()

    def note(self, place: str, reader: str, who: Who, now_s: float) -> list[Who]:
        """Note that a reader has a place open; return who else has, each role and unit once, in order."""
        with self._lock:
            self._forget(now_s)
            here = self._seen.setdefault(place, {})
            here[reader] = (who, now_s)
            return sorted({other for key, (other, _) in here.items() if key != reader})

    def _forget(self, now_s: float) -> None:
        for place in list(self._seen):
            still = {key: one for key, one in self._seen[place].items() if now_s - one[1] <= LASTS_S}
            if still and len(self._seen) <= _MOST_PLACES:
                self._seen[place] = still
            else:
                del self._seen[place]
