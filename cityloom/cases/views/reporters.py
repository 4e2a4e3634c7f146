"""What those who work on a case see of the people who reported it: whether they can be reached, and what they say."""

from __future__ import annotations

from typing import Any

from django.db.models import Count
from django.utils.translation import gettext as _

from cityloom.cases.domain.casetypes.casetype import REPORTER, CaseType
from cityloom.cases.domain.verdicts import Follows
from cityloom.cases.listing.toldfollowers import FOR_REPORTER
from cityloom.cases.models import CaseContact, CaseVerdict
from cityloom.cases.queries import CaseFacts, EventFacts


def of_case(facts: CaseFacts, casetype: CaseType) -> dict[str, Any]:
    """The part of a case's page about its reporters; their answers are counted, and nobody's."""
    rows = CaseVerdict.objects.filter(case__id=facts.id).values_list("solved").annotate(count=Count("id"))
    counts = dict(rows)
    words = (("yes", _("solved")), ("partly", _("partly solved")), ("no", _("not solved")))
    return {
        "has_contact": CaseContact.objects.filter(case__id=facts.id).exists(),
        "is_public": casetype.access.is_on_map and facts.confidentiality in ("open", "internal"),
        "is_followed": any(REPORTER in role.held_by for role in casetype.roles.values()),
        "verdicts": [(said, counts.get(solved, 0)) for solved, said in words] if counts else [],
    }


def of_event(each: EventFacts) -> dict[str, Any]:
    """What is to be said of something that happened, where reporters said it or may read it."""
    label = _("Not solved, says somebody who reported it") if each.data.get("verdict") == Follows.TELL.value else ""
    return {"for_reporter": each.data == FOR_REPORTER} | ({"label": label} if label else {})
