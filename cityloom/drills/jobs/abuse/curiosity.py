"""A04: somebody looks up a neighbour, a former partner, a celebrity."""

from __future__ import annotations

from datetime import timedelta

from django.test.utils import override_settings

from cityloom.drills.jobs.abuse.city import answered_by, refusal_of
from cityloom.drills.jobs.abuse.stage import CLERK, OFFICER, SUPERVISOR, WORKER, Office, Stage, national_id
from cityloom.gate import actions as gate
from cityloom.gate import jobs
from cityloom.gate.models import GateAlarm, OpeningNotice, ResidentLink
from cityloom.keeper.basis import CASES
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import Actor

NOTICE_S, MATCH_H, RING_S = 60, 24, 1
_ROUND_S = 0.5
REAL_CASE = "CASE-REAL"


def known_matters(names: set[str]) -> dict[str, frozenset[str] | None]:
    """What the city knows in this drill: one case, given to one clerk."""
    return {REAL_CASE: frozenset({CLERK.account})} if REAL_CASE in names else {}


def run(stage: Stage) -> None:
    """Look without a grant, under another's, and with a case that is made up; then meet a honey resident."""
    matters = f"{__name__}.known_matters"
    with stage.office(count=60) as office, answered_by(office), override_settings(CITYLOOM_MATTERS=matters):
        stage.found.tries("open without a grant, with another's, with a grant to oneself, and for a field beyond it")
        _without_grant(stage, office)
        stage.found.tries("have a case made up, and one that is somebody else's, and open a resident who has signed in")
        _fake_case(stage, office)
        stage.found.tries("open a honey resident")
        _honey(stage, office)


def _open(office: Office, by: Actor, grant: str, row: int, fields: tuple[str, ...] = ("name",)) -> str:
    people = office.subjects[row : row + 1]
    return refusal_of(lambda: gate.open_people(by=by, at=clock.now(), grant_id=grant, subjects=people, fields=fields))


def _granted(office: Office, by: Actor, holder: Actor, matter: str, first: int = 0) -> str:
    return gate.grant(
        by=by, at=clock.now(), purpose=CASES, subjects=office.subjects[first : first + 10], fields=["name"],
        holder=holder.account, until=clock.now() + timedelta(days=5), incident_id=matter,
    )  # fmt: skip


def _without_grant(stage: Stage, office: Office) -> None:
    grant = _granted(office, SUPERVISOR, CLERK, REAL_CASE)
    other = Actor("clerk-2", CLERK.unit, CLERK.roles)
    codes = [
        _open(office, CLERK, "no-such-grant", 0), _open(office, other, grant, 0), _open(office, WORKER, grant, 0),
        _open(office, SUPERVISOR, grant, 0), _open(office, CLERK, grant, 30),
        _open(office, CLERK, grant, 0, ("phone",)),
        refusal_of(lambda: _granted(office, CLERK, CLERK, REAL_CASE)),
    ]  # fmt: skip
    for code in codes:
        stage.found.stopped(code or "nothing")
    stage.found.equal("look-ups without an own grant, refused", sum(map(bool, codes)), len(codes))
    stage.found.equal("leaves of people opened", len(office.leaves("opened")), 0)
    stage.found.equal("the same clerk within the case", _open(office, CLERK, grant, 0), "")


def _fake_case(stage: Stage, office: Office) -> None:
    account = ids.new_ulid()
    gate.link_resident(account, national_id(20), "drill", clock.now())
    jobs.follow(clock.now())
    handle = ResidentLink.objects.get(account_id=account).handle
    colleague = Actor("clerk-2", CLERK.unit, CLERK.roles)
    made_up = _granted(office, SUPERVISOR, CLERK, "CASE-THAT-IS-NOT", 20)
    others = _granted(office, SUPERVISOR, colleague, REAL_CASE, 20)
    lawful = _granted(office, SUPERVISOR, CLERK, REAL_CASE, 20)
    opened_at = clock.now()
    codes = [_open(office, CLERK, made_up, 20), _open(office, colleague, others, 20)]
    stage.found.equal("the look-ups with a case", codes, ["", ""])
    office.clock.advance(_ROUND_S)
    jobs.follow(clock.now())
    notices = OpeningNotice.objects.filter(handle=handle, kind="opened")
    waited = [(row.noticed_at - opened_at).total_seconds() for row in notices]
    stage.found.equal("notices for the resident", len(waited), 2)
    stage.found.most("seconds until the resident's notice", max(waited, default=float("inf")), float(NOTICE_S))
    for _ in range(MATCH_H):
        office.clock.advance(3600)
        jobs.match_matters(clock.now())
    found = {(row.kind, row.about): (row.at - opened_at).total_seconds() / 3600
             for row in GateAlarm.objects.filter(about__in=[made_up, others, lawful])}  # fmt: skip
    stage.found.stopped("the rule of matters", len(found))
    stage.found.equal("grants that the rule of matters flags", len(found), 2)
    stage.found.equal("exactly the case that is not, and the one that is somebody else's",
                      set(found) == {("no-matter", made_up), ("not-assigned", others)}, True)  # fmt: skip
    stage.found.most("hours until it flags them", max(found.values(), default=float("inf")), float(MATCH_H))


def _honey(stage: Stage, office: Office) -> None:
    gate.set_honey(by=OFFICER, at=clock.now(), step_up_at=clock.now(), subjects=office.subjects[45:46])
    grant = _granted(office, SUPERVISOR, CLERK, REAL_CASE, 40)
    _open(office, CLERK, grant, 44)
    jobs.ring(clock.now())
    before = GateAlarm.objects.filter(kind="honey").count()
    opened_at = clock.now()
    _open(office, CLERK, grant, 45)
    office.clock.advance(_ROUND_S)
    jobs.ring(clock.now())
    rung = list(GateAlarm.objects.filter(kind="honey"))
    stage.found.stopped("honey resident", len(rung))
    stage.found.equal("alarms before, and after", (before, len(rung)), (0, 1))
    late = max(((row.at - opened_at).total_seconds() for row in rung), default=float("inf"))
    stage.found.most("seconds until the alarm", round(late, 2), float(RING_S))
