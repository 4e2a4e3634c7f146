"""What followers say of an end, kept once each and without saying whose it is, by whichever road they say it."""

from __future__ import annotations

from datetime import datetime

from cityloom.cases.domain.verdicts import CONFIRM, REOPEN, Ended, Solved
from cityloom.cases.listing.followed import FOLLOWER, end_of
from cityloom.cases.models import Case, CaseFollower, CaseVerdict
from cityloom.kernel.actor import Actor

_MEANS = {CONFIRM: Solved.YES, REOPEN: Solved.NO}
"""What a step says that a follower takes without being asked, as through Open311."""


def end_before(row: Case, step: str, by: Actor) -> Ended | None:
    """The end that a step of a follower speaks of, as long as the case still stands there."""
    return end_of(row) if step in _MEANS and by.account.startswith(FOLLOWER) else None


def hear_step(row: Case, ended: Ended | None, step: str, by: Actor, at: datetime) -> None:
    """Keep what a step says, in the caller's transaction; whoever has answered before is not counted twice."""
    if ended is not None and ended.is_asked(at):
        hear(row, int(by.account.removeprefix(FOLLOWER)), ended.revision, _MEANS[step], None, at)


def hear(row: Case, follower: int, revision: int, solved: Solved, satisfaction: int | None, at: datetime) -> bool:
    """Keep an answer, and apart from it that this follower has given theirs; False where they had."""
    waiting = CaseFollower.objects.filter(pk=follower, answered__lt=revision)
    if not waiting.update(answered=revision):
        return False
    CaseVerdict.objects.create(case=row, revision=revision, solved=solved.value, satisfaction=satisfaction, at=at)
    return True
