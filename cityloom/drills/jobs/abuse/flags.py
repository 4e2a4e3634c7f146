"""A06: a status that burdens people is set on a whole group. Source: Zhengzhou 2022, 1,317 red codes."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from cityloom.drills.jobs.abuse.stage import (
    CLERK,
    OTHER_SUPERVISOR,
    SUPERVISOR,
    THIRD_SUPERVISOR,
    Office,
    Stage,
    national_id,
    refused,
)
from cityloom.keeper import protocol
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM

GROUP = 1_317
ORDER = 40
"""People of a lawful order in an emergency; one person may set 50 a day."""


def run(stage: Stage) -> None:
    """Set a red code on 1,317 people with one order, then on a few in an emergency, and see it end by itself."""
    count = max(GROUP, 3 * ORDER)
    with stage.office(count=count) as office:
        stage.found.tries(f"a red code for {GROUP:,} people with one order, with the same evidence, with one missing")
        _without_evidence(stage, office)
        stage.found.tries(f"the same {GROUP:,} people as an emergency")
        _as_emergency(stage, office)
        stage.found.tries(f"two emergency orders for {ORDER} people each, which end by themselves")
        _lawful(stage, office)


def _propose(office: Office, rows: np.ndarray, evidence: list[str], *, emergency: bool) -> protocol.ProposeStatus:
    now = clock.now()
    return protocol.ProposeStatus(
        office.sign(CLERK), ids.new_ulid(), "health-code-red", "d" * 64, office.subjects[rows].tobytes(), evidence,
        clock.to_text(now + timedelta(hours=72)), clock.to_text(now + timedelta(days=10)), emergency,
    )  # fmt: skip


def _without_evidence(stage: Stage, office: Office) -> None:
    everyone, own = np.arange(GROUP), [f"{number:064x}" for number in range(1, GROUP + 1)]
    wanted = (
        _propose(office, everyone, ["e" * 64], emergency=False),
        _propose(office, everyone, ["e" * 64] * GROUP, emergency=False),
        _propose(office, everyone, own[1:], emergency=False),
        _propose(office, everyone[:1], [], emergency=False),
        _propose(office, everyone, own, emergency=False),  # evidence for each, and still far too many at once
    )
    codes = [refused(office.desk.answer(request)) for request in wanted]
    for code in codes:
        stage.found.stopped(code or "nothing")
    stage.found.equal("orders refused at the first person", codes[:4].count("gate.no_evidence"), 4)
    stage.found.equal("1,317 with evidence of their own, at once", codes[4], "gate.not_allowed")
    stage.found.equal("people with a status", len(office.leaves("status-set")), 0)


def _as_emergency(stage: Stage, office: Office) -> None:
    request = _propose(office, np.arange(GROUP), [], emergency=True)
    office.desk.answer(request)
    reply = office.desk.answer(protocol.ApproveStatus(office.fresh(OTHER_SUPERVISOR), request.id))
    stage.found.stopped(refused(reply) or "nothing")
    stage.found.equal("1,317 people as an emergency", refused(reply), "gate.budget")
    stage.found.equal("people with a status", len(office.leaves("status-set")), 0)
    stage.found.least("alarms at the data protection officer's",
                      sum(row.kind == "status" for row in office.alarms()), 1)  # fmt: skip


def _lawful(stage: Stage, office: Office) -> None:
    handles = {office.link(national_id(row), f"resident-{row}")[1] for row in range(2 * ORDER)}
    since = office.ask(protocol.Head(), protocol.HeadIs).size
    batches = []
    for first, approver in ((0, OTHER_SUPERVISOR), (ORDER, THIRD_SUPERVISOR)):
        request = _propose(office, np.arange(first, first + ORDER), [], emergency=True)
        office.ask(request, protocol.Done)
        for who in (office.fresh(CLERK), office.sign(approver), office.fresh(SYSTEM)):
            stage.found.stopped(refused(office.desk.answer(protocol.ApproveStatus(who, request.id))) or "nothing")
        office.ask(protocol.ApproveStatus(office.fresh(approver), request.id), protocol.Done)
        batches.append(request.id)
    stage.found.equal("people with a status", len(office.leaves("status-set")), 2 * ORDER)
    news = office.ask(protocol.News(office.sign(SYSTEM), since), protocol.NewsIs)
    told = {item.handle for item in news.items if item.kind == "status-set"}
    stage.found.equal("all of them are told", told == handles, True)
    stage.found.equal("alarms for each order", sum(row.kind == "status" for row in office.alarms()), 3)
    too_long = _propose(office, np.arange(1), [], emergency=True)
    office.clock.advance(timedelta(hours=1).total_seconds())
    renewed = protocol.ProposeStatus(
        office.sign(SUPERVISOR), ids.new_ulid(), "health-code-red", "d" * 64, too_long.subjects, [],
        clock.to_text(clock.now() + timedelta(hours=73)), too_long.appeal_until, True,
    )  # fmt: skip
    code = refused(office.desk.answer(renewed))
    stage.found.stopped(code)
    stage.found.equal("an emergency order beyond 72 hours", code, "gate.status_until")
    _ends(stage, office, batches)


def _ends(stage: Stage, office: Office, batches: list[str]) -> None:
    office.clock.advance(timedelta(hours=72).total_seconds())
    for batch in batches:
        reply = office.desk.answer(protocol.EndStatus(office.sign(SYSTEM), batch))
        stage.found.equal("the city ends an order by itself", refused(reply), "")
    stage.found.equal("people whose status has ended", len(office.leaves("status-ended")), 2 * ORDER)
