"""A12: a request is caught on its way and sent again or changed; claims or a session are somebody else's."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import msgspec

from cityloom.drills.jobs.abuse.stage import (
    CLERK,
    KEY,
    OFFICER,
    OTHER_SUPERVISOR,
    PURPOSE,
    STEWARD,
    SUPERVISOR,
    Office,
    Stage,
    refused,
)
from cityloom.keeper import door, protocol
from cityloom.keeper.assertion import LIFETIME_S, Claims
from cityloom.keeper.door import Door
from cityloom.keeper.office import STEP_UP_LASTS_S
from cityloom.keeper.protocol import Authentic, Signed
from cityloom.kernel import clock, ids
from cityloom.kernel.refused import Refused

_PASSWORD = "plenty of long words for a drill"  # noqa: S105 - of an account that lives as long as the drill
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_EPOCH, _NEXT = b"one run of the keeper", b"the next run of it"


def run(stage: Stage) -> None:
    """Catch, send again, change, wait, put words into others' mouths, and carry a session to another device."""
    with stage.office(count=60) as office:
        office.enact()
        grant = office.grant(office.subjects[:10])
        stage.found.tries("a captured request sent again, also to a keeper that was started anew meanwhile")
        captured = _replays(stage, office, grant)
        stage.found.tries("every byte of the captured request changed")
        _mutations(stage, captured)
        stage.found.tries("claims that are old, forged, or another's; a second factor shown more than 5 minutes ago")
        _claims(stage, office, grant)
        _step_up(stage, office)
        opened = len(office.leaves("opened"))
    stage.found.equal("people opened by it all, beside the lawful request", opened - 1, 0)
    stage.found.tries("a session's cookies carried to another device")
    _sessions(stage)


def _replays(stage: Stage, office: Office, grant: str) -> Authentic:
    run = office.subjects[:1].tobytes(), office.envelope(0)
    request = protocol.Open(office.sign(CLERK), grant, ["name"], *run)
    captured, way_in = door.seal(request, KEY, _EPOCH), Door(KEY, _EPOCH)
    lawful = office.desk.answer(way_in.let_in(captured))
    stage.found.equal("the request itself", isinstance(lawful, protocol.Opened), True)
    codes = [_let_in(way_in, captured)]
    for wait_s in (1, 30, 58, 70, 140):
        office.clock.advance(wait_s)
        codes.append(_let_in(way_in, captured) or refused(office.desk.answer(request)))
    codes.append(_let_in(Door(KEY, _NEXT), captured))
    for code in codes:
        stage.found.stopped(code or "nothing")
    stage.found.equal("replays that were answered", sum(not code for code in codes), 0)
    return captured


def _let_in(way_in: Door, message: protocol.Request) -> str:
    try:
        way_in.let_in(message)
    except Refused as refusal:
        return refusal.code
    return ""


def _mutations(stage: Stage, captured: Authentic) -> None:
    way_in, through = Door(KEY, _EPOCH), 0
    for part in ("body", "nonce", "mac"):
        whole = getattr(captured, part)
        for at in range(len(whole)):
            changed = whole[:at] + bytes([whole[at] ^ 1 << stage.rng.randrange(8)]) + whole[at + 1 :]
            code = _let_in(way_in, msgspec.structs.replace(captured, **{part: changed}))
            stage.found.stopped(code or "nothing")
            through += not code
    stage.found.equal("changed requests that were answered", through, 0)
    code = _let_in(way_in, protocol.Head())
    stage.found.equal("a request that nobody has signed", code in ("gate.forged", ""), True)


