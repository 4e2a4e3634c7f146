"""Local time: a zone of the time-zone database, or an offset from UTC such as `UTC+05:30`."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from cityloom.kernel.refused import Refused

_OFFSET = re.compile(r"UTC(?:([+-])(\d\d):([0-5]\d))?")
_LONGEST = timedelta(hours=14)
_DEGREES_AN_HOUR = 15.0


def by_longitude(lon: float) -> str:
    """The nautical zone at a longitude. It knows no borders and no summer time: official time may differ by hours."""
    hours = round(lon / _DEGREES_AN_HOUR)
    return f"UTC{hours:+03}:00" if hours else "UTC"


def checked(name: str) -> str:
    """The name, if it is a zone that this computer knows or an offset.

    Raises: Refused `city.timezone_unknown`, `city.no_timezones`.
    """
    if _offset(name) is not None:
        return name
    known = available_timezones()
    if not known:  # neither the system nor a package of Python's brings the database
        raise Refused("city.no_timezones", "This computer has no time-zone database, so {value} cannot be looked up; "
                      "install the package tzdata, or give an offset such as {limit}.",
                      value=name, limit="UTC+08:00")  # fmt: skip
    if name not in known:
        raise Refused("city.timezone_unknown", "There is no time zone {value}; give a name such as {limit}.",
                      value=name, limit="Asia/Shanghai or UTC+08:00")  # fmt: skip
    return name


def zone_of(name: str) -> tzinfo:
    """The zone that a checked name means; UTC where this computer does not know it (any more)."""
    offset = _offset(name)
    if offset is not None:
        return timezone(offset) if offset else UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):  # LookupError: not found; the others: not the name of a zone's file
        return UTC


def _offset(name: str) -> timedelta | None:
    found = _OFFSET.fullmatch(name)
    if not found:
        return None
    offset = timedelta(hours=int(found[2] or 0), minutes=int(found[3] or 0)) * (-1 if found[1] == "-" else 1)
    return offset if abs(offset) <= _LONGEST else None
