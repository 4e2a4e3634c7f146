"""What becomes of a case that came in: its category, its kind, whose it is, and whether a person is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cityloom.cases.domain.routing.rules import Facts, Rules, routed
from cityloom.cases.domain.routing.standing import Standing, is_catch_all, kind_in, meant

DOUBTS = 0.9
"""From this on the classifier is told to contradict a person who chose; it only says so."""
TAKEN, ASKED, DOUBTED = "taken", "asked", "doubted"


@dataclass(frozen=True)
class Came:
    """What is known of a case as it came: what was chosen, what was heard, where it lies, which words rules know."""

    category: str
    heard: Sequence[tuple[str, float]]
    area: str
    at: datetime
    channel: str
    words: Sequence[str]


@dataclass(frozen=True)
class Decision:
    """`sure` is above 0 where the classifier chose the category; `rule` is None where no rule decided.

    `rule` is "" where `otherwise` did. `unit` is "" where the category's own gets it.
    """

    category: str
    kind: str
    standing: str
    sure: float = 0.0
    rule: str | None = None
    unit: str = ""


def decided(came: Came, standing: Standing, threshold: float | None, rules: Rules | None, desk: str) -> Decision:
    """What becomes of a case; a category that a person chose stays. Without a threshold nobody listened.

    `desk` gets what a person has to look at.
    """
    best = next(iter(meant(standing, came.heard)), None)
    least = 1.1 if threshold is None else threshold
    if is_catch_all(came.category):
        if best is None or best.sure < least:
            return Decision(came.category, came.category, ASKED, unit=desk)
        return ruled(Decision(best.category, best.kind, TAKEN, best.sure), came, rules)
    kind = kind_in(standing, came.category, came.heard, least)
    is_doubted = best is not None and best.category != came.category and best.sure >= max(least, DOUBTS)
    return ruled(Decision(came.category, kind, DOUBTED if is_doubted else TAKEN), came, rules)


def ruled(found: Decision, came: Came, rules: Rules | None) -> Decision:
    """A decision with the unit that the rules say."""
    if rules is None:
        return found
    rule = routed(rules, Facts(found.kind or found.category, came.area, came.at, came.channel, "\n".join(came.words)))
    name, unit = (rule.name, rule.unit) if rule else ("", rules.otherwise)
    is_said = rule is not None or bool(unit)
    return Decision(found.category, found.kind, found.standing, found.sure, name if is_said else None, unit)
