"""A03: somebody who may open people wants thousands of them at once."""

from __future__ import annotations

from cityloom.drills.jobs.abuse.stage import (
    CLERK,
    OTHER_SUPERVISOR,
    SUPERVISOR,
    Office,
    Stage,
    national_id,
    refused,
)
from cityloom.keeper import protocol
from cityloom.kernel.actor import SYSTEM, Actor

MOST = 5_000
LINKED = 40


def run(stage: Stage) -> None:
    """Export with one approver, with one approver twice, and with two."""
    count = min(MOST, stage.scale.people)
    with stage.office(count=count) as office:
        office.enact()
        handles = {office.link(national_id(row), f"resident-{row}")[1] for row in range(min(LINKED, count))}
        since = office.ask(protocol.Head(), protocol.HeadIs).size
        stage.found.tries(f"export {count:,} people with one approver, who also tries to be the second one")
        grant = office.grant(office.subjects)
        _without_second(stage, office, grant, count)
        stage.found.tries(f"export the same {count:,} people after another person's agreement")
        office.ask(protocol.Second(office.fresh(OTHER_SUPERVISOR), grant), protocol.Granted)
        stage.found.stopped(without := refused(office.open(grant, 0, count)))
        stage.found.equal("the export with two approvers and no fresh second factor", without, "gate.step_up")
        reply = office.open(grant, 0, count, who=office.fresh(CLERK))
        _compare(stage, office, reply, count)
        _compare_notices(stage, office, handles, since)


def _without_second(stage: Stage, office: Office, grant: str, count: int) -> None:
    holder = Actor(CLERK.account, CLERK.unit, SUPERVISOR.roles | CLERK.roles)
    who = office.fresh(CLERK)
    replies = [
        office.open(grant, 0, count, who=who), office.open(grant, 0, 1, who=who),
        office.desk.answer(protocol.Second(office.fresh(SUPERVISOR), grant)),
        office.desk.answer(protocol.Second(office.fresh(holder), grant)),
        office.desk.answer(protocol.Second(office.sign(OTHER_SUPERVISOR), grant)),
        office.open(grant, 0, count, who=who),
    ]  # fmt: skip
    for reply in replies:
        stage.found.stopped(refused(reply) or "nothing")
    stage.found.equal("refused with one approver", sum(bool(refused(reply)) for reply in replies), len(replies))
    stage.found.equal("leaves of people opened so far", len(office.leaves("opened")), 0)


def _compare(stage: Stage, office: Office, reply: protocol.Reply, count: int) -> None:
    rows = reply.people if isinstance(reply, protocol.Opened) else []
    stage.found.equal("rows returned with two approvers", len(rows), count)
    stage.found.equal("rows returned that are whole", sum(row is not None for row in rows), count)
    leaves = office.leaves("opened")
    stage.found.equal("leaves", len(leaves), len(rows))
    stage.found.equal("the leaves are about exactly these people",
                      sorted(leaves) == sorted(office.desk.vault.pseudonyms(office.subjects)), True)  # fmt: skip


def _compare_notices(stage: Stage, office: Office, handles: set[str], since: int) -> None:
    told: list[str] = []
    while True:
        news = office.ask(protocol.News(office.sign(SYSTEM), since), protocol.NewsIs)
        told += [item.handle for item in news.items if item.kind == "opened"]
        if news.next == since:
            break
        since = news.next
    stage.found.equal("notices for residents who have signed in", len(told), len(handles))
    stage.found.equal("each of them has one", set(told) == handles, True)
