"""Instants, intervals and durations as SensorThings writes them; inside they are microseconds since 1970 in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from cityloom.kernel.refused import Refused

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|[+-]?\d\d:?\d\d|[+-]\d\d)", re.IGNORECASE
)
_DURATION = re.compile(
    r"([+-])?P(?:(\d{1,6})D)?(?:T(?:(\d{1,8})H)?(?:(\d{1,8})M)?(?:(\d{1,9})(?:\.(\d{1,6}))?S)?)?", re.IGNORECASE
)
DAY_US = 86_400_000_000


def microseconds_of(text: object) -> int:
    """The instant that a text names. Raises: Refused `signals.sta_time`."""
    found = _INSTANT.fullmatch(text.strip()) if isinstance(text, str) and len(text) < 40 else None
    try:
        if found is None:
            raise ValueError
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
        fraction = int((found[7] or "0")[:6].ljust(6, "0"))
        plain = datetime(year, month, day, hour, minute, second, fraction, tzinfo=UTC)
        return (plain - _EPOCH) // _US - _offset_us(found[8])
    except (ValueError, OverflowError):
        raise Refused(
            "signals.sta_time", "“{value}” is no instant; write it as in 2026-05-01T12:00:00Z, with its time zone.",
            value=str(text)[:40],
        ) from None  # fmt: skip


def moment_of(text: object) -> tuple[int, int | None]:
    """Beginning and end of an instant (end None) or an interval. Raises: Refused `signals.sta_time`."""
    if isinstance(text, str) and "/" in text:
        return interval_of(text)
    return microseconds_of(text), None


def interval_of(text: object) -> tuple[int, int]:
    """Beginning and end of `start/end`. Raises: Refused `signals.sta_time`."""
    start, _, end = text.partition("/") if isinstance(text, str) else ("", "", "")
    first, last = microseconds_of(start), microseconds_of(end)
    if last < first:
        raise Refused("signals.sta_time_order", "The interval {value} ends before it begins; write its beginning"
                      " first.", value=str(text)[:80])  # fmt: skip
    return first, last


def text_of(us: int) -> str:
    """An instant in UTC, with as many digits after the second as it needs."""
    whole = (_EPOCH + us * _US).isoformat().removesuffix("+00:00")
    return (whole.rstrip("0") if "." in whole else whole) + "Z"


def duration_of(text: str) -> int:
    """The microseconds of an ISO 8601 duration of days and less. Raises: Refused `signals.sta_duration`."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()[1:5]):
        raise Refused("signals.sta_duration", "“{value}” is no duration; write it as in duration'P1DT6H'.",
                      value=text[:40])  # fmt: skip
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:5])
    fraction = int((found[6] or "0").ljust(6, "0"))
    us = days * DAY_US + hours * 3_600_000_000 + minutes * 60_000_000 + seconds * 1_000_000 + fraction
    return -us if found[1] == "-" else us


def day_of(text: str) -> int:
    """Days since 1970 of a date. Raises: ValueError."""
    return (datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) - _EPOCH).days


def clock_of(text: str) -> int:
    """Microseconds since midnight of a time of day. Raises: ValueError."""
    found = time.fromisoformat(text)
    return ((found.hour * 60 + found.minute) * 60 + found.second) * 1_000_000 + found.microsecond


def _offset_us(text: str) -> int:
    if text in "Zz":
        return 0
    digits = text.lstrip("+-").replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 18 or minutes > 59:  # no clock on Earth is further off
        raise ValueError
    us = (hours * 60 + minutes) * 60_000_000
    return -us if text.startswith("-") else us
