"""What speaks for a detection: in words, as a chart for each stream, and on the map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from cityloom.detection import queries
from cityloom.detection.display import kind_word
from cityloom.detection.domain.reasons import Reason
from cityloom.detection.queries import DetectionFacts, EvidenceFacts
from cityloom.detection.views import pictures
from cityloom.fieldwork import queries as fieldwork
from cityloom.kernel.geometry import distance_m
from cityloom.signals import queries as signals
from cityloom.ui.timechart import TimeChart

_BEFORE, _AFTER = timedelta(hours=2), timedelta(minutes=30)
_MOST_CHARTS = 12
_MOST_POINTS = 300
_USUAL = 4.0
"""Spreads around the baseline within which a reading is ordinary, as it was judged."""
_STRONG, _CLEAR = 3.0, 1.0


@dataclass(frozen=True)
class Said:
    """What one source said."""

    item: EvidenceFacts
    kind: str
    name: str
    words: str
    strength: str
    metres: int
    address: str
    stream: int


def part(found: DetectionFacts) -> dict[str, Any]:
    """The evidence, weightiest first, drawn."""
    items = queries.evidence_of(found.id)
    names = signals.stream_names({stream for item in items if (stream := _stream(item))})
    said = [_said(item, found, names) for item in items]
    return {
        "evidence": said, "charts": _charts(found, said), "picture": pictures.picture_of(found, said),
        "counted": len({item.kind for item in items}),
    }  # fmt: skip


def tasks_of(matter_id: str) -> list[tuple[str, int]]:
    """How many tasks a matter has in each state."""
    return [(state, count) for state, count in fieldwork.counts_by_state(matter_id).items() if count]


def _said(item: EvidenceFacts, found: DetectionFacts, names: dict[int, str]) -> Said:
    stream = _stream(item)
    name = names.get(stream, item.source) if stream else ""
    metres = distance_m(found.lon, found.lat, item.lon, item.lat)
    return Said(item, kind_word(item.kind), name, _words(item, name), _strength(item.weight), round(metres),
                _address(item, found), stream)  # fmt: skip


def _stream(item: EvidenceFacts) -> int:
    """The number of the datastream that said it; 0 where it was none."""
    kind, _mark, key = item.source.partition(":")
    return int(key) if kind == "datastream" and key.isdecimal() else 0


def _address(item: EvidenceFacts, found: DetectionFacts) -> str:
    kind, _mark, key = item.source.partition(":")
    if stream := _stream(item):
        drill = {"drill": found.exercise_id} if found.exercise_id else {}
        asked = {"until": (found.last_at + _AFTER).isoformat()} | drill
        return f"{reverse('sensor', args=[stream])}?{urlencode(asked)}"
    return reverse("report-card", args=[key]) if kind == "report" else ""


def _words(item: EvidenceFacts, name: str) -> str:
    if item.value is None or item.baseline is None or item.z is None:
        return {
            "call": _("A resident called about it."), "scene": _("A camera showed it; people and vehicles are masked."),
        }.get(item.kind, _("It was noticed."))  # fmt: skip
    key = "level-low" if item.value < item.baseline else "level-high"
    numbers = {"value": f"{item.value:.4g}", "expected": f"{item.baseline:.4g}", "times": f"{abs(item.z):.2g}"}
    return queries.sentence_of(Reason(key, numbers, ("s", 0)), name=name, unit=item.unit)


def _strength(weight: float) -> str:
    if weight >= _STRONG:
        return _("speaks strongly for it")
    if weight >= _CLEAR:
        return _("speaks for it")
    return _("speaks weakly for it") if weight > 0 else _("speaks against it")


def _charts(found: DetectionFacts, said: Sequence[Said]) -> list[TimeChart]:
    """The readings of the weightiest streams around the time, each with what was usual and the moment that counted."""
    streams = [one for one in said if one.stream][:_MOST_CHARTS]
    since, until = found.first_at - _BEFORE, found.last_at + _AFTER
    keys = [one.stream for one in streams]
    drawn = signals.outline(keys, since, until, found.exercise_id, most=_MOST_POINTS)
    known = queries.baselines_of(keys, found.exercise_id)
    spreads = dict(zip(known.datastream_id.tolist(), known.spread.tolist(), strict=True))
    charts = []
    for one in streams:
        rows = drawn.of(one.stream)
        charts.append(TimeChart(
            f"{one.kind}: {one.name}", one.item.unit, since, until, rows.instants(), rows.mean.tolist(),
            list(zip(rows.low.tolist(), rows.high.tolist(), strict=True)) if (rows.count > 1).any() else (),
            _usual(one.item, spreads.get(one.stream), len(rows)), [(one.item.at, _("counted here"))],
        ))  # fmt: skip
    return charts


def _usual(item: EvidenceFacts, spread: float | None, count: int) -> list[tuple[float, float]]:
    """The band in which it would have been ordinary; from the evidence itself where the baseline is not kept."""
    if item.baseline is None:
        return []
    if item.z and item.value is not None:
        spread = max(spread or 0.0, abs(item.value - item.baseline) / abs(item.z))
    if spread is None or not np.isfinite(spread):
        return []
    return [(item.baseline - _USUAL * spread, item.baseline + _USUAL * spread)] * count
