"""One case tried by hand: who would get it, by which rule, and what the classifier hears in its words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from cityloom.cases import catalogue
from cityloom.cases.domain.routing import deciding, standing
from cityloom.cases.domain.routing.deciding import Came, Decision
from cityloom.cases.routing import classifiers, versions
from cityloom.cases.routing.hearing import Ear
from cityloom.cases.routing.versions import InForceNow
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers


@dataclass(frozen=True)
class Tried:
    """A case that nobody opened."""

    casetype: str
    category: str
    lon: float | None
    lat: float | None
    words: str
    channel: str
    at: datetime


@dataclass(frozen=True)
class Outcome:
    """What would become of it; `version` is that of the rules, None where none are in force."""

    decision: Decision
    unit: str
    version: int | None
    heard: tuple[tuple[str, float], ...]
    area: str


def tried(asked: Tried) -> Outcome:
    """What would become of a case.

    Raises: Refused `cases.no_category`, `cases.no_such_type`.
    """
    casetype = catalogue.newest(asked.casetype)
    if asked.category and asked.category not in casetype.categories:
        raise Refused("cases.no_category", "There is no category {value} here; there are: {limit}.",
                      value=asked.category[:40], limit=", ".join(casetype.categories))  # fmt: skip
    rules, now = versions.in_force(), classifiers.in_force()
    if rules is not None and casetype.name not in rules.rules.casetypes:
        rules = None
    heard = Ear().hear(asked.words)
    area = area_of(rules, asked.lon, asked.lat)
    came = Came(asked.category, heard.kinds, area, timezone.localtime(asked.at), asked.channel, heard.words)
    found = deciding.decided(came, standing.standing_of(casetype.name, casetype.categories),
                             now.threshold if now else None, rules.rules if rules else None,
                             settings.CITYLOOM_INTAKE_UNIT)  # fmt: skip
    category = casetype.categories.get(found.category)
    unit = found.unit or (category.unit if category else "") or settings.CITYLOOM_INTAKE_UNIT
    return Outcome(found, unit, rules.number if rules else None, heard.kinds, area)


def area_of(rules: InForceNow | None, lon: float | None, lat: float | None) -> str:
    """The unit in whose area a place lies; "" where no rule asks for one, or none is known."""
    if rules is None or lon is None or lat is None or not any(rule.areas for rule in rules.rules.rules):
        return ""
    return registers.unit_at(lon, lat)
