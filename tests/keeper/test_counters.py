"""Searching, asking, residents, breaking the glass, statuses, the door and the clock."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cityloom.keeper import door, protocol, record
from cityloom.keeper.guard import ClockGuard
from cityloom.kernel import clock, merkle
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.keeper.conftest import (
    AUDITOR,
    CLERK,
    COMMANDER,
    KEY,
    OFFICER,
    OTHER_SUPERVISOR,
    RESIDENT,
    STEWARD,
    SUPERVISOR,
    Office,
    batch,
)

SIZE = record.ENVELOPE_BYTES
DIGEST = "0" * 64


def people(count: int) -> record.PeopleBatch:
    """People with a national id and a birthday of their own."""
    rows = range(count)
    records = record.people_records(
        name=np.array([f"Li Na {row}".encode() for row in rows], "S48"),
        national_id=np.array([f"44030519900101{row:04d}".encode() for row in rows], "S18"),
        phone=np.array([f"+8613800{row:06d}".encode() for row in rows], "S16"),
        birth_date=np.array([f"{1950 + row % 60}0504".encode() for row in rows], "S8"),
        need_note=np.full(count, b"", "S36"),
    )
    return record.PeopleBatch(records, batch(count).traits)


@pytest.fixture
def register(office: Office) -> tuple[np.ndarray, bytes]:
    """Two hundred people, loaded as a register is, so that they can be found."""
    subjects, envelopes = office.seal(people(200))
    office.desk.vault.settle()
    office.enact()
    return subjects, envelopes


def sealed_of(register: tuple[np.ndarray, bytes], wanted: bytes) -> bytes:
    subjects, envelopes = register
    places = {subject: at for at, subject in enumerate(subjects.tolist())}
    at = [places[subject] for subject in np.frombuffer(wanted, "<i8").tolist()]
    return b"".join(envelopes[one * SIZE : (one + 1) * SIZE] for one in at)


def search(office: Office, register, value: str, by: Actor = CLERK) -> list[int]:
    asked = protocol.Search(office.sign(by), "school-enrolment", "national_id", value, "CASE-1")
    found = office.ask(asked, protocol.Candidates)
    match = protocol.Match(office.sign(by), found.ticket, sealed_of(register, found.subjects))
    return np.frombuffer(office.ask(match, protocol.Named).subjects, "<i8").tolist()


def test_a_search_names_the_one_among_many_and_leaves_a_leaf(office: Office, register) -> None:
    subjects, _ = register
    asked = protocol.Search(office.sign(CLERK), "school-enrolment", "national_id", "440305199001010007")
    assert len(office.ask(asked, protocol.Candidates).subjects) // 8 >= 16, "who is meant hides among others"
    assert search(office, register, "440305 19900101 0007") == [int(subjects[7])]
    (leaf,) = [json.loads(text) for text in office.leaves("searched")]
    assert leaf["subject"] == office.desk.vault.pseudonym(int(subjects[7])).hex()
    assert search(office, register, "000000000000000000") == []
    assert len(office.leaves("probed")) == 3


def test_nothing_of_what_is_searched_for_is_logged(office: Office, register) -> None:
    search(office, register, "440305199001010007")
    everything = b"".join(office.leaves(kind)[0] for kind in ("probed", "searched"))
    assert b"4403051990" not in everything


def test_searching_costs_the_budget_also_where_nobody_is_found(office: Office, register) -> None:
    for number in range(20):
        search(office, register, f"99{number:016d}")
    with pytest.raises(AssertionError, match=r"gate\.budget"):
        search(office, register, "990000000000000099")


@pytest.mark.parametrize(
    ("by", "purpose", "field", "code"),
    [
        (SUPERVISOR, "school-enrolment", "national_id", "gate.not_allowed"),
        (CLERK, "school-enrolment", "phone", "gate.not_allowed"),
        (CLERK, "school-enrolment", "name", "gate.not_allowed"),
        (CLERK, "register-maintenance", "national_id", "gate.not_allowed"),
        (CLERK, "no-such-purpose", "national_id", "gate.no_basis"),
    ],
)
def test_only_what_the_purpose_names_is_searched(
    office: Office, register, by: Actor, purpose: str, field: str, code: str
) -> None:
    assert office.refused(protocol.Search(office.sign(by), purpose, field, "440305199001010007")) == code


def test_a_ticket_is_for_its_owner_once_and_for_half_a_minute(office: Office, register) -> None:
    def ticket() -> protocol.Candidates:
        asked = protocol.Search(office.sign(CLERK), "school-enrolment", "national_id", "440305199001010001")
        return office.ask(asked, protocol.Candidates)

    first = ticket()
    other = Actor("clerk-2", "city/education", frozenset({"case-handler"}))
    stolen = protocol.Match(office.sign(other), first.ticket, sealed_of(register, first.subjects))
    assert office.refused(stolen) == "gate.no_search"
    late = ticket()
    office.clock.advance(31)
    match = protocol.Match(office.sign(CLERK), late.ticket, sealed_of(register, late.subjects))
    assert office.refused(match) == "gate.no_search"


@pytest.mark.parametrize(
    ("question", "argument", "expected"),
    [
        ("age-at-least", "30", [True, True, False]),
        ("is", "national_id=440305199001010000", [True, False, False]),
        ("is", "name=li na 20", [False, True, False]),
    ],
)
def test_questions_are_answered_with_yes_or_no(
    office: Office, register, question: str, argument: str, expected: list[bool]
) -> None:
    subjects, envelopes = register
    chosen = [0, 20, 59]  # born in 1950, 1970 and 2009
    office.clock.advance_to(datetime(2026, 12, 1, tzinfo=UTC) if clock.now().year < 2027 else clock.now())
    grant = office.assign(subjects[chosen])
    sealed = b"".join(envelopes[at * SIZE : (at + 1) * SIZE] for at in chosen)
    asked = protocol.Ask(office.sign(CLERK), grant, question, argument, subjects[chosen].tobytes(), sealed)
    assert office.ask(asked, protocol.Answered).answers == expected
    assert len(office.leaves("asked")) == 3
    assert not any(argument in json.loads(leaf).values() for leaf in office.leaves("asked"))


def test_two_people_share_a_household_or_not(office: Office, register) -> None:
    subjects, envelopes = register
    grant = office.assign(subjects[:2])

    def share(*dwellings: int) -> list[bool | None]:
        asked = protocol.Ask(office.sign(CLERK), grant, "same-household", "", subjects[:2].tobytes(),
                             envelopes[: 2 * SIZE], np.array(dwellings, "<i8").tobytes())  # fmt: skip
        return office.ask(asked, protocol.Answered).answers

    assert share(7, 7) == [True, True]
    assert share(7, 8) == [False, False]


@pytest.mark.parametrize(("question", "argument"), [("age-at-least", "x"), ("is", "mood=good"), ("is", "name=")])
def test_odd_questions_are_refused_before_anything_is_opened(office: Office, register, question, argument) -> None:
    subjects, envelopes = register
    grant = office.assign(subjects[:1])
    asked = protocol.Ask(office.sign(CLERK), grant, question, argument, subjects[:1].tobytes(), envelopes[:SIZE])
    assert office.refused(asked) == "gate.bad_question"
    assert not office.leaves("asked")


def linked(office: Office, register, national_id: str = "440305199001010003") -> protocol.Linked:
    asked = protocol.LinkSearch(office.sign(SYSTEM), RESIDENT.account, "national_id", national_id)
    found = office.ask(asked, protocol.Candidates)
    match = protocol.Match(office.sign(SYSTEM), found.ticket, sealed_of(register, found.subjects))
    return office.ask(match, protocol.Linked)


def test_residents_see_every_opening_of_their_own_data_with_a_proof(office: Office, register) -> None:
    subjects, envelopes = register
    link = linked(office, register)
    grant = office.assign(subjects[3:5])
    office.open(grant, subjects[3:5], envelopes[3 * SIZE : 5 * SIZE], who=office.sign(CLERK))
    own = office.ask(protocol.ReadOwn(office.sign(RESIDENT), link.link), protocol.OwnEntries)
    facts = [json.loads(leaf.text) for leaf in own.leaves]
    assert [fact["kind"] for fact in facts] == ["opened", "linked"]
    assert (facts[0]["purpose"], facts[0]["fields"], facts[0]["unit"]) == ("school-enrolment", ["name"], CLERK.unit)
    root = base64.b64decode(own.checkpoint.splitlines()[2])
    size = int(own.checkpoint.splitlines()[1])
    for leaf, proof in zip(own.leaves, own.proofs, strict=True):
        entry = office.desk.log.read(leaf.index).entry
        assert merkle.verify_inclusion(merkle.leaf_hash(entry), leaf.index, size, proof, root)
    news = office.ask(protocol.News(office.sign(SYSTEM), 0), protocol.NewsIs)
    assert [(item.handle, item.kind) for item in news.items] == [(link.handle, "linked"), (link.handle, "opened")]
    assert office.ask(protocol.News(office.sign(SYSTEM), news.next), protocol.NewsIs).items == []


def test_a_link_serves_only_the_account_that_it_was_made_for(office: Office, register) -> None:
    link = linked(office, register)
    thief = Actor("resident-2", "", frozenset({"resident"}))
    for who, token in ((thief, link.link), (RESIDENT, link.link[:-1] + b"x"), (RESIDENT, b"")):
        assert office.refused(protocol.ReadOwn(office.sign(who), token)) == "gate.no_link"
    assert office.refused(protocol.ReadOwn(office.sign(CLERK), link.link)) == "gate.not_allowed"


def test_an_identity_that_nobody_has_is_not_linked(office: Office, register) -> None:
    with pytest.raises(AssertionError, match=r"gate\.no_resident"):
        linked(office, register, "000000000000000000")


def test_one_contests_own_entries_only(office: Office, register) -> None:
    subjects, envelopes = register
    link = linked(office, register)
    grant = office.assign(subjects[3:5])
    office.open(grant, subjects[3:5], envelopes[3 * SIZE : 5 * SIZE], who=office.sign(CLERK))
    own = office.ask(protocol.ReadOwn(office.sign(RESIDENT), link.link), protocol.OwnEntries).leaves[0].index
    office.ask(protocol.Contest(office.sign(RESIDENT), link.link, own), protocol.Done)
    assert json.loads(office.leaves("contested")[0])["entry"] == own
    others = own + 1
    assert office.refused(protocol.Contest(office.sign(RESIDENT), link.link, others)) == "gate.not_yours"


def test_an_erased_person_has_no_link_and_is_found_by_nobody(office: Office, register) -> None:
    subjects, _ = register
    link = linked(office, register)
    office.ask(protocol.Erase(office.sign(STEWARD), int(subjects[3])), protocol.Done)
    assert office.refused(protocol.ReadOwn(office.sign(RESIDENT), link.link)) == "gate.no_link"
    assert search(office, register, "440305199001010003") == []


def glass(office: Office, subjects: np.ndarray, name: str = "GLASS", who: protocol.Signed | None = None):
    return protocol.BreakGlass(who or office.sign(COMMANDER), name, "I", ["name"], subjects.tobytes(), DIGEST)


def test_the_glass_opens_at_once_rings_and_must_be_reviewed(office: Office, register) -> None:
    subjects, envelopes = register
    office.ask(glass(office, subjects[:2]), protocol.Granted)
    opened = office.open("GLASS", subjects[:2], envelopes[: 2 * SIZE], who=office.sign(COMMANDER))
    assert [person[0] for person in opened.people] == ["Li Na 0", "Li Na 1"]
    rows = office.ask(protocol.Watch(office.sign(AUDITOR), 0), protocol.Alarms).rows
    assert [(row.kind, row.people) for row in rows] == [("glass", 2)]
    (waiting,) = office.ask(protocol.ReadGlass(office.sign(AUDITOR)), protocol.GlassIs).rows
    assert clock.from_text(waiting.due_at) - clock.from_text(waiting.broken_at) == timedelta(hours=72)
    for who in (COMMANDER, AUDITOR):
        assert office.refused(protocol.ReviewGlass(office.sign(who), "GLASS", "justified")) == "gate.not_allowed"
    office.ask(protocol.ReviewGlass(office.sign(OFFICER), "GLASS", "justified"), protocol.Done)
    assert office.ask(protocol.ReadGlass(office.sign(AUDITOR)), protocol.GlassIs).rows == []


def test_whoever_is_not_reviewed_in_time_opens_nothing_more(office: Office, register) -> None:
    subjects, _ = register
    office.ask(glass(office, subjects[:1]), protocol.Granted)
    office.clock.advance(72 * 3600 + 1)
    assert office.refused(glass(office, subjects[:1], "AGAIN")) == "gate.suspended"
    office.again()
    assert office.refused(glass(office, subjects[:1], "AGAIN")) == "gate.suspended", "known from the start"
    office.ask(protocol.ReviewGlass(office.sign(OFFICER), "GLASS", "justified"), protocol.Done)
    office.ask(glass(office, subjects[:1], "AGAIN"), protocol.Granted)


def test_only_a_commander_breaks_the_glass_and_only_for_few(office: Office, register) -> None:
    subjects, _ = register
    assert office.refused(glass(office, subjects[:1], who=office.sign(CLERK))) == "gate.not_allowed"
    assert office.refused(glass(office, subjects[:51])) == "gate.not_allowed"


def status(office: Office, subjects: np.ndarray, evidence: list[str], **over: object) -> protocol.ProposeStatus:
    values = {
        "id": "S", "kind": "access-block", "decision": DIGEST, "subjects": subjects.tobytes(), "evidence": evidence,
        "until": clock.to_text(clock.now() + timedelta(days=2)),
        "appeal_until": clock.to_text(clock.now() + timedelta(days=14)),
    } | over  # fmt: skip
    return protocol.ProposeStatus(office.sign(SUPERVISOR_CITY), **values)


SUPERVISOR_CITY = Actor("supervisor-9", "city", frozenset({"supervisor"}))
OTHER_CITY = Actor("supervisor-8", "city", frozenset({"supervisor"}))


def evidence(count: int) -> list[str]:
    return [f"{number:064x}" for number in range(1, count + 1)]


def test_a_status_needs_evidence_for_each_another_person_and_ends(office: Office, register) -> None:
    subjects, _ = register
    assert office.refused(status(office, subjects[:3], evidence(2))) == "gate.no_evidence"
    assert office.refused(status(office, subjects[:3], evidence(1) * 3)) == "gate.no_evidence"
    far = clock.to_text(clock.now() + timedelta(days=400))
    assert office.refused(status(office, subjects[:3], evidence(3), until=far)) == "gate.status_until"
    soon = clock.to_text(clock.now() + timedelta(days=1))
    assert office.refused(status(office, subjects[:3], evidence(3), appeal_until=soon)) == "gate.no_appeal"
    office.ask(status(office, subjects[:3], evidence(3)), protocol.Done)
    assert office.leaves("status-set") == []
    assert office.refused(protocol.ApproveStatus(office.fresh(SUPERVISOR_CITY), "S")) == "gate.not_allowed"
    assert office.refused(protocol.ApproveStatus(office.sign(OTHER_CITY), "S")) == "gate.not_allowed"
    office.ask(protocol.ApproveStatus(office.fresh(OTHER_CITY), "S"), protocol.Done)
    assert len(office.leaves("status-set")) == 3
    office.ask(protocol.EndStatus(office.sign(OTHER_SUPERVISOR), "S"), protocol.Done)
    assert len(office.leaves("status-ended")) == 3


def test_a_crowd_gets_no_status_on_one_order(office: Office, register) -> None:
    subjects, _ = register
    assert office.refused(status(office, subjects[:131], [DIGEST])) == "gate.no_evidence"
    assert office.refused(status(office, subjects[:131], evidence(131))) == "gate.not_allowed", "too many at once"


def test_ending_a_status_waits_for_no_budget(office: Office, register) -> None:
    subjects, _ = register
    third = Actor("supervisor-4", "city", frozenset({"supervisor"}))
    for number, approver in enumerate((OTHER_CITY, third)):
        some = subjects[number * 40 : number * 40 + 40]
        office.ask(status(office, some, evidence(40), id=f"S{number}"), protocol.Done)
        office.ask(protocol.ApproveStatus(office.fresh(approver), f"S{number}"), protocol.Done)
    for number in range(2):
        office.ask(protocol.EndStatus(office.sign(SYSTEM), f"S{number}"), protocol.Done)
    assert len(office.leaves("status-ended")) == 80


def test_an_emergency_status_is_short_and_rings(office: Office, register) -> None:
    subjects, _ = register
    two_days = clock.to_text(clock.now() + timedelta(days=4))
    assert office.refused(status(office, subjects[:60], [], emergency=True, until=two_days)) == "gate.status_until"
    office.ask(status(office, subjects[:60], [], emergency=True), protocol.Done)
    rows = office.ask(protocol.Watch(office.sign(AUDITOR), 0), protocol.Alarms).rows
    assert [(row.kind, row.people) for row in rows] == [("status", 60)]


def test_the_door_lets_in_what_was_signed_and_once() -> None:
    with clock.use(clock.DrillClock(datetime(2026, 5, 4, tzinfo=UTC))) as standing:
        way_in, request = door.Door(KEY), protocol.News(protocol.Signed(b"", b""), 0)
        sealed = door.seal(request, KEY)
        assert way_in.let_in(sealed) == request
        for _ in range(2):
            with pytest.raises(Refused, match="once"):
                way_in.let_in(sealed)
            standing.advance(60)
        with pytest.raises(Refused, match="signed"):
            way_in.let_in(request)
        with pytest.raises(Refused, match="changed"):
            way_in.let_in(door.seal(request, b"another key"))
        for at in range(len(sealed.body)):
            mutated = bytearray(sealed.body)
            mutated[at] ^= 1
            with pytest.raises(Refused, match="changed"):
                way_in.let_in(protocol.Authentic(bytes(mutated), b"n" * 16, sealed.mac))


class Jumping(clock.DrillClock):
    """A clock that somebody sets; the steady counter goes on by itself."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self.counter = 0.0

    def steady(self) -> float:
        return self.counter

    def pass_by(self, seconds: float, jump: float = 0.0) -> None:
        self.counter += seconds
        self._now += timedelta(seconds=seconds + jump)