def _claims(stage: Stage, office: Office, grant: str) -> None:
    mine, theirs = office.sign(CLERK), office.sign(SUPERVISOR)
    raised = msgspec.msgpack.decode(mine.claims, type=Claims)
    raised = msgspec.msgpack.encode(msgspec.structs.replace(raised, roles=["case-handler", "supervisor"]))
    wrong = {
        "another's signature": Signed(mine.claims, theirs.mac), "a role added": Signed(raised, mine.mac),
        "nobody": Signed(b"", b""), "a byte cut off": Signed(mine.claims[:-1], mine.mac),
    }  # fmt: skip
    for what, who in wrong.items():
        code = refused(office.open(grant, 0, who=who))
        stage.found.stopped(code or "nothing")
        stage.found.equal(f"claims with {what}", code, "gate.not_signed_in")
    code = refused(office.open(grant, 0, who=theirs))
    stage.found.stopped(code or "nothing")
    stage.found.equal("another's grant", code, "gate.not_allowed")
    office.clock.advance(LIFETIME_S)
    code = refused(office.open(grant, 0, who=mine))
    stage.found.stopped(code or "nothing")
    stage.found.equal(f"claims that are {LIFETIME_S} seconds old", code, "gate.not_signed_in")


def _step_up(stage: Stage, office: Office) -> None:
    bulk = office.grant(office.subjects)
    acts = {
        "a second person's agreement": lambda who: protocol.Second(who, bulk),
        "a purpose": lambda who: protocol.DecidePurpose(who, "school-enrolment", _proposed(office), True),
        "a name unmasked": lambda who: protocol.Unmask(who, ["clerk-1"], "complaint"),
        "honey residents": lambda who: protocol.SetHoney(who, office.subjects[:1].tobytes()),
    }
    for what, act in acts.items():
        by = OTHER_SUPERVISOR if what.startswith("a second") else OFFICER
        shown = int(clock.now().timestamp())
        office.clock.advance(STEP_UP_LASTS_S + 1)
        code = refused(office.desk.answer(act(office.sign(by, step_up_at=shown))))
        early = refused(office.desk.answer(act(office.sign(by, step_up_at=int(clock.now().timestamp()) + 60))))
        stage.found.stopped(code or "nothing")
        stage.found.equal(f"{what}, with a second factor of 5 minutes ago, and of the future", {code, early},
                          {"gate.not_allowed"})  # fmt: skip


def _proposed(office: Office) -> int:
    request = protocol.ProposePurpose(office.sign(STEWARD), json.dumps(PURPOSE).encode())
    return office.ask(request, protocol.Done).count


def _sessions(stage: Stage) -> None:
    from django.conf import settings
    from django.test import Client

    from cityloom.accounts import actions as accounts
    from cityloom.accounts import queries
    from cityloom.kernel.actor import SYSTEM

    name, now = f"drill-{ids.new_ulid().lower()}", clock.now()
    account = accounts.add_account(username=name, name="", unit="city", roles=("operator",), password=_PASSWORD,
                                   by=SYSTEM, at=now)  # fmt: skip
    host = {"SERVER_NAME": "localhost"}
    owner = Client(HTTP_USER_AGENT=_BROWSER, **host)
    owner.post("/sign-in/", {"login": name, "password": _PASSWORD})
    stage.found.equal("the page of the owner", owner.get("/health/").status_code, 200)
    session, device = settings.SESSION_COOKIE_NAME, queries.DEVICE_COOKIE
    for what, agent, cookies in (
        ("the session's cookie in another browser", _BROWSER, (session,)),
        ("both cookies in another program", "curl/8", (session, device)),
    ):
        thief = Client(HTTP_USER_AGENT=agent, **host)
        for cookie in cookies:
            thief.cookies[cookie] = owner.cookies[cookie].value
        answer = thief.get("/health/")
        stage.found.stopped("device binding")
        stage.found.equal(what, (answer.status_code, bool(re.search("why=", answer.headers.get("Location", "")))),
                          (302, True))  # fmt: skip
    stage.found.equal("the owner goes on", owner.get("/health/").status_code, 200)
    with clock.use(clock.DrillClock(now + timedelta(days=2))):
        stage.found.equal("the owner's page two days later", owner.get("/health/").status_code, 302)
    accounts.disable(account=account, by=SYSTEM, at=now)
