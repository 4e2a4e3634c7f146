"""Opening a case: its row, its clocks and its first event in one transaction, once for each key."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from cityloom.cases import catalogue, events, policies
from cityloom.cases.domain import answers
from cityloom.cases.domain.casetypes.casetype import LEVELS, CaseType
from cityloom.cases.models import Case, CaseFollower, CaseLink, CaseMember
from cityloom.cases.working import clocks, entering, finding, recording
from cityloom.cases.working.recording import Deed
from cityloom.kernel import cells, ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

ORIGINS = ("web", "open311", "call", "official", "sensor", "detection", "report", "permit", "dispute", "case")


@dataclass(frozen=True)
class Asked:
    """What somebody wants the city to settle.

    The same `key` is the same case. `links` are other things that it belongs to, as pairs of kind and id; `secret` lets
    whoever reported it follow it. Without a `unit` the category's is responsible, else the desk where all comes in.
    `files` are photos and documents as they came, `(name, content)` or `(name, content, field of the form)`.
    """

    casetype: str
    category: str = ""
    answers: Mapping[str, Any] = field(default_factory=dict)
    lon: float | None = None
    lat: float | None = None
    unit: str = ""
    origin: str = "official"
    key: str = ""
    secret: str = ""
    confidentiality: str = ""
    links: Sequence[tuple[str, str]] = ()
    about: Sequence[tuple[str, str, str]] = ()
    files: Sequence[tuple[str, bytes] | tuple[str, bytes, str]] = ()
    exercise_id: str = ""
    made_up: bool = False


def open_case(asked: Asked, by: Actor, at: datetime) -> str:
    """Open a case; return its id.

    Raises: Refused `cases.no_such_type`, `cases.may_not_open`, `cases.no_category`, `cases.confidentiality`, and what
    the form and the gate refuse.
    """
    case_id = ids.named_id("case", asked.casetype, asked.origin, asked.key) if asked.key else ids.new_ulid()
    if Case.objects.filter(id=case_id).exists():
        return case_id
    casetype = catalogue.newest(asked.casetype)
    policies.check_can_open(casetype, by)
    _check(asked, casetype)
    read = answers.read(casetype, asked.category, asked.answers)
    row = _row(asked, case_id, casetype, read.clear, at)
    words = json.dumps(read.sealed, ensure_ascii=False) if read.sealed else ""
    row.sealed = recording.sealed(row, words, by, at)
    try:
        _keep(row, asked, casetype, by, at)
    except IntegrityError:
        if not asked.key or not Case.objects.filter(id=case_id).exists():
            raise
    return case_id


def _check(asked: Asked, casetype: CaseType) -> None:
    if casetype.categories and asked.category not in casetype.categories:
        raise Refused("cases.no_category", "There is no category {value} here; there are: {limit}.",
                      value=asked.category[:40] or "–", limit=", ".join(casetype.categories))  # fmt: skip
    if asked.confidentiality and asked.confidentiality not in LEVELS:
        raise Refused("cases.confidentiality", "{value} is no confidentiality; there are: {limit}.",
                      value=asked.confidentiality[:40], limit=", ".join(LEVELS))  # fmt: skip
    if asked.origin not in ORIGINS:
        raise Refused("cases.origin", "{value} is no origin of a case; there are: {limit}.",
                      value=asked.origin[:40], limit=", ".join(ORIGINS))  # fmt: skip


def _row(asked: Asked, case_id: str, casetype: CaseType, clear: dict[str, Any], at: datetime) -> Case:
    category = casetype.categories.get(asked.category)
    unit = asked.unit or (category.unit if category else "") or settings.CITYLOOM_INTAKE_UNIT
    level = max((casetype.access.confidentiality, asked.confidentiality or LEVELS[0]), key=LEVELS.index)
    cell = None if asked.lon is None or asked.lat is None else cells.cell_of(asked.lon, asked.lat)
    return Case(
        id=case_id, exercise_id=asked.exercise_id, casetype=casetype.name, version=casetype.version,
        state=casetype.first.name, category=asked.category, confidentiality=level, lon=asked.lon, lat=asked.lat,
        cell=cell, opened_at=at, changed_at=at, matter=case_id, origin=asked.origin, answers=clear,
        made_up=asked.made_up, **recording.placed(unit, level),
    )  # fmt: skip


def _keep(row: Case, asked: Asked, casetype: CaseType, by: Actor, at: datetime) -> None:
    started = clocks.after_step(row, casetype, row.state, at, is_opened=True)
    row.due_at = clocks.due_of(row, started)
    row.rank = recording.rank_of(row.due_at, None)
    deed = Deed("opened", by, at, "opened", after=row.state, role=_role(by), about=asked.about,
                data={"origin": asked.origin})  # fmt: skip
    with transaction.atomic():
        _publish_shipped(casetype, by, at)
        row.save(force_insert=True)
        clocks.save(started)
        CaseLink.objects.bulk_create([CaseLink(case=row, kind=kind, other=other, at=at)
                                      for kind, other in dict.fromkeys(asked.links)])  # fmt: skip
        if casetype.named and row.confidentiality == "secret" and by.unit:
            CaseMember.objects.create(case=row, role=casetype.named[0], account=by.account, since=at)
        if asked.secret:
            CaseFollower.objects.create(case=row, digest=finding.digest_of(asked.secret), is_first=True, since=at)
        recording.write(row, deed, "", None)
        fact = events.CaseOpened(row.id, row.casetype, row.version, row.category, row.state, row.unit, row.origin, at)
        recording.publish(row, deed, [fact])
        entering.entered(row, casetype, "", at)


def _publish_shipped(casetype: CaseType, by: Actor, at: datetime) -> None:
    """A type that comes with the program is published with the first case that is opened of it."""
    if not catalogue.is_published(casetype.name, casetype.version):
        catalogue.keep(catalogue.shipped_document(casetype.name), by.account, at)


def _role(by: Actor) -> str:
    return next(iter(sorted(by.roles)), "")
