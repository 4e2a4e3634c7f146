"""Which stretches of ten minutes a batch of signals touches."""

from __future__ import annotations

from datetime import datetime, timedelta

from cityloom.detection.domain.fusion import WINDOW_S

WIDTH = timedelta(seconds=WINDOW_S)
_STEP = WIDTH / 2
_MOST = 12
_CARRIED = timedelta(milliseconds=1)


def windows(first: datetime, last: datetime, at: datetime) -> list[tuple[datetime, datetime]]:
    """Windows (since, until], newest first, for signals from `first` to `last` that are looked at `at`.

    One window holds a live batch together with what came before it, and a late signal together with what came after.
    A longer batch gets windows that overlap by half, back to an hour before its end. `last` comes from an event, which
    carries whole milliseconds: where a sensor's clock is ahead of ours, nothing but this millisecond lets it be seen.
    """
    until = max(last, min(first + WIDTH, at)) + _CARRIED
    found = [(until - WIDTH, until)]
    while found[-1][0] > first and len(found) < _MOST:
        until -= _STEP
        found.append((until - WIDTH, until))
    return found
