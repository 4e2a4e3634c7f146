"""What decides about new cases, read once for a batch: rules and classifier in force, types, areas."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone

from cityloom.cases import catalogue
from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.domain.routing import deciding, rules
from cityloom.cases.domain.routing.deciding import Came, Decision
from cityloom.cases.domain.routing.standing import Standing, standing_of
from cityloom.cases.models import Case, CaseHeard
from cityloom.cases.routing import classifiers, trying, versions


class Desk:
    """Decides about cases by what is in force at one moment."""

    def __init__(self) -> None:
        self._rules = versions.in_force()
        now = classifiers.in_force()
        self._threshold = now.threshold if now else None
        self._standing: dict[tuple[str, int], Standing] = {}

    @property
    def version(self) -> int | None:
        """The version of the routing rules; None where none are in force."""
        return self._rules.number if self._rules else None

    def decide(self, heard: CaseHeard) -> Decision:
        """What becomes of a case, by what was heard in its words when it was opened."""
        row = heard.case
        threshold = self._threshold if heard.classifier is not None else None
        kinds = [(str(kind), float(sure)) for kind, sure in heard.kinds]
        came = Came(row.category, kinds, self.area_of(row), timezone.localtime(row.opened_at), row.origin, heard.words)
        return deciding.decided(came, self.standing(row), threshold, self.rules_for(row), settings.CITYLOOM_INTAKE_UNIT)

    def rules_for(self, row: Case) -> rules.Rules | None:
        """The rules that route a case; None where none do."""
        held = self._rules
        return held.rules if held is not None and row.casetype in held.rules.casetypes else None

    def standing(self, row: Case) -> Standing:
        """What the categories of a case's type stand for."""
        key = row.casetype, row.version
        if key not in self._standing:
            self._standing[key] = standing_of(row.casetype, catalogue.casetype_of(*key).categories)
        return self._standing[key]

    def area_of(self, row: Case) -> str:
        """The unit in whose area a case lies, where a rule asks for it."""
        return trying.area_of(self._rules, row.lon, row.lat)


def unit_of(casetype: CaseType, category: str) -> str:
    """The unit that a type names for a category, else the desk where all comes in."""
    known = casetype.categories.get(category)
    return (known.unit if known else "") or settings.CITYLOOM_INTAKE_UNIT
