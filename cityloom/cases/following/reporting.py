"""What residents report: what is urgent goes to those on duty, everything else is a case at once, with its words."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.crypto import salted_hmac

from cityloom.cases import catalogue
from cityloom.cases.attaching import adding as attaching
from cityloom.cases.domain import followcode
from cityloom.cases.domain.reporting import CONFIDENTIAL, NAMED, URGENT
from cityloom.cases.models import Case, CaseContact
from cityloom.cases.working import opening
from cityloom.gate import actions as gate
from cityloom.kernel import ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from cityloom.signals import actions as signals

CASETYPE, WEB, CALL = "request", "web", "call"
PURPOSE = "problem-reports"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reported:
    """What somebody reports, themselves or by telephone; photos are cleaned, `caller` tells callers apart for a day.

    `token` is the form's own: the same content with the same token is the same report. `reach` says who may know the
    `contact`.
    """

    token: str
    category: str
    lon: float
    lat: float
    words: str = ""
    photos: Sequence[bytes] = ()
    reach: str = ""
    contact: str = ""
    caller: str = ""
    origin: str = WEB


@dataclass(frozen=True)
class Taken:
    """What became of a report: a case with the code that follows it, or ("" both) what those on duty have.

    `is_whole` is False where words, contact or photos could not be sealed and so were not kept.
    """

    report_id: str
    case_id: str = ""
    code: str = ""
    is_whole: bool = True


def take(reported: Reported, by: Actor, at: datetime) -> Taken:
    """Take a report. Raises: Refused, from signals and from `opening.open_case`."""
    if reported.category in URGENT:
        problem = _problem(reported, reported.words, reported.photos, reported.contact)
        send = signals.receive if reported.origin == WEB else signals.take_call
        received = send(problem, by=by, at=at)
        return Taken(received.report_id, is_whole=received.is_whole)
    return _as_case(reported, by, at)


def code_for(token: str) -> str:
    """The code of whoever sent a form: the same for the same form, known to nobody without it."""
    return followcode.code_of(salted_hmac("cityloom.cases.follow", token, algorithm="sha256").digest())


def _as_case(reported: Reported, by: Actor, at: datetime) -> Taken:
    """Open the case first and note the signal then: killed between the two, the same form sent again mends it."""
    problem = _problem(reported)
    if reported.origin == WEB:
        signals.check_can_receive(problem, at=at)
    report_id, code = signals.report_id_of(problem), code_for(problem.token)
    case_id, is_whole = _opened(reported, report_id, code, by, at)
    try:
        (signals.receive if reported.origin == WEB else signals.take_call)(problem, by=by, at=at)
    except Refused as refusal:  # it is no less a case: another report was faster to the limit, or who took it may not
        log.info("a case was opened without its signal: %s", refusal.code)
    return Taken(report_id, case_id, code, is_whole)


def _problem(
    reported: Reported, words: str = "", photos: Sequence[bytes] = (), contact: str = ""
) -> signals.Problem:  # fmt: skip
    """A report as detection knows it; what is a case has its words and photos there."""
    token = ids.named_id(reported.token, reported.category, reported.words, reported.contact)
    return signals.Problem(token, reported.category, reported.lon, reported.lat, words, photos, reported.caller,
                           contact)  # fmt: skip


def _opened(reported: Reported, report_id: str, code: str, by: Actor, at: datetime) -> tuple[str, bool]:
    """Open the case; without what has to be sealed, where that cannot be sealed now."""
    try:
        packet = _packet(reported, at)
        asked = _asked(reported, report_id, code, _answers(reported))
        case_id = attaching.open_with_files(replace(asked, files=_files(reported)), by, at)
    except Refused as refusal:
        if not refusal.code.startswith("gate."):
            raise
        log.warning("a report is kept without its words: %s", refusal.code)
        return opening.open_case(_asked(reported, report_id, code, {}), by, at), False
    if packet is not None:
        _keep(case_id, packet, at)
    return case_id, True


def _asked(reported: Reported, report_id: str, code: str, answers: dict[str, Any]) -> opening.Asked:
    return opening.Asked(
        CASETYPE, reported.category, answers, reported.lon, reported.lat, origin=reported.origin, key=report_id,
        secret=code, links=[("report", report_id)] if reported.origin == WEB else (),
    )  # fmt: skip


def _files(reported: Reported) -> list[tuple[str, bytes]]:
    return [(f"photo-{number}.jpg", photo) for number, photo in enumerate(reported.photos, 1)]


def _answers(reported: Reported) -> dict[str, Any]:
    """What the type's form has a question for."""
    given = {"words": reported.words, "contact": reported.contact if reported.reach == NAMED else ""}
    asked = {each.name for each in catalogue.newest(CASETYPE).fields_for(reported.category)}
    return {name: text for name, text in given.items() if text and name in asked}


def _packet(reported: Reported, at: datetime) -> gate.Packet | None:
    if reported.reach != CONFIDENTIAL or not reported.contact:
        return None
    return gate.seal_packet(by=SYSTEM, at=at, purpose=PURPOSE, parts={"contact": reported.contact.encode()})


def _keep(case_id: str, packet: gate.Packet, at: datetime) -> None:
    """Keep a packet beside its case, once; one that is not kept is a key without a lock."""
    with transaction.atomic():
        row = Case.objects.get(id=case_id)
        _, is_new = CaseContact.objects.get_or_create(case=row, defaults={"packet": packet.id, "since": at})
        if is_new:
            gate.keep_packets([packet])
