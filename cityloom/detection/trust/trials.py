"""Rules that are tried on the past by a process of its own: asked for, taken up one by one, ended, and kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from cityloom.detection import policies
from cityloom.detection.domain import trial
from cityloom.detection.domain.cause import Cause
from cityloom.detection.domain.pack import Pack
from cityloom.detection.models import PackVersion, Trial
from cityloom.detection.trust import past, replay
from cityloom.kernel import ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

_BUSY = "{value} trials wait already, and at most {limit} do; wait until one has ended, or cancel one."
_LATE = ("It took more than {limit} minutes, which is the most that a page allows; take a shorter time, fewer rules, "
         "or the command line: cityloom detection try.")  # fmt: skip
_BROKEN = "It was begun {limit} times and never came to its end; take a shorter time, or the command line."
_NO_TRIAL = "There is no such trial any more; those of rules that were never kept are let go after 90 days."
_GONE = "The recording is not there any more; send it again."
_KEPT = timedelta(days=90)


@dataclass(frozen=True)
class Past:
    """On what rules are tried: what the city keeps between two instants, or a recording that was sent."""

    since: datetime | None = None
    until: datetime | None = None
    recording: str = ""
    content: bytes = b""


def found(trial_id: str) -> Trial:
    """A trial.

    Raises: Refused `detection.no_trial`.
    """
    row = Trial.objects.filter(pk=trial_id).first()
    if row is None:
        raise Refused("detection.no_trial", _NO_TRIAL)
    return row


def latest(most: int, digests: set[str] | None = None) -> list[Trial]:
    """The trials that were asked for last, or those of these rules; without the rules themselves."""
    rows = Trial.objects.defer("text", "result").order_by("-asked_at", "-id")
    return list((rows if digests is None else rows.filter(digest__in=digests))[:most])


def version_of(row: Trial) -> int:
    """The version under which the rules of a trial are kept; 0 where they are not."""
    kept = PackVersion.objects.filter(pack=row.pack, digest=row.digest).order_by("-number")
    return kept.values_list("number", flat=True).first() or 0


def ask(text: str, pack: Pack | Cause, on: Past, by: Actor, at: datetime) -> str:
    """Have rules tried; return the trial's id.

    Raises: Refused `detection.past_long`, `detection.trials_busy`.
    """
    if on.since and on.until:
        past.check_size(pack, on.since, on.until, trial.MOST_READINGS)
    key = ids.new_ulid()
    if on.recording:
        path = file_of(key, on.recording)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(on.content)
    with transaction.atomic():
        waiting = Trial.objects.filter(state__in=trial.OPEN).count()
        if waiting >= trial.MOST_OPEN:
            raise Refused("detection.trials_busy", _BUSY, value=waiting, limit=trial.MOST_OPEN)
        _let_go(at - _KEPT)
        Trial.objects.create(
            id=key, pack=pack.name, digest=hashlib.sha256(text.encode()).hexdigest(), text=text, since=on.since,
            until=on.until, recording=Path(on.recording).name[-80:], by=by.account, unit=by.unit[:80],
            role=next(iter(sorted(by.roles & policies.PACK_WRITERS)), ""), asked_at=at, state=trial.WAITING,
            of=len(replay.rules_of(pack)) + 1,
        )  # fmt: skip
    return key


def cancel(trial_id: str, at: datetime) -> None:
    """End a trial that nobody needs; one that has ended stays as it is.

    Raises: Refused `detection.no_trial`.
    """
    row = found(trial_id)
    Trial.objects.filter(pk=row.pk, state__in=trial.OPEN, cancelled_at=None).update(cancelled_at=at)
    if Trial.objects.filter(pk=row.pk, state=trial.WAITING).update(state=trial.CANCELLED, ended_at=at):
        forget_file(row)


def is_any_open() -> bool:
    """Whether any trial waits or is at work."""
    return Trial.objects.filter(state__in=trial.OPEN).exists()


def to_stop(at: datetime) -> bool:
    """Whether the trial at work was cancelled, or has taken too long."""
    rows = Trial.objects.filter(state=trial.RUNNING)
    return rows.exclude(cancelled_at=None).exists() or rows.filter(begun_at__lte=at - trial.LONGEST).exists()


def next_one(at: datetime) -> Trial | None:
    """Take the next trial up, after those that a process left without an outcome have been settled."""
    for row in Trial.objects.filter(state=trial.RUNNING):
        _settle(row, at)
    row = Trial.objects.filter(state__in=trial.OPEN).order_by("asked_at", "id").first()
    if row is not None:
        row.state, row.begun, row.begun_at, row.done = trial.RUNNING, row.begun + 1, at, 0
        row.save(update_fields=["state", "begun", "begun_at", "done"])
    return row


def note_step(row: Trial) -> None:
    """Note that one more step of a trial is done."""
    row.done += 1
    Trial.objects.filter(pk=row.pk).update(done=row.done)


def end(row: Trial, state: str, at: datetime, result: dict[str, Any], refusal: Refused | None = None) -> None:
    """Write down what came of a trial."""
    said = refusal and {"code": refusal.code, "sentence": refusal.template, "value": _plain(refusal.value),
                        "limit": _plain(refusal.limit)}  # fmt: skip
    Trial.objects.filter(pk=row.pk).update(state=state, ended_at=at, result=result, refusal=said or {})
    forget_file(row)


def content_of(row: Trial) -> bytes:
    """The recording that was sent for a trial.

    Raises: Refused `detection.recording_gone`.
    """
    try:
        return file_of(row.id, row.recording).read_bytes()
    except FileNotFoundError as error:
        raise Refused("detection.recording_gone", _GONE) from error


def file_of(trial_id: str, name: str) -> Path:
    """Where a recording lies until it was tried."""
    ending = ".parquet" if name.lower().endswith(".parquet") else ".csv"
    return Path(settings.CITYLOOM["LAKE_DIR"]) / ".trials" / f"{trial_id}{ending}"


def forget_file(row: Trial) -> None:
    """Remove the recording of a trial that needs it no more."""
    if row.recording:
        file_of(row.id, row.recording).unlink(missing_ok=True)


def _settle(row: Trial, at: datetime) -> None:
    if row.cancelled_at:
        end(row, trial.CANCELLED, at, {})
    elif row.begun_at and at - row.begun_at >= trial.LONGEST:
        end(row, trial.REFUSED, at, {}, Refused("detection.trial_late", _LATE,
                                                limit=int(trial.LONGEST.total_seconds() // 60)))  # fmt: skip
    elif row.begun >= trial.MOST_BEGUN:
        end(row, trial.REFUSED, at, {}, Refused("detection.trial_broken", _BROKEN, limit=trial.MOST_BEGUN))


def _let_go(before: datetime) -> None:
    """Erase old trials of rules that were never kept."""
    kept = PackVersion.objects.order_by().values("digest")
    Trial.objects.filter(ended_at__lt=before).exclude(digest__in=kept).delete()


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, (int, float, str)) else str(value)
