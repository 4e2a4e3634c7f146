"""Trials of changes and the comparison of offices as parts of a review, without small counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cityloom.insight.domain.comparing import Compared, Comparison, compared
from cityloom.insight.domain.eventlog import EventLog
from cityloom.insight.domain.small import is_told, told
from cityloom.insight.domain.whatif.trying import FAR_OFF, LEVEL, MOST_EVENTS, Span, Times, Trial, Tried, tried

SEED = 20_261_128
"""Said with the figures, so that whoever has the log gets the same."""


def trials(log: EventLog, seed: int = SEED) -> dict[str, Any] | None:
    """What changes would have saved in the later half of the cases; None where there are too few."""
    found = tried(log, seed)
    return None if found is None else _tried(found, log)


def comparison(log: EventLog) -> dict[str, Any]:
    """Offices beside each other after adjusting for what their cases were."""
    return _compared(compared(log))


def _tried(found: Tried, log: EventLog) -> dict[str, Any]:
    queues = [{"step": step, "counters": one.counters, "service_h": round(one.service_h, 2)}
              for step, one in enumerate(found.stations) if one.has_queue]  # fmt: skip
    shown = sorted((one for one in found.trials if is_told(one.touched)), key=lambda one: -one.mean.value)
    return {
        "cases": found.cases, "seen": _times(found.seen), "simulated": _times(found.simulated),
        "off": round(float(found.off), 4), "far_off": FAR_OFF, "knows_it": bool(found.knows_it), "queues": queues,
        "rows": [_trial(one) for one in shown], "runs": found.runs, "seed": found.seed, "level": LEVEL,
        "recent_only": len(log) > MOST_EVENTS,
    }  # fmt: skip


def _trial(one: Trial) -> dict[str, Any]:
    return {"kind": one.change.kind, "steps": list(one.change.steps), "cases": told(one.touched),
            "sure": bool(one.is_sure), "learnt_h": round(one.learnt, 2), "mean_h": _span(one.mean),
            "median_h": _span(one.median), "ninth_h": _span(one.ninth)}  # fmt: skip


def _times(found: Times) -> dict[str, float]:
    return {"mean_h": round(float(found.mean), 2), "median_h": round(float(found.median), 2),
            "ninth_h": round(float(found.ninth), 2)}  # fmt: skip


def _span(found: Span) -> list[float]:
    return [round(found.value, 2), round(found.low, 2), round(found.high, 2)]


def _compared(found: Comparison) -> dict[str, Any]:
    rows: Sequence[Compared] = found.rows
    return {
        "by": found.by, "adjusted": list(found.adjusted),
        "rows": [{"office": found.names[one.office], "cases": one.cases, "mean_h": round(one.mean_h, 1),
                  "expected_h": round(one.expected_h, 1), "raw": round(one.raw, 3), "ratio": round(one.ratio, 3),
                  "low": round(one.low, 3), "high": round(one.high, 3), "differs": one.differs} for one in rows],
    }  # fmt: skip
