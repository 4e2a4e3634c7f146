"""Reviews that were asked for: taken up one by one by a process of its own, ended, and kept with their logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from cityloom.insight import policies
from cityloom.insight.domain import stages
from cityloom.insight.eventlogs import reading
from cityloom.insight.models import Review
from cityloom.insight.reviewing import waiting
from cityloom.kernel import ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

_BUSY = "{value} reviews wait already, and at most {limit} do; wait until one has ended, or cancel one."
_LATE = "It took more than {limit} minutes, which is the most that a page allows; use `cityloom insight review`."
_BROKEN = "It was begun {limit} times and never came to its end; use `cityloom insight review`."
_NO_REVIEW = "There is no such review any more; they are kept for 400 days."


@dataclass(frozen=True)
class Source:
    """What is to be reviewed: a file that was sent, own cases of a type, or the log of a review once more."""

    file: str = ""
    content: bytes = b""
    casetype: str = ""
    base: str = ""
    model: str = ""
    model_content: bytes = b""


def found(review_id: str) -> Review:
    """A review.

    Raises: Refused `insight.no_review`.
    """
    row = Review.objects.filter(pk=review_id).first()
    if row is None:
        raise Refused("insight.no_review", _NO_REVIEW)
    return row


def latest(most: int = 50) -> list[Review]:
    """The reviews that were asked for last, without what came of them."""
    return list(Review.objects.defer("result", "asked").order_by("-asked_at", "-id")[:most])


def ask(source: Source, asked: Mapping[str, Any], by: Actor, at: datetime) -> str:
    """Have a process reviewed; return the review's id.

    Raises: Refused `insight.no_form`, `insight.reviews_busy`, `insight.no_review`.
    """
    key = ids.new_ulid()
    form = "again" if source.base else "casetype" if source.casetype else "file"
    if form == "file":
        reading.form_of(source.file)
    name = found(source.base).name if source.base else source.casetype or Path(source.file).name
    with transaction.atomic():
        count = waiting.waiting(Review)
        if count >= stages.MOST_OPEN:
            raise Refused("insight.reviews_busy", _BUSY, value=count, limit=stages.MOST_OPEN)
        _let_go(at - stages.KEPT)
        _put_aside(key, source)
        Review.objects.create(
            id=key, name=name[-120:], form=form, base=source.base, by=by.account, unit=by.unit[:80], asked_at=at,
            asked=dict(asked) | ({"model": source.model[-80:]} if source.model else {}), state=stages.WAITING,
            of=stages.PARTS, role=next(iter(sorted(by.roles & policies.REVIEWERS)), ""),
        )  # fmt: skip
    return key


def cancel(review_id: str, at: datetime) -> None:
    """End a review that nobody needs; one that has ended stays as it is.

    Raises: Refused `insight.no_review`.
    """
    row = found(review_id)
    if waiting.cancel(row, at):
        forget_file(row)


def next_one(at: datetime) -> Review | None:
    """Take the next review up, after those that a process left without an outcome have been settled."""
    return waiting.next_one(Review, at, _settle)


def note_part(row: Review) -> None:
    """Note that one more part of a review is ready."""
    row.done += 1
    Review.objects.filter(pk=row.pk).update(done=row.done)


def end(row: Review, state: str, at: datetime, result: dict[str, Any], refusal: Refused | None = None) -> None:
    """Write down what came of a review, and let its file go."""
    digest = result.get("source", {}).get("digest", "")
    Review.objects.filter(pk=row.pk).update(state=state, ended_at=at, result=result, digest=digest,
                                            refusal=waiting.said(refusal))  # fmt: skip
    forget_file(row)


def folder() -> Path:
    """Where files wait, and logs of reviews are kept."""
    return Path(settings.CITYLOOM["LAKE_DIR"]) / ".reviews"


def file_of(review_id: str, name: str) -> Path:
    """Where a file lies until it was read; its endings say its form."""
    return folder() / f"{review_id}.{_ending(name)}"


def log_file(review_id: str) -> Path:
    """Where the log of a review is kept."""
    return folder() / f"{review_id}.log"


def model_file(review_id: str) -> Path:
    """Where the model lies that a log is to be compared with."""
    return folder() / f"{review_id}.bpmn"


def forget_file(row: Review) -> None:
    """Remove what was sent for a review that needs it no more."""
    if row.form == "file":
        file_of(row.id, row.name).unlink(missing_ok=True)
    model_file(row.id).unlink(missing_ok=True)


def _ending(name: str) -> str:
    low = name.lower()
    return Path(low.removesuffix(".gz")).suffix[1:] + (".gz" if low.endswith(".gz") else "")


def _put_aside(key: str, source: Source) -> None:
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    if source.file:
        file_of(key, source.file).write_bytes(source.content)
    if source.model:
        model_file(key).write_bytes(source.model_content)


def _settle(row: Review, at: datetime) -> None:
    if row.cancelled_at:
        end(row, stages.CANCELLED, at, {})
    elif waiting.is_late(row, at):
        minutes = int(stages.LONGEST.total_seconds() // 60)
        end(row, stages.REFUSED, at, {}, Refused("insight.review_late", _LATE, limit=minutes))
    elif row.begun >= stages.MOST_BEGUN:
        end(row, stages.REFUSED, at, {}, Refused("insight.review_broken", _BROKEN, limit=stages.MOST_BEGUN))


def _let_go(before: datetime) -> None:
    for row in Review.objects.filter(ended_at__lt=before).defer("result"):
        log_file(row.id).unlink(missing_ok=True)
        row.delete()
