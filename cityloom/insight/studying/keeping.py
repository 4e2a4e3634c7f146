"""Studies that were asked for on a page: taken up one by one by a process of its own, and kept as folders."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db import transaction

from cityloom.insight import policies
from cityloom.insight.domain import stages
from cityloom.insight.models import StoredStudy
from cityloom.insight.reviewing import waiting
from cityloom.insight.studies import kinds
from cityloom.insight.studying import folders, questions, working
from cityloom.insight.studying.files import ENDINGS
from cityloom.insight.studying.folders import Kept
from cityloom.kernel import ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

PARTS = 100
_BUSY = "{value} studies wait already, and at most {limit} do; wait until one has ended, or cancel one."
_LATE = "It took more than {limit} minutes, which is the most that a page allows; use `cityloom insight study run`."
_BROKEN = "It was begun {limit} times and never came to its end; use `cityloom insight study run`."
_NO_STUDY = "There is no such study any more; they are kept for 400 days."
_NO_FILE = "No file was sent for the table {value}; it is needed."
_ENDING = "The file of the table {value} is none that is read here; send one that ends with {limit}."
_SAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Sent:
    """A question as it was written, and the tables that were sent: their files' names and contents, by table."""

    kind: str
    name: str = ""
    text: str = ""
    files: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)
    is_example: bool = False


def found(study_id: str) -> StoredStudy:
    """A study. Raises: Refused `insight.no_study`."""
    row = StoredStudy.objects.filter(pk=study_id).first()
    if row is None:
        raise Refused("insight.no_study", _NO_STUDY)
    return row


def latest(most: int = 50) -> list[StoredStudy]:
    """The studies that were asked for last."""
    return list(StoredStudy.objects.order_by("-asked_at", "-id")[:most])


def ask(sent: Sent, by: Actor, at: datetime) -> str:
    """Have a question worked; return the study's id.

    Raises: Refused `insight.studies_busy`, `insight.input_missing`, `insight.input_form`, and as `questions.read`.
    """
    key = ids.new_ulid()
    title = kinds.kind(sent.kind).title
    files = {} if sent.is_example else _files(sent)
    text = "" if sent.is_example else _checked(sent, files)
    with transaction.atomic():
        count = waiting.waiting(StoredStudy)
        if count >= stages.MOST_OPEN:
            raise Refused("insight.studies_busy", _BUSY, value=count, limit=stages.MOST_OPEN)
        _let_go(at - stages.KEPT)
        _put_aside(key, sent, text, files)
        StoredStudy.objects.create(
            id=key, kind=sent.kind, name=(sent.name or title)[:120], by=by.account, unit=by.unit[:80], asked_at=at,
            state=stages.WAITING, of=PARTS, role=next(iter(sorted(by.roles & policies.REVIEWERS)), ""),
            is_example=sent.is_example,
        )  # fmt: skip
    return key


def cancel(study_id: str, at: datetime) -> None:
    """End a study that nobody needs; one that has ended stays as it is.

    Raises: Refused `insight.no_study`.
    """
    row = found(study_id)
    if waiting.cancel(row, at):
        forget_sent(row.id)


def next_one(at: datetime) -> StoredStudy | None:
    """Take the next study up."""
    return waiting.next_one(StoredStudy, at, _settle)


def note(row: StoredStudy, share: float, step: str) -> None:
    """Note how far a study is, in hundredths."""
    done = min(max(int(share * PARTS), 0), PARTS)
    if (done, step[:60]) != (row.done, row.step):
        row.done, row.step = done, step[:60]
        StoredStudy.objects.filter(pk=row.pk).update(done=done, step=row.step)


def end(row: StoredStudy, state: str, at: datetime, digest: str = "", refusal: Refused | None = None) -> None:
    """Write down what came of a study, and let go what was sent for it."""
    StoredStudy.objects.filter(pk=row.pk).update(state=state, ended_at=at, digest=digest, refusal=waiting.said(refusal))
    forget_sent(row.id)


def folder() -> Path:
    """Where studies lie."""
    return Path(settings.CITYLOOM["LAKE_DIR"]) / ".studies"


def folder_of(study_id: str) -> Path:
    """Where a study lies that was worked."""
    return folder() / study_id


def sent_for(study_id: str) -> Path:
    """Where question and tables wait."""
    return folder() / f"{study_id}.sent"


def origins_sent(study_id: str) -> dict[str, str]:
    """What the files that were sent are called, by table."""
    path = sent_for(study_id) / "names.json"
    return dict(json.loads(path.read_text("utf-8"))) if path.is_file() else {}


def forget_sent(study_id: str) -> None:
    """Remove what was sent; it is in the study's inputs."""
    shutil.rmtree(sent_for(study_id), ignore_errors=True)


def kept(study_id: str) -> Kept:
    """A study that was worked.

    Raises: Refused `insight.no_study`, `insight.study_broken`.
    """
    path = folder_of(study_id)
    head = path / folders.HEAD
    return _read(path, head.stat().st_mtime_ns if head.is_file() else 0)


@lru_cache(maxsize=2)
def _read(path: Path, _written_ns: int) -> Kept:
    return folders.read(path)


def _files(sent: Sent) -> dict[str, str]:
    """The names under which the files that were sent are put aside."""
    names = {}
    for spec in kinds.kind(sent.kind).inputs:
        if spec.name not in sent.files:
            if spec.needed:
                raise Refused("insight.input_missing", _NO_FILE, value=spec.name)
            continue
        ending = Path(sent.files[spec.name][0]).suffix.lower()
        if ending not in ENDINGS:
            raise Refused("insight.input_form", _ENDING, value=spec.name, limit=", ".join(ENDINGS))
        names[spec.name] = f"{spec.name}{ending}"
    return names


def _checked(sent: Sent, files: Mapping[str, str]) -> str:
    """The question with the files that were sent, once it fits; those that it names itself are of another place."""
    asked = questions.read(sent.text)
    if asked.kind.name != sent.kind:
        raise Refused("insight.other_kind", "The question is of the kind {value}, and this page is for {limit}.",
                      value=asked.kind.name, limit=sent.kind)  # fmt: skip
    return questions.as_text(sent.kind, asked.question, files)


def _put_aside(key: str, sent: Sent, text: str, files: Mapping[str, str]) -> None:
    place = sent_for(key)
    place.mkdir(mode=0o700, parents=True)
    if sent.is_example:
        working.write_example(sent.kind, place).rename(place / "question.yaml")
        return
    (place / "question.yaml").write_text(text, "utf-8")
    for name, file in files.items():
        (place / file).write_bytes(sent.files[name][1])
    names = {name: _SAFE.sub("_", Path(sent.files[name][0]).name)[-120:] for name in files}
    (place / "names.json").write_text(json.dumps(names), "utf-8")


def _settle(row: StoredStudy, at: datetime) -> None:
    if row.cancelled_at:
        end(row, stages.CANCELLED, at)
    elif waiting.is_late(row, at):
        minutes = int(stages.LONGEST.total_seconds() // 60)
        end(row, stages.REFUSED, at, refusal=Refused("insight.study_late", _LATE, limit=minutes))
    elif row.begun >= stages.MOST_BEGUN:
        end(row, stages.REFUSED, at, refusal=Refused("insight.study_unended", _BROKEN, limit=stages.MOST_BEGUN))


def _let_go(before: datetime) -> None:
    for row in StoredStudy.objects.filter(ended_at__lt=before):
        shutil.rmtree(folder_of(row.id), ignore_errors=True)
        row.delete()
