"""What those who reported a matter do later: say more, answer, withdraw, have it reopened, ask for another look."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from cityloom.cases import events, policies
from cityloom.cases.attaching import adding as attaching
from cityloom.cases.attaching.adding import Sent
from cityloom.cases.domain import reporting, verdicts
from cityloom.cases.domain.casetypes.casetype import REPORTER
from cityloom.cases.domain.verdicts import REOPEN
from cityloom.cases.listing.followed import Followed, end_of, reporters_of, way_on_of
from cityloom.cases.models import Case, CaseEvent, CaseFollower, CaseLink
from cityloom.cases.working import finding, moving, opening, recording
from cityloom.cases.working.recording import Deed
from cityloom.kernel import ids
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

MOST_A_DAY = 20
"""What one follower may add to a matter within a day."""
REVIEW = "review"


def say_more(followed: Followed, text: str, files: Sent, command: str, at: datetime) -> None:
    """Write more down in the case that goes on, or answer there what was asked, with photos; sealed for it.

    Raises: Refused `cases.too_much_said`, `cases.reason`, `cases.text_long`, `cases.over`, `cases.many_files`,
    `files.*`.
    """
    found = finding.found(followed.lead.id, followed.by)
    if recording.is_done(found.row, command):
        return
    check_may_add(followed, at)
    words = policies.needed_reason(text)
    if files:
        attaching.add(found.row.id, files, ids.named_id("files", command), followed.by, at)
        found = finding.found(found.row.id, followed.by)
    answer = reporting.answer_in(found.casetype, found.row.state)
    if answer is not None:
        moving.move(found, moving.Move(answer.name, words, command=command), followed.by, at)
        return
    deed = Deed("noted", followed.by, max(at, found.row.changed_at), command, REPORTER, text=words)
    recording.change(found.row, deed, {}, [events.CaseNoted(found.row.id, found.row.casetype, "note", at)])


def withdraw(followed: Followed, reason: str, command: str, at: datetime) -> bool:
    """Withdraw a report; True where that ends the case, False where others go on with it.

    Raises: Refused `cases.cannot_withdraw`, `cases.state`, `cases.text_long`.
    """
    words = policies.cleaned(reason)
    if followed.is_joined or reporters_of(followed.lead) > 1:
        _leave(followed, command, at)
        return False
    found = finding.found(followed.own.id, followed.by)
    step = reporting.way_out(found.casetype)
    if step is None:
        raise Refused("cases.cannot_withdraw", "A case of this kind cannot be withdrawn here; call the city.")
    moving.move(found, moving.Move(step.name, words, command=command), followed.by, at)
    return True


def reopen(followed: Followed, reason: str, command: str, at: datetime) -> None:
    """Let a case go on that was confirmed or closed, once and within the time to answer.

    Raises: Refused `cases.not_asked`, `cases.verdict_late`, `cases.reopened_once`, `cases.reason`.
    """
    ended = verdicts.check_is_asked(end_of(followed.lead), 0, at)
    if ended.was_reopened or not (followed.is_first or not ended.has_first):
        raise Refused("cases.reopened_once", "It was reopened once before, or is for whoever reported it first to "
                      "reopen; ask for another look at it instead.")  # fmt: skip
    found = finding.found(followed.lead.id, followed.by)
    moving.move(found, moving.Move(REOPEN, reason, command=command), followed.by, at)


def ask_for_another_look(followed: Followed, secret: str, reason: str, at: datetime) -> str:
    """Open a review of how a case ended, followed with the same secret; return its id. One for each end.

    Raises: Refused `cases.no_review`, `cases.reason`, `cases.text_long`.
    """
    lead, words = followed.lead, policies.needed_reason(reason)
    if not way_on_of(followed, at).may_ask_again:
        raise Refused("cases.no_review", "Another look can be asked for at what has ended and cannot be reopened.")
    last = CaseEvent.objects.filter(case=lead, kind="stepped").order_by("revision").last()
    asked = opening.Asked(
        REVIEW, "decision", origin="case", key=f"{lead.id} {last.revision if last else 0}", secret=secret,
        links=[("case", lead.id)], exercise_id=lead.exercise_id, about=[("case", lead.id, "reviewed")],
    )  # fmt: skip
    case_id = opening.open_case(asked, SYSTEM, at)
    _say_why(case_id, followed, secret, words, at)
    CaseLink.objects.get_or_create(case=lead, kind="case", other=case_id, defaults={"at": at})
    return case_id


def _say_why(case_id: str, followed: Followed, secret: str, words: str, at: datetime) -> None:
    row = finding.row_of(case_id)
    CaseFollower.objects.get_or_create(case=row, digest=finding.digest_of(secret), defaults={"since": at})
    command = ids.named_id(REVIEW, case_id, followed.follower.pk)
    if not recording.is_done(row, command):
        deed = Deed("noted", followed.by, max(at, row.changed_at), command, REPORTER, text=words)
        recording.change(row, deed, {}, [events.CaseNoted(row.id, row.casetype, "note", at)])


def check_may_add(followed: Followed, at: datetime) -> None:
    """Raises: Refused `cases.over`, `cases.too_much_said`."""
    if not followed.lead.is_open:
        raise Refused("cases.over", "This has ended, so nothing can be added to it; ask for another look, or report it"
                      " again.")  # fmt: skip
    mine = CaseEvent.objects.filter(case=followed.lead, account=followed.by.account, at__gte=at - timedelta(days=1))
    if (said := mine.count()) >= MOST_A_DAY:
        raise Refused("cases.too_much_said", "You have added something {value} times within a day, which is the most; "
                      "go on tomorrow, or call the city.", value=said)  # fmt: skip


def _leave(followed: Followed, command: str, at: datetime) -> None:
    """Let a follower go whose matter others follow too."""
    row: Case = followed.lead
    with transaction.atomic():
        deed = Deed("follower-left", followed.by, max(at, row.changed_at), command, REPORTER)
        recording.change(row, deed, {}, [events.CaseNoted(row.id, row.casetype, "left", at)])
        CaseFollower.objects.filter(pk=followed.follower.pk).delete()