@pytest.mark.parametrize(("jump", "believed"), [(0, True), (20, True), (-20, False), (40, False), (-3600, False)])
def test_a_clock_that_jumps_is_not_believed(jump: float, believed: bool) -> None:
    with clock.use(Jumping(datetime(2026, 5, 4, tzinfo=UTC))) as one:
        guard = ClockGuard(None)
        guard.now()
        one.pass_by(10, jump)
        if believed:
            assert guard.now() == clock.now()
        else:
            with pytest.raises(Refused, match="clock"):
                guard.now()


def test_a_keeper_that_starts_before_its_newest_leaf_opens_nothing(office: Office, register) -> None:
    subjects, envelopes = register
    grant = office.assign(subjects[:1])
    with clock.use(clock.DrillClock(clock.now() - timedelta(hours=1))):
        office.again()
        assert office.open(grant, subjects[:1], envelopes[:SIZE], who=office.sign(CLERK)).code == "gate.clock"


def test_an_entry_is_read_for_its_review_without_the_person(office: Office) -> None:
    subjects, envelopes = office.seal(batch(2))
    office.open(office.grant(subjects), subjects, envelopes)
    newest = office.desk.log.head[0] - 1
    facts = json.loads(office.ask(protocol.ReadEntry(office.sign(OFFICER), newest), protocol.EntryIs).facts)
    assert (facts["kind"], facts["fields"], facts["role"]) == ("opened", ["name"], "social-worker")
    assert "subject" not in facts
    assert office.refused(protocol.ReadEntry(office.sign(OFFICER), newest + 10)) == "gate.no_such_leaf"
    assert office.refused(protocol.ReadEntry(office.sign(CLERK), newest)) == "gate.not_allowed"


