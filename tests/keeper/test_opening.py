"""An envelope opens only for the holder of a live grant that names the person and the field; all else is refused."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloom.keeper import assertion, basis, log, protocol, record
from cityloom.kernel import canonical, clock
from cityloom.kernel.actor import Actor
from tests.keeper.conftest import COMMANDER, KEY, OTHER_WORKER, STEWARD, WORKER, Office, batch

SIZE = record.ENVELOPE_BYTES


def code(reply: protocol.Reply) -> str:
    assert isinstance(reply, protocol.Denied), reply
    return reply.code


def test_the_holder_reads_the_granted_fields_and_each_person_gets_a_leaf(office: Office) -> None:
    subjects, envelopes = office.seal(batch(5))
    grant = office.grant(subjects[:3])
    reply = office.open(grant, subjects[:3], envelopes[: 3 * SIZE], fields=("name", "phone"))
    assert reply.people == [[f"Wang Fang {row}", "+8613800000000"] for row in range(3)]
    leaves = [json.loads(entry) for entry in office.leaves("opened")]
    assert len({leaf["subject"] for leaf in leaves}) == 3
    assert {(leaf["article"], leaf["unit"], leaf["role"]) for leaf in leaves} == {
        ("Personal Information Protection Law, Article 13(1)(4)", WORKER.unit, "social-worker")
    }
    assert leaves[0]["fields"] == ["name", "phone"]


def test_the_log_names_nobody(office: Office) -> None:
    subjects, envelopes = office.seal(batch(3))
    office.open(office.grant(subjects), subjects, envelopes)
    office.open("no-such-grant", subjects, envelopes)
    everything = b"".join(entry for kind in ("granted", "opened", "refused") for entry in office.leaves(kind))
    for secret in (WORKER.account, "Wang", "440305", *map(str, subjects.tolist())):
        assert secret.encode() not in everything


@pytest.mark.parametrize(
    ("by", "fields", "expected"),
    [
        (OTHER_WORKER, ("name",), "gate.not_allowed"),
        (COMMANDER, ("name",), "gate.not_allowed"),
        (Actor("worker-1", "elsewhere/c01", frozenset({"social-worker"})), ("name",), "gate.not_allowed"),
        (Actor("worker-1", "", frozenset({"social-worker"})), ("name",), "gate.not_allowed"),
        (Actor("worker-1", "city/nanshan/c01", frozenset()), ("name",), "gate.not_allowed"),
        (WORKER, ("name", "national_id"), "gate.not_granted"),
        (WORKER, ("no_such_field",), "gate.not_allowed"),
        (WORKER, (), "gate.not_granted"),
    ],
)
def test_others_and_other_fields_are_refused_and_logged(
    office: Office, by: Actor, fields: tuple[str, ...], expected: str
) -> None:
    subjects, envelopes = office.seal(batch(2))
    grant = office.grant(subjects)
    assert code(office.open(grant, subjects, envelopes, who=office.sign(by), fields=fields)) == expected
    assert not office.leaves("opened")
    assert json.loads(office.leaves("refused")[-1])["code"] == expected


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(granted=st.sets(st.integers(0, 11)), asked=st.lists(st.integers(0, 11), min_size=1, max_size=12))
def test_a_grant_opens_exactly_the_people_it_names(office: Office, granted: set[int], asked: list[int]) -> None:
    subjects, envelopes = _twelve(office)
    before = len(office.leaves("opened"))
    grant = office.grant(subjects[sorted(granted)]) if granted else "none"
    chosen = b"".join(envelopes[row * SIZE : (row + 1) * SIZE] for row in asked)
    reply = office.open(grant, subjects[asked], chosen)
    if set(asked) <= granted:
        assert reply.people == [[f"Wang Fang {row}"] for row in asked]
        assert len(office.leaves("opened")) == before + len(asked)
    else:
        assert code(reply) in ("gate.not_granted", "gate.no_grant")
        assert len(office.leaves("opened")) == before


def _twelve(office: Office) -> tuple[np.ndarray, bytes]:
    if not hasattr(office, "twelve"):
        office.twelve = office.seal(batch(12))
    return office.twelve


def test_a_grant_ends_with_its_time_and_when_revoked(office: Office) -> None:
    subjects, envelopes = office.seal(batch(2))
    start = clock.now()
    short = office.grant(subjects, until=clock.to_text(start + timedelta(minutes=5)))
    office.clock.advance(360)
    assert code(office.open(short, subjects, envelopes)) == "gate.grant_ended"
    other = office.grant(subjects)
    assert office.desk.answer(protocol.Revoke(office.sign(COMMANDER), other)) == protocol.Done(1)
    assert office.desk.answer(protocol.Revoke(office.sign(COMMANDER), other)) == protocol.Done(0)
    assert code(office.open(other, subjects, envelopes)) == "gate.grant_ended"


def test_ending_an_incident_ends_all_its_grants_and_no_others(office: Office) -> None:
    subjects, envelopes = office.seal(batch(2))
    ours = [office.grant(subjects), office.grant(subjects)]
    theirs = office.grant(subjects, incident_id="ANOTHER")
    assert office.desk.answer(protocol.RevokeAll(office.sign(COMMANDER), "INCIDENT")) == protocol.Done(2)
    office.again()
    assert {code(office.open(grant, subjects, envelopes)) for grant in ours} == {"gate.grant_ended"}
    assert office.open(theirs, subjects, envelopes).people


def test_an_exercise_runs_on_its_own_clock_and_ends_within_a_day(office: Office) -> None:
    subjects, envelopes = office.seal(batch(1))
    drill = clock.from_text("2031-05-01T08:00:00Z")

    def who(by: Actor, minutes: int, exercise: str = "DRILL") -> protocol.Signed:
        return office.sign(by, exercise_id=exercise, at=drill + timedelta(minutes=minutes))

    until = clock.to_text(drill + timedelta(minutes=30))
    grant = office.grant(subjects, who=who(COMMANDER, 0), until=until)
    assert office.open(grant, subjects, envelopes, who=who(WORKER, 29)).people
    assert code(office.open(grant, subjects, envelopes, who=who(WORKER, 30))) == "gate.grant_ended"
    assert code(office.open(grant, subjects, envelopes, who=who(WORKER, 1, "OTHER"))) == "gate.wrong_exercise"
    assert code(office.open(grant, subjects, envelopes)) == "gate.wrong_exercise"
    office.clock.advance(25 * 3600)
    assert code(office.open(grant, subjects, envelopes, who=who(WORKER, 0))) == "gate.grant_ended"


def test_the_same_grant_may_be_made_again_but_not_changed(office: Office) -> None:
    subjects, _ = office.seal(batch(3))
    until = clock.to_text(clock.now() + timedelta(hours=1))
    first = office.grant(subjects, id="G", until=until)
    assert office.grant(subjects[::-1].copy(), id="G", until=until) == first
    assert len(office.leaves("granted")) == 1
    wider = protocol.Grant(office.sign(COMMANDER), "G", basis.EMERGENCY, "", ["name"], "worker-1", until,
                           subjects.tobytes(), "INCIDENT")  # fmt: skip
    assert code(office.desk.answer(wider)) == "gate.grant_differs"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"purpose": "curiosity"}, "gate.no_basis"),
        ({"basis": "some-other-law"}, "gate.no_basis"),
        ({"incident_id": ""}, "gate.not_allowed"),
        ({"fields": ["name", "income"]}, "gate.not_allowed"),
        ({"until": "2020-01-01T00:00:00Z"}, "gate.grant_ended"),
        ({"subjects": b""}, "gate.nobody"),
        ({"subjects": np.array([5, 1 << 40, -1], "<i8").tobytes()}, "gate.nobody"),
        ({"subjects": b"123"}, "gate.bad_request"),
    ],
)
def test_a_grant_without_ground_is_refused(office: Office, change: dict, expected: str) -> None:
    subjects, _ = office.seal(batch(1))
    values = {
        "id": "G", "purpose": basis.EMERGENCY, "basis": "", "fields": ["name"], "holder": "worker-1",
        "until": clock.to_text(clock.now() + timedelta(hours=1)), "subjects": subjects.tobytes(), "incident_id": "I",
    } | change  # fmt: skip
    assert code(office.desk.answer(protocol.Grant(office.sign(COMMANDER), **values))) == expected


def test_only_those_in_command_may_grant(office: Office) -> None:
    subjects, _ = office.seal(batch(1))
    request = protocol.Grant(office.sign(WORKER), "G", basis.EMERGENCY, "", ["name"], "worker-1",
                             clock.to_text(clock.now() + timedelta(hours=1)), subjects.tobytes(), "I")  # fmt: skip
    assert code(office.desk.answer(request)) == "gate.not_allowed"


def test_a_purpose_whose_legal_basis_has_ended_opens_nothing(office: Office) -> None:
    subjects, envelopes = office.seal(batch(1))
    much_later = clock.now() + timedelta(days=365 * basis.BASIS_YEARS + 1)
    grant = office.grant(subjects, until=clock.to_text(much_later + timedelta(days=1)))
    office.clock.advance_to(much_later)
    assert code(office.open(grant, subjects, envelopes)) == "gate.no_basis"
    assert not office.leaves("opened")


def test_claims_are_believed_for_a_minute_and_under_the_key_only(office: Office) -> None:
    subjects, envelopes = office.seal(batch(1))
    grant, now = office.grant(subjects), int(clock.now().timestamp())
    good = office.sign(WORKER)
    wrong = [
        assertion.sign(WORKER, key=b"another key", now_s=now),
        assertion.sign(WORKER, key=KEY, now_s=now - 61),
        assertion.sign(WORKER, key=KEY, now_s=now + 3600),
        protocol.Signed(good.claims.replace(b"worker-1", b"worker-2"), good.mac),
        protocol.Signed(b"", b""),
    ]
    for who in wrong:
        assert code(office.open(grant, subjects, envelopes, who=who)) == "gate.not_signed_in"
    assert len(office.leaves("refused")) == len(wrong)


@pytest.mark.parametrize("place", [0, 1, 3, 4, 15, 16, 100, 159])
def test_a_changed_envelope_opens_nothing_and_is_logged(office: Office, place: int) -> None:
    subjects, envelopes = office.seal(batch(2))
    changed = bytearray(envelopes)
    changed[place] ^= 1
    reply = office.open(office.grant(subjects), subjects, bytes(changed))
    assert reply.people == [None, ["Wang Fang 1"]]
    assert json.loads(office.leaves("damaged")[0])["people"] == 1


def test_an_envelope_opens_for_its_own_person_only(office: Office) -> None:
    subjects, envelopes = office.seal(batch(2))
    swapped = envelopes[SIZE:] + envelopes[:SIZE]
    assert office.open(office.grant(subjects), subjects, swapped).people == [None, None]


def test_an_erased_person_stays_sealed_for_ever(office: Office) -> None:
    subjects, envelopes = office.seal(batch(2))
    grant = office.grant(subjects)
    office.open(grant, subjects, envelopes)
    assert code(office.desk.answer(protocol.Erase(office.sign(WORKER), int(subjects[0])))) == "gate.not_allowed"
    assert office.desk.answer(protocol.Erase(office.sign(STEWARD), int(subjects[0]))) == protocol.Done(1)
    office.again()
    assert office.open(grant, subjects, envelopes).people == [None, ["Wang Fang 1"]]
    assert not office.desk.vault.slots.secrets[subjects[0] >> 32].any()
    again = office.desk.answer(protocol.Erase(office.sign(STEWARD), int(subjects[0])))
    assert code(again) == "gate.unknown_subject"
    assert len(office.leaves("opened")) == 3


def test_an_erasure_that_a_crash_interrupted_is_finished_at_the_next_start(office: Office) -> None:
    subjects, envelopes = office.seal(batch(2))
    office.desk.log.append([], [("INSERT INTO erasing VALUES (?)", (int(subjects[1]),))])
    office.again()
    grant = office.grant(subjects)  # a task may still name the household
    assert office.open(grant, subjects, envelopes).people == [["Wang Fang 0"], None]


def test_too_many_and_uneven_requests_are_refused(office: Office) -> None:
    subjects, envelopes = office.seal(batch(1))
    grant = office.grant(subjects)
    many = np.repeat(subjects, protocol.MAX_OPENED + 1)
    assert code(office.open(grant, many, b"")) == "gate.too_many"
    assert code(office.open(grant, subjects, envelopes[:-1])) == "gate.bad_request"


def test_when_the_log_cannot_be_written_nothing_opens(office: Office) -> None:
    subjects, envelopes = office.seal(batch(1))
    grant = office.grant(subjects)
    office.desk.log._database.execute("PRAGMA query_only = ON")  # the disk refuses
    assert code(office.open(grant, subjects, envelopes)) == "gate.log_failed"
    office.desk.log._database.execute("PRAGMA query_only = OFF")
    assert office.open(grant, subjects, envelopes).people == [["Wang Fang 0"]]
    assert log.verify(office.folder)[0] == 2


def test_a_leaf_is_canonical_json(office: Office) -> None:
    subjects, envelopes = office.seal(batch(1))
    office.open(office.grant(subjects, incident_id='quote " 引号 \x07\x7f\\'), subjects, envelopes)
    for entry in office.leaves("granted") + office.leaves("opened"):
        assert canonical.canonical_bytes(json.loads(entry)) == entry
