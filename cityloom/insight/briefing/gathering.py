"""The risk brief: what may go wrong, by branch of the tree of units, gathered from what each capability knows.

Each part stands on its own: where one cannot be told, it says why, and the others are there.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from cityloom.accounts import queries as accounts
from cityloom.insight.domain.counted_trend import trend_of
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.ui import registry
from cityloom.ui.domain.declared import HORIZONS, Horizon, Outlook, Risk
from cityloom.ui.words import sentence_of

log = logging.getLogger(__name__)
TOP = "city"
_MOST = 200


@dataclass(frozen=True)
class Told:
    """A risk with the part of the brief that it is from, and its trend: rising, falling, steady, or "" for unknown."""

    outlook: Outlook
    risk: Risk
    trend: str


@dataclass(frozen=True)
class Branch:
    """A unit right below the one that is looked at: how many risks lie in it by horizon, and the gravest of all."""

    unit: str
    name: str
    counts: Sequence[int]
    gravest: int


@dataclass(frozen=True)
class Brief:
    """What may go wrong in a branch: by horizon, the gravest first; what is quiet, and what could not be told."""

    unit: str
    name: str
    at: datetime
    by: Sequence[tuple[Horizon, Sequence[Told]]]
    branches: Sequence[Branch]
    nowhere: int
    quiet: Sequence[Outlook]
    unread: Sequence[tuple[Outlook, str]]

    @property
    def count(self) -> int:
        """How many risks there are."""
        return sum(len(told) for _horizon, told in self.by)


def brief_of(unit: str, at: datetime) -> Brief:
    """What may go wrong in a branch, as it is known at an instant.

    What lies in no known place is told with the whole city, and counted as such.
    """
    found: list[Told] = []
    quiet, unread = [], []
    for outlook in registry.outlooks():
        risks, why_not = _asked(outlook, unit, at)
        ours = [Told(outlook, risk, trend_of(risk.lately, risk.before)) for risk in risks if _is_in(risk.unit, unit)]
        found += ours[:_MOST]
        if why_not:
            unread.append((outlook, why_not))
        elif not ours:
            quiet.append(outlook)
    found.sort(key=lambda told: (-told.risk.severity, -(told.risk.chance if told.risk.chance is not None else 0.5)))
    by = [(horizon, [told for told in found if told.risk.horizon == horizon]) for horizon in HORIZONS]
    names = dict(accounts.units())
    return Brief(
        unit, names.get(unit, unit), at, [(horizon, told) for horizon, told in by if told],
        _branches(unit, found, names), sum(not told.risk.unit for told in found), quiet, unread,
    )  # fmt: skip


def as_json(brief: Brief) -> dict[str, Any]:
    """A brief for programs: each risk with its part and trend, each part that is quiet or could not be told."""
    return {
        "unit": brief.unit, "name": brief.name, "at": clock.to_text(brief.at),
        "risks": [asdict(told.risk) | {"part": told.outlook.key, "trend": told.trend or None,
                                       "since": told.risk.since and clock.to_text(told.risk.since)}
                  for _horizon, each in brief.by for told in each],
        "branches": [{"unit": one.unit, "name": one.name, "gravest": one.gravest,
                      "risks": dict(zip(HORIZONS, one.counts, strict=True))} for one in brief.branches],
        "in_no_branch": brief.nowhere, "quiet": [one.key for one in brief.quiet],
        "not_told": {one.key: why for one, why in brief.unread},
    }  # fmt: skip


def _branches(unit: str, found: Sequence[Told], names: dict[str, str]) -> list[Branch]:
    below: dict[str, list[Risk]] = {
        one: [] for one in names if one.startswith(f"{unit}/") and "/" not in one[len(unit) + 1:]
    }  # fmt: skip
    for told in found:
        part = "/".join(told.risk.unit.split("/")[: unit.count("/") + 2])
        if part in below:
            below[part].append(told.risk)
    return [
        Branch(one, names[one], [Counter(risk.horizon for risk in risks)[horizon] for horizon in HORIZONS],
               max((risk.severity for risk in risks), default=0))
        for one, risks in below.items()
    ]  # fmt: skip


def _is_in(unit: str, branch: str) -> bool:
    if not unit:
        return branch == TOP
    return unit == branch or unit.startswith(f"{branch}/")


def _asked(outlook: Outlook, unit: str, at: datetime) -> tuple[Sequence[Risk], str]:
    try:
        return registry.source_of(outlook.source)(unit, at), ""
    except Refused as refusal:
        return (), sentence_of(refusal)
    except Exception:  # one part's defect must not take the brief away
        log.exception("part %s of the risk brief could not be told", outlook.key)
        return (), _("This cannot be shown now; an operator finds the reason in the log.")
