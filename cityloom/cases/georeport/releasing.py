"""What an official releases of a case for everybody to read."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cityloom.cases import policies
from cityloom.cases.events import CaseNoted
from cityloom.cases.models import ReleasedWords
from cityloom.cases.working import finding, recording
from cityloom.cases.working.recording import Deed
from cityloom.kernel.actor import Actor


def release(case_id: str, words: str, command: str, by: Actor, at: datetime) -> int:
    """Show these words of a case to everybody, instead of those before; empty ones take them back."""
    found = finding.found(case_id, by)
    if recording.is_done(found.row, command):
        return found.row.revision
    policies.check_can_work(found.roles, by)
    text = policies.cleaned(words)
    deed = Deed("released" if text else "withheld", by, at, command, found.role())
    with transaction.atomic():
        ReleasedWords.objects.filter(case=found.row).delete()
        if text:
            ReleasedWords.objects.create(case=found.row, words=text, released_by=by.account, released_at=at)
        recording.change(found.row, deed, {}, [CaseNoted(found.row.id, found.row.casetype, "released", at)])
    return found.row.revision
