"""What is odd among readings is told to the city, a few times a second at most, so that it is weighed with the rest."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cityloom.bus import actions as bus
from cityloom.detection.domain.moment import Ints
from cityloom.detection.watching.watch import Judged, Watch
from cityloom.kernel import clock, ids
from cityloom.signals.events import SignalsRecorded

_EVERY_S = 0.05
_MOST_AT_ONCE = 500


class Teller:
    """Gathers odd readings for a moment and announces them, as whoever records single signals does."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._streams: set[int] = set()
        self._first_s, self._last_s = float("inf"), float("-inf")
        self._told_at = -_EVERY_S

    def note(self, judged: Judged, rows: Ints) -> None:
        """Take odd readings up."""
        if not len(rows):
            return
        self._streams |= set(self._watch.learnt.ids[judged.stream[rows]].tolist())
        self._first_s = min(self._first_s, float(judged.at_s[rows].min()))
        self._last_s = max(self._last_s, float(judged.at_s[rows].max()))

    def tell(self, at: datetime, *, now: bool = False) -> None:
        """Announce what was gathered, where it is time to; the same twice is one event."""
        if not self._streams or not (now or clock.stopwatch() - self._told_at >= _EVERY_S):
            return
        first, last = (datetime.fromtimestamp(one, tz=at.tzinfo) for one in (self._first_s, self._last_s))
        streams = sorted(self._streams)
        with transaction.atomic():
            for start in range(0, len(streams), _MOST_AT_ONCE):
                some = tuple(streams[start : start + _MOST_AT_ONCE])
                event = SignalsRecorded(len(some), some, (), (), first, last)
                name = ids.named_id("odd", self._watch.exercise_id, clock.to_text(first), clock.to_text(last), *some)
                bus.publish(event, at=at, exercise_id=self._watch.exercise_id, event_id=name)
        self._streams, self._first_s, self._last_s = set(), float("inf"), float("-inf")
        self._told_at = clock.stopwatch()
