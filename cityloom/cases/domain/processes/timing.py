"""Timers of BPMN files: an instant, a day that a fact names, a length of time, a limit on the calendar."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from cityloom.cases.domain import xmltext
from cityloom.cases.domain.clocks.limits import limit_of
from cityloom.cases.domain.processes.faults import wrong
from cityloom.cases.domain.processes.process import Timer
from cityloom.kernel.refused import Detail, Refused

FACT = re.compile(r"[a-z][a-z0-9_]{0,39}")
_ISO = re.compile(r"P(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?")


def timer_in(element: Any, within: Any) -> Timer:
    """The timer of an event.

    Raises: Refused `cases.process_wrong`.
    """
    said = [(xmltext.name_of(child)[0], "".join(child.itertext()).strip()) for child in xmltext.children(element)]
    if len(said) != 1 or said[0][0] not in ("timeDuration", "timeDate"):
        raise wrong(within, Detail("its timer has one duration or one date; cycles are not run"))
    form, text = said[0]
    try:
        return _date(text) if form == "timeDate" else duration(text)
    except (ValueError, OverflowError) as error:
        raise wrong(
            within, Detail("its timer {value} is not written as {limit}", text[:40], _AS_WRITTEN[form])
        ) from error


_AS_WRITTEN = {"timeDuration": "P3DT12H or 5 working days",
               "timeDate": "2026-05-01T10:00:00+08:00, or the name of a fact that is a day"}  # fmt: skip


def _date(text: str) -> Timer:
    if FACT.fullmatch(text):
        return Timer(fact=text)
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return Timer(at=found)


def duration(text: str) -> Timer:
    """A length of time, as `P3DT12H` or `5 working days`.

    Raises: ValueError.
    """
    found = _ISO.fullmatch(text)
    if found and any(found.groups()):
        weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return Timer(after=timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds))
    try:
        return Timer(limit=limit_of(text))
    except Refused as refusal:
        raise ValueError(text) from refusal
