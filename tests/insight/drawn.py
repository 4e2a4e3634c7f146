"""Event logs drawn as text: a line is a case, a step is its name and the hour at which it was done.

`receive 0, check 2-5 @north, decide 9` are three steps; `check` began at hour 2, ended at hour 5, and was done by the
office `north`.
"""

from __future__ import annotations

import re

import numpy as np

from cityloom.insight.domain.eventlog import HOUR, NONE, UNKNOWN, EventLog, sorted_log

_STEP = re.compile(r"(?P<name>[^@\d]+?) (?:(?P<start>[\d.]+)-)?(?P<end>[\d.]+)(?: @(?P<office>.+))?")


def drawn(text: str) -> EventLog:
    """The log that is drawn."""
    rows, ids = [], []
    for line in filter(str.strip, text.splitlines()):
        key, _, steps = line.strip().partition(":")
        rows += [(len(ids), _STEP.fullmatch(step.strip())) for step in steps.split(",")]
        ids.append(key)
    assert all(found for _, found in rows), text
    found = [(case, *one.group("name", "start", "end", "office")) for case, one in rows if one]
    activities = list(dict.fromkeys(name for _, name, _, _, _ in found))
    offices = sorted({office for *_, office in found if office})
    return sorted_log(
        np.array([case for case, *_ in found], np.int32),
        np.array([activities.index(name) for _, name, _, _, _ in found], np.int32),
        np.array([offices.index(office) if office else NONE for *_, office in found], np.int32),
        np.array([_instant(end) for _, _, _, end, _ in found], np.int64),
        np.array([_instant(start) for _, _, start, _, _ in found], np.int64),
        case_ids=ids, activities=activities, offices=offices,
    )  # fmt: skip


def _instant(hour: str | None) -> int:
    return UNKNOWN if hour is None else round(float(hour) * HOUR)
