"""A05: data are used beyond the law: another field, an article that has run out, a purpose that was withdrawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

from cityloom.drills.jobs.abuse.stage import (
    CLERK,
    COMMANDER,
    OFFICER,
    STEWARD,
    SUPERVISOR,
    WORKER,
    Office,
    Stage,
    refused,
)
from cityloom.keeper import protocol, record
from cityloom.keeper.basis import BASIS_YEARS, CASES, EMERGENCY, GLASS, REGISTER, STATUS
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import Actor

FIELDS = (*record.FIELDS, "address", "NAME", "name ", "*", "")
WITHDRAWN = "school-enrolment"
_PEOPLE = {
    EMERGENCY: (COMMANDER, WORKER, record.FIELDS), CASES: (SUPERVISOR, CLERK, ("name", "phone", "birth_date")),
    REGISTER: (OFFICER, STEWARD, record.FIELDS), GLASS: (COMMANDER, COMMANDER, record.FIELDS),
    WITHDRAWN: (SUPERVISOR, CLERK, ("name", "birth_date")), STATUS: (SUPERVISOR, CLERK, ()),
    "resident-access": (OFFICER, STEWARD, ()), "oversight": (OFFICER, OFFICER, ()),
    "no-such-purpose": (OFFICER, CLERK, ()),
}  # fmt: skip


def run(stage: Stage) -> None:
    """Ask for every field under every purpose, while the law allows it, when it has run out, and after withdrawal."""
    with stage.office(count=60) as office:
        version = office.enact()
        stage.found.tries(f"{len(_PEOPLE)} purposes x {len(FIELDS)} fields, each by those who may most")
        grants = _outside_list(stage, office)
        stage.found.tries("the same after the purpose was withdrawn, also under grants made before")
        withdraw = protocol.DecidePurpose(office.fresh(STEWARD), WITHDRAWN, version, False)
        office.ask(withdraw, protocol.Done)
        _all_denied(stage, office, grants, "withdrawn", (WITHDRAWN,))
        stage.found.tries("the same after the articles have run out")
        office.clock.advance(timedelta(days=365 * BASIS_YEARS + 1).total_seconds())
        _all_denied(stage, office, grants, "expired", tuple(_PEOPLE))
        stage.found.equal("people opened in all, and pairs within the law", len(office.leaves("opened")), len(grants))


def _outside_list(stage: Stage, office: Office) -> dict[tuple[str, str], str]:
    """Make and use a grant for each pair; return those that the law allows."""
    grants, denied, unlawful, missing = {}, 0, 0, 0
    for purpose, (granter, holder, lawful) in _PEOPLE.items():
        for field in FIELDS:
            reply, grant = _granted(office, purpose, granter, holder, field)
            opened = grant and isinstance(_open(office, grant, holder, field), protocol.Opened)
            if field in lawful:
                missing += not opened
                grants[purpose, field] = grant
            else:
                unlawful += 1
                denied += not opened
                stage.found.stopped(refused(reply) or "gate.not_granted")
    stage.found.equal("pairs outside the law denied", denied, unlawful)
    stage.found.equal("pairs within the law refused", missing, 0)
    return grants


def _granted(office: Office, purpose: str, granter: Actor, holder: Actor, field: str) -> tuple[protocol.Reply, str]:
    name = ids.new_ulid()
    subjects = office.subjects[:3]
    if purpose == GLASS:
        who = office.sign(granter)
        request = protocol.BreakGlass(who, name, "INCIDENT", [field], subjects.tobytes(), "0" * 64)
    else:
        until = clock.to_text(clock.now() + timedelta(days=3650))
        request = office.order(subjects, granter, id=name, purpose=purpose, fields=[field], holder=holder.account,
                               until=until)  # fmt: skip
    reply = office.desk.answer(request)
    return reply, name if isinstance(reply, protocol.Granted) else ""


def _open(office: Office, grant: str, holder: Actor, field: str) -> protocol.Reply:
    return office.open(grant, 0, who=office.fresh(holder), fields=(field,))


def _all_denied(
    stage: Stage, office: Office, grants: dict[tuple[str, str], str], how: str, purposes: tuple[str, ...]
) -> None:
    replies = []
    for purpose in purposes:
        granter, holder, _ = _PEOPLE[purpose]
        for field in FIELDS:
            replies.append(_granted(office, purpose, granter, holder, field)[0])
            if grant := grants.get((purpose, field)):
                replies.append(_open(office, grant, holder, field))
        replies += [office.desk.answer(make()) for make in _others(office, purpose, grants)]
    for reply in replies:
        stage.found.stopped(refused(reply) or "nothing")
    through = sum(not refused(reply) for reply in replies)
    stage.found.equal(f"of {len(replies)} requests, answered although {how}", through, 0)


def _others(
    office: Office, purpose: str, grants: dict[tuple[str, str], str]
) -> Iterator[Callable[[], protocol.Request]]:
    """What else reaches people: searching, asking, counting, listing."""
    holder, run = _PEOPLE[purpose][1], office.subjects[:3].tobytes()
    grant = next((name for (of, _), name in grants.items() if of == purpose), "")
    yield lambda: protocol.Search(office.sign(holder), purpose, "national_id", "1")
    yield lambda: protocol.Ask(office.sign(holder), grant, "age-at-least", "60", run, office.envelope(0, 3))
    yield lambda: protocol.Count(office.sign(COMMANDER), run, purpose=purpose, incident_id="INCIDENT")
    yield lambda: protocol.ListNeedingHelp(office.sign(COMMANDER), grant)