def test_the_log_says_no_purpose_that_nobody_proposed(office: Office, register) -> None:
    typed = "Wang Fang, Bagua Road 12"
    assert office.refused(protocol.Search(office.sign(CLERK), typed, "national_id", "1")) == "gate.no_basis"
    (leaf,) = office.leaves("refused")
    assert json.loads(leaf)["purpose"] == "unknown"
    assert typed.encode() not in leaf


def own_word(office: Office, register, by: Actor = RESIDENT, **asked: object) -> protocol.OwnTold:
    found = office.ask(protocol.AskOwn(office.sign(by), **asked), protocol.Candidates)
    tell = protocol.TellOwn(office.sign(by), found.ticket, sealed_of(register, found.subjects), True)
    return office.ask(tell, protocol.OwnTold)


def test_the_register_fills_in_a_residents_own_application_and_each_look_is_a_leaf(office: Office, register) -> None:
    link = linked(office, register).link
    questions = [
        protocol.Question("age-at-least", "60"),
        protocol.Question("lives-in"),
        protocol.Question("age-at-least", "120"),
    ]
    told = own_word(office, register, link=link, fields=["name"], questions=questions)
    assert (told.fields, told.answers) == (["Li Na 3"], [True, True, False])
    own = office.ask(protocol.ReadOwn(office.sign(RESIDENT), link), protocol.OwnEntries)
    facts = [json.loads(leaf.text) for leaf in own.leaves]
    assert [(one["kind"], one["purpose"], one["role"]) for one in facts[:3]] == [
        ("asked", "applications", "resident"), ("asked", "applications", "resident"),
        ("opened", "applications", "resident"),
    ]  # fmt: skip
    thief = Actor("resident-2", "", frozenset({"resident"}))
    for who, code, more in (
        (thief, "gate.no_link", {"fields": ["name"]}), (CLERK, "gate.not_allowed", {"fields": ["name"]}),
        (RESIDENT, "gate.not_allowed", {"fields": ["national_id"]}), (RESIDENT, "gate.bad_request", {}),
        (RESIDENT, "gate.not_allowed", {"questions": [protocol.Question("is", "name=x")]}),
    ):  # fmt: skip
        assert office.refused(protocol.AskOwn(office.sign(who), link, **more)) == code
    found = office.ask(protocol.AskOwn(office.sign(RESIDENT), link, ["phone"]), protocol.Candidates)
    stolen = protocol.TellOwn(office.sign(thief), found.ticket, sealed_of(register, found.subjects))
    assert office.refused(stolen) == "gate.no_search"
