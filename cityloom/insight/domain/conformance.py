"""How far a log follows a model: its variants are played on the model's net, the commonest first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from cityloom.insight.domain.eventlog import EventLog
from cityloom.insight.domain.net import Net, Player
from cityloom.insight.domain.variants import Variants

MOST_VARIANTS = 1_000
_MOST_STEPS = 200


@dataclass(frozen=True)
class Conformance:
    """Of `played` cases `fitting` follow the model to its end; of `steps` events `allowed` were allowed at their place.

    `not_allowed` counts, by activity, cases with a step that the model did not allow there; `unfinished` are cases that
    stop before the model is over; `unknown` are activities that the model has not.
    """

    played: int
    fitting: int
    steps: int
    allowed: int
    unfinished: int
    not_allowed: dict[str, int]
    unknown: tuple[str, ...]


def conformance(log: EventLog, variants: Variants, net: Net) -> Conformance:
    """Play the commonest variants; very long ones are left out."""
    played = fitting = steps = allowed = unfinished = 0
    wrong: Counter[str] = Counter()
    player = Player(net)
    for variant in range(min(len(variants), MOST_VARIANTS)):
        way = [log.activities[one] for one in variants.steps(log, variant)]
        if len(way) > _MOST_STEPS:
            continue
        many, found = int(variants.count[variant]), player.play(way)
        played += many
        fitting += many * found.fits
        steps += many * len(way)
        allowed += many * (len(way) - len(found.not_allowed))
        unfinished += many * (not found.is_over)
        for step in {way[place] for place in found.not_allowed}:
            wrong[step] += many
    unknown = tuple(one for one in log.activities if one not in net.by_step)
    return Conformance(played, fitting, steps, allowed, unfinished, dict(wrong.most_common()), unknown)
