"""A purpose is proposed by one person and put into force by another; without a live basis nothing opens."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cityloom.keeper import basis, protocol, record
from cityloom.kernel import clock
from tests.keeper.conftest import (
    AUDITOR,
    CLERK,
    ENROLMENT,
    OFFICER,
    OTHER_OFFICER,
    OTHER_SUPERVISOR,
    STEWARD,
    SUPERVISOR,
    Office,
    batch,
)

PROPOSAL = json.dumps(ENROLMENT).encode()


def rows(office: Office) -> list[tuple[int, str]]:
    found = office.ask(protocol.ReadPurposes(office.sign(AUDITOR)), protocol.PurposesAre).rows
    return [(row.version, row.state) for row in found if row.purpose == "school-enrolment"]


def test_a_proposed_purpose_opens_nothing_until_another_person_approves_it(office: Office) -> None:
    subjects, _ = office.seal(batch(2))
    version = office.ask(protocol.ProposePurpose(office.sign(STEWARD), PROPOSAL), protocol.Done).count
    wanted = protocol.Grant(office.sign(SUPERVISOR), "G", "school-enrolment", "", ["name"], CLERK.account,
                            "2098-01-01T00:00:00Z", subjects.tobytes(), "CASE")  # fmt: skip
    assert office.refused(wanted) == "gate.no_basis"
    approve = protocol.DecidePurpose(office.fresh(OFFICER), "school-enrolment", version, True)
    office.ask(approve, protocol.Done)
    office.ask(wanted, protocol.Granted)
    assert len(office.leaves("purpose-proposed")) == len(office.leaves("purpose-approved")) == 1


def test_who_proposed_cannot_approve_nor_anybody_without_a_fresh_second_factor(office: Office) -> None:
    office.ask(protocol.ProposePurpose(office.sign(OFFICER), PROPOSAL), protocol.Done)
    for who in (office.fresh(OFFICER), office.sign(OTHER_OFFICER), office.fresh(STEWARD), office.fresh(AUDITOR)):
        assert office.refused(protocol.DecidePurpose(who, "school-enrolment", 1, True)) == "gate.not_allowed"
    stale = office.fresh(OTHER_OFFICER)
    office.clock.advance(301)
    assert office.refused(protocol.DecidePurpose(stale, "school-enrolment", 1, True)) == "gate.not_signed_in"
    office.ask(protocol.DecidePurpose(office.fresh(OTHER_OFFICER), "school-enrolment", 1, True), protocol.Done)


def test_versions_follow_each_other_and_all_are_kept(office: Office) -> None:
    assert [office.enact(), office.enact(article="Article 13")] == [1, 2]
    assert rows(office) == [(2, "active"), (1, "retired")]
    again = protocol.DecidePurpose(office.fresh(OFFICER), "school-enrolment", 1, True)
    assert office.refused(again) == "gate.purpose_state"
    office.again()
    assert rows(office) == [(2, "active"), (1, "retired")]
    found = office.ask(protocol.ReadBasis("school-enrolment"), protocol.BasisIs)
    assert (found.version, found.article) == (2, "Compulsory Education Law, Article 13")


def test_the_published_schema_takes_what_the_keeper_takes(office: Office) -> None:
    schema = Draft202012Validator(basis.document_schema())
    assert schema.is_valid(ENROLMENT)
    for wrong in ({"most_a_day": -1}, {"purpose": 'x" || true'}, {"unknown": 1}, {"retention_days": 0}):
        assert not schema.is_valid(ENROLMENT | wrong)
        document = json.dumps(ENROLMENT | wrong).encode()
        assert office.refused(protocol.ProposePurpose(office.sign(STEWARD), document)) == "gate.bad_purpose"


def test_a_withdrawn_purpose_opens_nothing_at_once(office: Office) -> None:
    subjects, envelopes = office.seal(batch(1))
    office.enact()
    grant = office.assign(subjects)
    office.ask(protocol.DecidePurpose(office.sign(STEWARD), "school-enrolment", 1, False), protocol.Done)
    denied = office.open(grant, subjects, envelopes, who=office.sign(CLERK))
    assert denied.code == "gate.no_basis"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"fields": ["name", "shoe_size"]}, "gate.bad_purpose"),
        ({"search": ["name"]}, "gate.bad_purpose"),
        ({"predicates": ["is-guilty"]}, "gate.bad_purpose"),
        ({"valid_until": "yesterday"}, "gate.bad_purpose"),
        ({"valid_until": "2020-01-01T00:00:00Z"}, "gate.bad_purpose"),
        ({"purpose": 'x" || true'}, "gate.bad_purpose"),
        ({"most_a_day": -1}, "gate.bad_purpose"),
        ({"unknown": 1}, "gate.bad_purpose"),
        ({"policy": "permit (principal"}, "gate.bad_policy"),
        ({"policy": "permit (principal, action, resource) when { context.mood };"}, "gate.bad_policy"),
    ],
)
def test_a_purpose_that_says_nonsense_is_refused_and_not_kept(
    office: Office, changed: dict[str, object], code: str
) -> None:
    document = json.dumps(ENROLMENT | changed).encode()
    assert office.refused(protocol.ProposePurpose(office.sign(STEWARD), document)) == code
    assert rows(office) == []


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.sampled_from(record.FIELDS)), st.sampled_from(["school-enrolment", "no-such-purpose", "oversight"]))
def test_no_purpose_grants_a_field_outside_its_list(office: Office, fields: set[str], purpose: str) -> None:
    if not rows(office):
        office.enact()
    subjects, _ = office.seal(batch(1))
    reply = office.desk.answer(
        protocol.Grant(office.sign(SUPERVISOR), f"{purpose}{sorted(fields)}"[:64], purpose, "", sorted(fields),
                       CLERK.account, "2098-01-01T00:00:00Z", subjects.tobytes(), "CASE")
    )  # fmt: skip
    may = purpose == "school-enrolment" and fields <= {"name", "birth_date"}
    assert isinstance(reply, protocol.Granted) or not may or reply.code == "gate.grant_differs"
    assert isinstance(reply, protocol.Denied) or may


def test_bulk_needs_two_people_who_are_neither_the_granter_nor_the_holder(office: Office) -> None:
    subjects, envelopes = office.seal(batch(12))
    office.enact()
    grant = office.assign(subjects)
    assert office.open(grant, subjects, envelopes, who=office.sign(CLERK)).code == "gate.needs_second"
    for who in (office.fresh(SUPERVISOR), office.fresh(CLERK), office.sign(OTHER_SUPERVISOR)):
        assert office.refused(protocol.Second(who, grant)) == "gate.not_allowed"
    office.ask(protocol.Second(office.fresh(OTHER_SUPERVISOR), grant), protocol.Granted)
    assert office.open(grant, subjects, envelopes, who=office.sign(CLERK)).code == "gate.step_up"
    opened = office.open(grant, subjects, envelopes, who=office.fresh(CLERK))
    assert len(opened.people) == len(office.leaves("opened")) == 12
    office.again()
    assert len(office.open(grant, subjects, envelopes, who=office.fresh(CLERK)).people) == 12


def test_a_grant_ends_with_the_retention_of_its_purpose_whatever_end_it_names(office: Office) -> None:
    subjects, envelopes = office.seal(batch(3))
    office.enact(retention_days=30)
    grant = office.assign(subjects, until=clock.to_text(clock.now() + timedelta(days=3650)))
    office.clock.advance(29 * 86_400)
    assert office.open(grant, subjects, envelopes, who=office.sign(CLERK)).people
    office.clock.advance(86_400)
    assert office.open(grant, subjects, envelopes, who=office.sign(CLERK)).code == "gate.grant_ended"
