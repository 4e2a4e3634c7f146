"""A person's review on request: a case of its own, linked with the application; what was decided stands until then."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cityloom.cases import policies
from cityloom.cases.approving.deciding import last_of
from cityloom.cases.approving.recording import TABLE
from cityloom.cases.domain.approvals.deciding import check_can_ask_review
from cityloom.cases.models import Case, CaseLink
from cityloom.cases.working import finding, moving, opening, recording
from cityloom.cases.working.opening import Asked
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

REVIEW, CHANGED, AGAIN = "review", "changed", "take-up-again"
_KINDS = {True: "automatic-decision", False: "decision"}


def ask(case_id: str, words: str, secret: str, at: datetime) -> str:
    """Open the review of the decision that stands; return its id. Asked again, it is the same one.

    Whoever holds `secret` follows it as well.
    Raises: Refused `cases.nothing_decided`, `cases.review_late`, `cases.reason`.
    """
    row, decision = finding.row_of(case_id), last_of(case_id)
    said = policies.needed_reason(words)
    since = decision.at if decision else row.closed_at if row.result else None
    check_can_ask_review(since, at, is_open=row.is_open)
    asked = Asked(
        REVIEW, _KINDS[decision is None or decision.how == TABLE], {"words": said}, row.lon, row.lat, unit=row.unit,
        origin="case", key=f"{case_id} {decision.number if decision else 0}", secret=secret,
        links=[("case", case_id)], exercise_id=row.exercise_id,
    )  # fmt: skip
    with transaction.atomic():
        review_id = opening.open_case(asked, SYSTEM, at)
        CaseLink.objects.get_or_create(case=row, kind="case", other=review_id, defaults={"at": at})
    return review_id


def reviewed(review_id: str, result: str, command: str, at: datetime) -> None:
    """Let an application be taken up again whose decision a review has found to be wrong; a person decides it anew."""
    if result != CHANGED:
        return
    for other in CaseLink.objects.filter(case__id=review_id, kind="case").values_list("other", flat=True):
        row = Case.objects.filter(id=other).first()
        if row is None or recording.is_done(row, command):
            continue
        found = finding.found(other, SYSTEM)
        step = found.casetype.step(AGAIN)
        if step is not None and row.state in step.sources:
            _take_up(other, command, at)


def _take_up(case_id: str, command: str, at: datetime) -> None:
    try:
        moving.move(finding.found(case_id, SYSTEM), moving.Move(AGAIN, command=command), SYSTEM, at)
    except Refused as refusal:  # somebody took it up meanwhile
        if refusal.code != "cases.state":
            raise
