"""What each source said, in words, and what it adds up to."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from cityloom.detection import queries as detection
from cityloom.emergency.views.page import Room
from cityloom.kernel.refused import Refused

KINDS = {
    "pressure": gettext_noop("Water pressure"), "flow": gettext_noop("Flow in a water main"),
    "settlement": gettext_noop("Settlement of the ground"), "traffic_speed": gettext_noop("Speed of traffic"),
    "call": gettext_noop("Residents' calls"), "scene": gettext_noop("Camera scenes"),
}  # fmt: skip
_STRONG, _CLEAR = 3.0, 1.0
_SURE = 0.999


@dataclass(frozen=True)
class Said:
    """What one source said, or several alike: since when, and how strongly that speaks for the incident."""

    words: str
    strength: str
    at: datetime
    count: int
    weight: float


@dataclass(frozen=True)
class Spoken:
    """All sources of one kind."""

    kind: str
    sources: int
    said: tuple[Said, ...]

    @property
    def weight(self) -> float:
        """What it contributes, in log-odds."""
        return sum(one.weight for one in self.said)


def part(room: Room) -> Mapping[str, Any]:
    """The evidence behind the detection, strongest kind first."""
    try:
        found = detection.detection(room.facts.detection_id)
        items = [item for item in detection.evidence_of(found.id) if room.is_known(item.at)]
    except Refused:
        return {"spoken": [], "probability": ""}
    kinds: dict[str, list[detection.EvidenceFacts]] = defaultdict(list)
    for item in items:
        kinds[item.kind].append(item)
    spoken = sorted((_spoken(kind, said) for kind, said in kinds.items()), key=lambda one: -one.weight)
    return {
        "spoken": spoken, "probability": _probability(found.score), "sources": len(items),
        "radius_m": round(found.radius_m), "raised_at": found.raised_at,
    }  # fmt: skip


def _spoken(kind: str, items: Sequence[detection.EvidenceFacts]) -> Spoken:
    """What a kind of source said; sources that say the same words at the same strength are one line."""
    alike: dict[tuple[str, str], list[detection.EvidenceFacts]] = defaultdict(list)
    for item in items:
        alike[_words(item), _strength(item.weight)].append(item)
    said = (
        Said(words, strength, min(one.at for one in same), len(same), sum(max(one.weight, 0.0) for one in same))
        for (words, strength), same in alike.items()
    )
    return Spoken(_(KINDS[kind]) if kind in KINDS else kind, len(items), tuple(said))


def _words(item: detection.EvidenceFacts) -> str:
    if item.value is None or item.baseline is None:
        return {
            "call": _("A resident called about it."), "scene": _("A camera showed it; people and vehicles are masked."),
        }.get(item.kind, _("It was noticed."))  # fmt: skip
    said = _("{value} {unit}, where {usual} {unit} is usual").format(
        value=_rounded(item.value), usual=_rounded(item.baseline), unit=item.unit
    )
    if item.weight <= 0:
        return _("{said}: ordinary.").format(said=said)
    return _("{said}: {times} times the usual spread away.").format(said=said, times=f"{abs(item.z or 0):.0f}")


def _strength(weight: float) -> str:
    if weight >= _STRONG:
        return _("speaks strongly for it")
    if weight >= _CLEAR:
        return _("speaks for it")
    return _("speaks weakly for it") if weight > 0 else _("speaks against it")


def _probability(score: float) -> str:
    """Log-odds as a percentage; a model is never surer than it can be checked."""
    share = 1 / (1 + math.exp(-max(min(score, 50.0), -50.0)))
    return _("more than 99.9 %") if share > _SURE else f"{100 * share:.1f} %"


def _rounded(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"
