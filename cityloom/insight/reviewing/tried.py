"""Trials of changes and compared offices in words, each with how far it can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from cityloom.insight.domain.whatif.trying import NOTHING_H
from cityloom.insight.reviewing import words

_WIDE = 3.0
"""How many times as slow as expected an office's bar still shows."""


def trials(found: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any] | None:
    """What changes would have saved; None where there are too few cases, or the review is older than trials are."""
    one = found.get("trials")
    if one is None:
        return None
    level = words.share(one["level"], 1)
    return {
        "rows": [_trial(row, names, level) for row in one["rows"]], "cases": words.number(one["cases"]), "level": level,
        "runs": one["runs"], "seed": one["seed"], "knows_it": one["knows_it"], "recent_only": one["recent_only"],
        "simulated": _hours(one["simulated"]["median_h"]), "seen": _hours(one["seen"]["median_h"]),
        "queues": [{"step": names[row["step"]], "counters": row["counters"], "service": _hours(row["service_h"])}
                   for row in one["queues"]],
    }  # fmt: skip


def offices(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """Offices after adjusting for their cases; None where fewer than two can be compared."""
    one = found.get("comparison")
    if one is None or not one["rows"]:
        return None
    return {"adjusted": one["adjusted"], "by": one["by"], "rows": [_office(row) for row in one["rows"]]}


def _trial(row: Mapping[str, Any], names: Sequence[str], level: str) -> dict[str, Any]:
    mean, low, high = row["mean_h"]
    return {
        "what": SAYINGS[row["kind"]]([names[step] for step in row["steps"]]), "cases": words.count(row["cases"]),
        "saved": _signed(mean), "span": _("{level}: {low} to {high}").format(level=level, low=_signed(low),
                                                                            high=_signed(high)),
        "learnt": _signed(row["learnt_h"]), "ninth": _signed(row["ninth_h"][0]),
    } | _verdict(mean, is_sure=row["sure"])  # fmt: skip


def _verdict(mean: float, *, is_sure: bool) -> dict[str, str]:
    if abs(mean) < NOTHING_H:
        return {"look": "", "word": _("next to nothing")}
    if not is_sure:
        return {"look": "wait", "word": _("not sure")}
    return {"look": "good", "word": _("saves")} if mean > 0 else {"look": "bad", "word": _("costs")}


def _office(row: Mapping[str, Any]) -> dict[str, Any]:
    share = 100 / _WIDE
    return {
        "office": row["office"], "cases": words.number(row["cases"]), "mean": _hours(row["mean_h"]),
        "expected": _hours(row["expected_h"]), "ratio": words.number(row["ratio"], 2),
        "low": words.number(row["low"], 2), "high": words.number(row["high"], 2), "differs": row["differs"],
        "raw": words.number(row["raw"], 2), "look": "bad" if row["ratio"] > 1 else "good",
        "from": round(min(row["low"], _WIDE) * share, 1),
        "width": round((min(row["high"], _WIDE) - min(row["low"], _WIDE)) * share, 1),
        "at": round(min(row["ratio"], _WIDE) * share, 1), "one": round(share, 1),
    }  # fmt: skip


def _hours(value: float) -> str:
    return words.duration(3_600 * value)


def _signed(value: float) -> str:
    """A saving; what is lost has a minus."""
    return f"−{_hours(-value)}" if value < 0 else _hours(value)


SAYINGS: Mapping[str, Callable[[Sequence[str]], str]] = {
    "drop": lambda steps: _("Do without “{step}”").format(step=steps[0]),
    "merge": lambda steps: _("Do “{first}” and “{second}” in one go").format(first=steps[0], second=steps[1]),
    "counter": lambda steps: _("One counter more for “{step}”").format(step=steps[0]),
    "parallel": lambda steps: _("Do “{first}” and “{second}” at the same time").format(first=steps[0], second=steps[1]),
    "limit": lambda steps: _("Have “{step}” done for everybody within what three in four wait now").format(
        step=steps[0]),
}  # fmt: skip
"""How each kind of change is said."""
