"""Rules that wait to be tried on the past are tried, one trial after another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from cityloom.detection import bulk
from cityloom.detection.domain import trial
from cityloom.detection.domain.cause import Cause
from cityloom.detection.domain.firing import Recorded
from cityloom.detection.domain.pack import Pack
from cityloom.detection.models import Trial
from cityloom.detection.trust import packs, past, replay, trials
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused


def try_what_waits(now: Callable[[], datetime] = clock.now) -> int:
    """Try what waits until nothing does, and return how many trials came to an end; may be killed at any instant."""
    count = 0
    while (row := trials.next_one(now())) is not None:
        try:
            result = _tried(row)
        except Refused as refusal:
            trials.end(row, trial.REFUSED, now(), {}, refusal)
        else:
            trials.end(row, trial.DONE, now(), result)
        count += 1
    return count


def _tried(row: Trial) -> dict[str, object]:
    rules = packs.written(row.text)
    recorded = _recorded(row, rules)
    trials.note_step(row)
    since_s, until_s = float(recorded.at_s.min()), float(recorded.at_s.max())
    told = {}
    calls = past.calls_between(rules, row.since, row.until) if row.since and row.until else ()
    for name, fired in replay.by_rule(rules, recorded, calls):
        told[name] = trial.summary(fired, since_s, until_s)
        trials.note_step(row)
    return {"readings": len(recorded.value), "since_s": since_s, "until_s": until_s, "rules": told}


def _recorded(row: Trial, rules: Pack | Cause) -> Recorded:
    if row.recording:
        return bulk.recorded_in(row.recording, trials.content_of(row))
    if row.since is None or row.until is None:
        raise Refused("detection.no_past", "Nothing was named to try the rules on; take a time, or a recording.")
    return past.recorded_between(rules, row.since, row.until, trial.MOST_READINGS)
