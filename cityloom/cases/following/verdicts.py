"""What those who reported a matter say of its end: counted without a name, and followed by what it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from cityloom.cases import policies
from cityloom.cases.domain import verdicts
from cityloom.cases.domain.verdicts import CONFIRM, REOPEN, Follows, Solved
from cityloom.cases.events import CaseNoted
from cityloom.cases.listing.followed import Followed, end_of
from cityloom.cases.working import finding, hearing, moving, recording
from cityloom.cases.working.recording import Deed
from cityloom.kernel import ids
from cityloom.kernel.refused import Refused

VERDICT = "verdict"
"""The kind of what is written into the history where a verdict is for the handler to read."""


@dataclass(frozen=True)
class Answer:
    """Whether it is solved, why not, and how satisfied somebody is, if they say so."""

    solved: str
    satisfaction: int | None = None
    reason: str = ""


def give(followed: Followed, answer: Answer, at: datetime) -> Follows:
    """Take an answer; return what follows of it. Each follower answers once to each end.

    Raises: Refused `cases.not_asked`, `cases.verdict_late`, `cases.verdict_given`, `cases.verdict`, `cases.reason`.
    """
    lead = followed.lead
    ended = verdicts.check_is_asked(end_of(lead), followed.follower.answered, at)
    solved = verdicts.check_answer(answer.solved, answer.satisfaction)
    words = policies.needed_reason(answer.reason) if solved is Solved.NO else policies.cleaned(answer.reason)
    follows = verdicts.follows_of(solved, ended, is_first=followed.is_first)
    with transaction.atomic():
        _count(followed, ended.revision, solved, answer.satisfaction, at)
        _act(followed, follows, ended, words, at)
    return follows


def _count(followed: Followed, revision: int, solved: Solved, satisfaction: int | None, at: datetime) -> None:
    """Keep the answer, and apart from it that this follower has answered: nothing says which answer is whose."""
    if not hearing.hear(followed.lead, followed.follower.pk, revision, solved, satisfaction, at):
        raise Refused("cases.verdict_given", "You have answered this already; thank you.")


def _act(followed: Followed, follows: Follows, ended: verdicts.Ended, words: str, at: datetime) -> None:
    by, command = followed.by, ids.named_id(VERDICT, followed.follower.pk, ended.revision)
    found = finding.found(followed.lead.id, by)
    step = {Follows.CLOSE: CONFIRM, Follows.GO_ON: REOPEN}.get(follows, "")
    if step and any(each.name == step and found.row.state in each.sources for each in found.casetype.steps):
        moving.move(found, moving.Move(step, words, command=command), by, at)
    elif words:
        deed = Deed("noted", by, max(at, found.row.changed_at), command, "reporter", text=words,
                    data={VERDICT: follows.value})  # fmt: skip
        recording.change(found.row, deed, {}, [CaseNoted(found.row.id, found.row.casetype, VERDICT, at)])
