"""Opening cases: each row, its clocks and its first event in one transaction, once for each key; one or many at a time.

What is heard in the words is noted as numbers before they are sealed: later nobody but those who work on it reads them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from cityloom.cases import catalogue, events, policies
from cityloom.cases.domain import answers
from cityloom.cases.domain.casetypes.casetype import LEVELS, CaseType
from cityloom.cases.domain.routing.standing import catch_all_of
from cityloom.cases.models import Case, CaseClock, CaseFollower, CaseHeard, CaseLink, CaseMember
from cityloom.cases.routing import hearing
from cityloom.cases.routing.hearing import Ear, Heard
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
    whoever reported it follow it. Without a `unit` the category's is responsible, else the desk where all comes in,
    until it is routed. Without a category it has the one for all that none fits.
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


Beside = Callable[[Sequence[Case], Mapping[str, str]], object]
"""What else is kept of new cases in the same transaction, of their words too while they are at hand."""
_beside: list[Beside] = []


@dataclass(frozen=True)
class _Made:
    """A case that is whole but for its seal, not kept yet; `sealed` is what will be sealed, `words` of what it is."""

    row: Case
    asked: Asked
    casetype: CaseType
    sealed: str
    words: str
    heard: Heard | None


def keep_beside(keep: Beside) -> None:
    """Let something else be kept of each new case; said once, when the program starts."""
    if keep not in _beside:
        _beside.append(keep)


def open_case(asked: Asked, by: Actor, at: datetime) -> str:
    """Open a case; return its id.

    Raises: Refused `cases.no_such_type`, `cases.may_not_open`, `cases.no_category`, `cases.confidentiality`, and what
    the form and the gate refuse.
    """
    case_id = _id_of(asked)
    if Case.objects.filter(id=case_id).exists():
        return case_id
    made = _made(asked, case_id, catalogue.newest(asked.casetype), None, by, at)
    made.row.sealed = recording.sealed(made.row, made.sealed, by, at)
    try:
        _keep([made], by, at)
    except IntegrityError:
        if not asked.key or not Case.objects.filter(id=case_id).exists():
            raise
    return case_id


def open_many(many: Sequence[Asked], by: Actor, at: datetime) -> list[str | Refused]:
    """Open many cases: one call for the seals, one transaction; return the id of each, or why it was refused.

    Raises: Refused, from the gate: then none is kept.
    """
    found: list[str | Refused] = [_id_of(asked) for asked in many]
    known = set(Case.objects.filter(id__in=found).values_list("id", flat=True))
    types, ear, made = dict[str, CaseType](), Ear(), dict[str, _Made]()
    for at_row, (asked, case_id) in enumerate(zip(many, list(found), strict=True)):
        if case_id in known or case_id in made:
            continue
        try:
            casetype = types.get(asked.casetype) or types.setdefault(asked.casetype, catalogue.newest(asked.casetype))
            made[str(case_id)] = _made(asked, str(case_id), casetype, ear, by, at)
        except Refused as refusal:
            found[at_row] = refusal
    _seal(made, by, at)
    _keep_or_each(list(made.values()), by, at)
    return found


def _id_of(asked: Asked) -> str:
    return ids.named_id("case", asked.casetype, asked.origin, asked.key) if asked.key else ids.new_ulid()


def _seal(made: Mapping[str, _Made], by: Actor, at: datetime) -> None:
    sealed = recording.sealed_many({key: one.sealed for key, one in made.items() if one.sealed}, by, at)
    for key, text in sealed.items():
        made[key].row.sealed = text


def _keep_or_each(made: Sequence[_Made], by: Actor, at: datetime) -> None:
    """Keep all; where another process has just opened one of them, each by itself."""
    try:
        _keep(made, by, at)
    except IntegrityError:
        known = set(Case.objects.filter(id__in=[one.row.id for one in made]).values_list("id", flat=True))
        if not known:
            raise
        for one in made:
            if one.row.id not in known:
                one.row.number = None  # type: ignore[assignment]  # what took this number was rolled back
                _keep([one], by, at)


def _made(asked: Asked, case_id: str, casetype: CaseType, ear: Ear | None, by: Actor, at: datetime) -> _Made:
    policies.check_can_open(casetype, by)
    if not asked.category:
        asked = replace(asked, category=catch_all_of(casetype.categories))
    _check(asked, casetype)
    read = answers.read(casetype, asked.category, asked.answers)
    row = _row(asked, case_id, casetype, read.clear, at)
    sealed = json.dumps(read.sealed, ensure_ascii=False) if read.sealed else ""
    words = hearing.words_in(casetype, read.sealed)
    heard = (ear or Ear()).hear(words) if hearing.is_heard(casetype, asked.origin) else None
    return _Made(row, asked, casetype, sealed, words, heard)


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


def _keep(made: Sequence[_Made], by: Actor, at: datetime) -> None:
    """Write new cases with all that belongs to them: a statement for each table, however many there are."""
    started = {one.row.id: _started(one, at) for one in made}
    with transaction.atomic():
        for casetype in {(one.casetype.name, one.casetype.version): one.casetype for one in made}.values():
            _publish_shipped(casetype, by, at)
        rows = Case.objects.bulk_create([one.row for one in made])
        CaseClock.objects.bulk_create([_of(clock, one.row) for one in made for clock in started[one.row.id]])
        CaseLink.objects.bulk_create([CaseLink(case=one.row, kind=kind, other=other, at=at) for one in made
                                      for kind, other in dict.fromkeys(one.asked.links)])  # fmt: skip
        CaseFollower.objects.bulk_create([_follower(one, at) for one in made if one.asked.secret])
        CaseMember.objects.bulk_create([_member(one, by, at) for one in made if _is_its_openers(one, by)])
        CaseHeard.objects.bulk_create([_heard(one, one.heard, at) for one in made if one.heard is not None])
        deeds = [(one.row, _deed(one, by, at), "", [_opened(one.row, at)]) for one in made]
        recording.write_all(deeds)
        words = {one.row.id: one.words for one in made if one.words}
        for keep in _beside:
            keep(rows, words)
        for one in made:
            entering.entered(one.row, one.casetype, "", at)


def _started(one: _Made, at: datetime) -> list[CaseClock]:
    started = clocks.after_step(one.row, one.casetype, one.row.state, at, is_opened=True)
    one.row.due_at = clocks.due_of(one.row, started)
    one.row.rank = recording.rank_of(one.row.due_at, None)
    return started


def _of(clock: CaseClock, row: Case) -> CaseClock:
    clock.case = row  # its number is known since the row was written
    return clock


def _follower(one: _Made, at: datetime) -> CaseFollower:
    return CaseFollower(case=one.row, digest=finding.digest_of(one.asked.secret), is_first=True, since=at)


def _is_its_openers(one: _Made, by: Actor) -> bool:
    """Whether whoever opens a case has to be named in it, since nobody else would see it."""
    return bool(one.casetype.named and one.row.confidentiality == "secret" and by.unit)


def _member(one: _Made, by: Actor, at: datetime) -> CaseMember:
    return CaseMember(case=one.row, role=one.casetype.named[0], account=by.account, since=at)


def _heard(one: _Made, heard: Heard, at: datetime) -> CaseHeard:
    return CaseHeard(case=one.row, classifier=heard.classifier, kinds=[list(kind) for kind in heard.kinds],
                     words=list(heard.words), is_placed=bool(one.asked.unit), at=at)  # fmt: skip


def _deed(one: _Made, by: Actor, at: datetime) -> Deed:
    return Deed("opened", by, at, "opened", after=one.row.state, role=_role(by), about=one.asked.about,
                data={"origin": one.asked.origin})  # fmt: skip


def _opened(row: Case, at: datetime) -> events.CaseOpened:
    return events.CaseOpened(row.id, row.casetype, row.version, row.category, row.state, row.unit, row.origin, at)


def _publish_shipped(casetype: CaseType, by: Actor, at: datetime) -> None:
    """A type that comes with the program is published with the first case that is opened of it."""
    if not catalogue.is_published(casetype.name, casetype.version):
        catalogue.keep(catalogue.shipped_document(casetype.name), by.account, at)


def _role(by: Actor) -> str:
    return next(iter(sorted(by.roles)), "")
