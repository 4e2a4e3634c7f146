"""What was heard in a case, for those who work on it."""

from __future__ import annotations

from dataclasses import dataclass

from cityloom.cases import catalogue
from cityloom.cases.domain.routing.standing import Meant, meant, standing_of
from cityloom.cases.models import CaseHeard


@dataclass(frozen=True)
class HeardFacts:
    """The likeliest categories of the type with their finer kinds, the kind that counts now, and what is asked."""

    likely: tuple[Meant, ...]
    kind: str
    standing: str


def heard_of(case_id: str) -> HeardFacts | None:
    """What was heard in a case; None where nobody listened."""
    row = CaseHeard.objects.select_related("case").defer("case__sealed").filter(case__id=case_id).first()
    if row is None:
        return None
    case = row.case
    standing = standing_of(case.casetype, catalogue.casetype_of(case.casetype, case.version).categories)
    likely = meant(standing, [(str(kind), float(sure)) for kind, sure in row.kinds])
    return HeardFacts(tuple(likely), row.kind, row.standing)
