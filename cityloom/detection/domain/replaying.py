"""When a cause would have been told on recorded readings and calls."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cityloom.detection.domain.calendar import Calendar
from cityloom.detection.domain.cause import Cause
from cityloom.detection.domain.firing import Recorded
from cityloom.detection.domain.following import Open, goes_on, may_go_on, merged, speaking
from cityloom.detection.domain.gathering import Finding
from cityloom.detection.domain.lasting import Lasting
from cityloom.detection.domain.lately import Lately
from cityloom.detection.domain.moment import Ints
from cityloom.detection.domain.noticing import Lookers, Networks, Streams
from cityloom.detection.domain.online import Baseline
from cityloom.detection.domain.said import Heard
from cityloom.kernel.refused import Refused

STEP_S, LONG_STEP_S = 60.0, 300.0
"""How often a recording is looked at: of more than eight days less often."""
_LONG_S = 8 * 86_400.0
_NO_KIND = "No stream of the file is of the kind {value}, which the rule asks of; the file has {limit}."
_NO_PLACE = "The rule {value} asks what lies within some metres, and the file has no lon and lat; add these columns."


def would_tell(
    cause: Cause, recorded: Recorded, heard: Heard, networks: Networks, *, calendar: Calendar | None = None,
    step_s: float | None = None,
) -> list[Finding]:  # fmt: skip
    """What would have been told, oldest first: each time once, as it was when it was told.

    Raises: Refused `detection.no_such_kind`, `detection.no_place`.
    """
    _check(cause, recorded)
    if step_s is None:
        step_s = LONG_STEP_S if np.ptp(recorded.at_s) > _LONG_S else STEP_S
    told: list[Finding] = []
    known: list[Open] = []
    for found in _findings(cause, recorded, heard, networks, calendar, step_s):
        before = goes_on(found, known)
        if before is None:
            told.append(found)
            known.append(Open(str(len(told)), found.category, found.lon, found.lat, found.radius_m, found.at,
                              speaking(found)))  # fmt: skip
        else:
            known = [merged(one, found) if one is before else one for one in known]
        known = [one for one in known if may_go_on(one, found.at)]
    return told


def _check(cause: Cause, recorded: Recorded) -> None:
    """That the recording has something of what the cause asks of."""
    asked = np.isin(recorded.kind.astype(str), [sign.kind for sign in cause.signs])
    if not asked.any():
        there = ", ".join(sorted(set(recorded.kind.astype(str)) - {""})) or "none"
        raise Refused("detection.no_such_kind", _NO_KIND, value=", ".join(sign.kind for sign in cause.signs),
                      limit=there)  # fmt: skip
    if not (np.isfinite(recorded.lon) & np.isfinite(recorded.lat))[asked].any():
        raise Refused("detection.no_place", _NO_PLACE, value=cause.name)


def _findings(cause: Cause, recorded: Recorded, heard: Heard, networks: Networks, calendar: Calendar | None,
              step_s: float) -> Iterator[Finding]:  # fmt: skip
    """What each step of the recording shows, judged by what came before."""
    lookers, lasting = Lookers([cause], streams_of(recorded)), Lasting({cause.name: cause.lasts_s})
    baseline, lately = Baseline(len(recorded.name), calendar), Lately()
    lately.grow(len(recorded.name))
    lately.follow(lookers.recurring, baseline.calendar)
    working = np.ones(len(recorded.name), np.bool_)
    for end_s, rows in _steps(recorded, heard, step_s):
        stream, at_s, value = recorded.stream[rows], recorded.at_s[rows], recorded.value[rows]
        scores = baseline.score(stream, at_s, value)
        lately.note(stream, at_s, value, scores, lookers.wanted)
        yield from lasting.lasted(lookers.findings(lately.see(end_s), working, heard, networks, end_s), end_s)


def _steps(recorded: Recorded, heard: Heard, step_s: float) -> Iterator[tuple[float, Ints]]:
    """The ends of all steps in which something came, each with its readings by stream and time."""
    step = np.ceil(recorded.at_s / step_s).astype(np.int64)
    order = np.lexsort((recorded.at_s, recorded.stream, step))
    ends = np.unique(np.r_[step, np.ceil(heard.at_s / step_s).astype(np.int64)])
    first, last = np.searchsorted(step[order], ends), np.searchsorted(step[order], ends, "right")
    for end, a, b in zip(ends.tolist(), first.tolist(), last.tolist(), strict=True):
        yield end * step_s, order[a:b]


def streams_of(recorded: Recorded) -> Streams:
    """The streams of a recording, under their own names."""
    return Streams(recorded.name, recorded.name, recorded.kind, recorded.unit, recorded.lon, recorded.lat)
