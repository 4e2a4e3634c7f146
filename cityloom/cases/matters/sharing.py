"""Those who have the same: they follow a matter with a secret of their own, without a report and without a name."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cityloom.cases.listing.nearmatters import PUBLIC
from cityloom.cases.models import Case, CaseFollower
from cityloom.cases.working import finding
from cityloom.kernel.refused import Refused

_OVER = "This is settled by now, so nobody else can be added to it. If it has come back, report it again."
_NO_CODE = "There is no code to follow it with; reload the page and try again."


def say_me_too(case_id: str, secret: str, at: datetime) -> None:
    """Add one more whom a matter concerns; the same secret counts once, whichever of its reports was shown.

    Raises: Refused `cases.unknown`, `cases.matter_settled`, `cases.no_code`.
    """
    if not secret.strip():
        raise Refused("cases.no_code", _NO_CODE)
    digest = finding.digest_of(secret)
    with transaction.atomic():
        lead = Case.objects.select_for_update().filter(PUBLIC, id=lead_of(case_id)).first()
        if lead is None:
            raise finding.unknown()
        if CaseFollower.objects.filter(case__matter=lead.id, digest=digest).exists():
            return
        if not lead.is_open:
            raise Refused("cases.matter_settled", _OVER)
        CaseFollower.objects.create(case=lead, digest=digest, since=at)


def lead_of(case_id: str) -> str:
    """The case that goes on for a case: itself, unless it is joined with another.

    Raises: Refused `cases.unknown`.
    """
    found = Case.objects.filter(id=case_id).values_list("matter", flat=True).first()
    if found is None:
        raise finding.unknown()
    return found
