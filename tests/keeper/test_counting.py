"""Counts come from inside the keeper: exact for a rescue under way, withheld and rounded for everything else."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cityloom.keeper import basis, protocol, record
from cityloom.keeper.opening import withheld
from tests.keeper.conftest import COMMANDER, WORKER, Office, batch

ROWS = ("people", "needs_help", *record.NEEDS, *record.AGE_BANDS)


def table(reply: protocol.Counted) -> dict[str, list[int]]:
    counts = np.frombuffer(reply.counts, "<i8").reshape(len(ROWS), -1)
    return dict(zip(ROWS, counts.tolist(), strict=True))


def ask(office: Office, subjects: np.ndarray, groups: np.ndarray | None = None, **more: object) -> protocol.Reply:
    grouped = b"" if groups is None else groups.astype("<i8").tobytes()
    who = more.pop("who", None) or office.sign(COMMANDER)
    return office.desk.answer(protocol.Count(who, subjects.tobytes(), grouped, **more))


def test_a_rescue_counts_exactly_by_building_and_is_logged(office: Office) -> None:
    subjects, _ = office.seal(batch(40, need_every=4))
    buildings = np.where(np.arange(40) < 10, 77, 5)
    reply = ask(office, subjects, buildings, purpose=basis.EMERGENCY, incident_id="I")
    assert np.frombuffer(reply.groups, "<i8").tolist() == [5, 77]
    counts = table(reply)
    assert counts["people"] == [30, 10]
    assert counts["needs_help"] == counts["mobility"] == [7, 3]
    assert (counts["18-59"], counts["80+"]) == ([15, 5], [15, 5])
    assert json.loads(office.leaves("counted")[0])["people"] == 40
    assert not office.leaves("opened")


def test_a_statistic_withholds_small_counts_and_rounds_the_others(office: Office) -> None:
    subjects, _ = office.seal(batch(48, need_every=8))
    counts = table(ask(office, subjects))
    assert counts["people"] == [50]
    assert counts["needs_help"] == [-1]
    assert not office.leaves("counted")


def test_an_exact_count_needs_a_rescue_and_a_role(office: Office) -> None:
    subjects, _ = office.seal(batch(3))
    for more in ({}, {"incident_id": "I", "who": office.sign(WORKER)}):
        assert ask(office, subjects, purpose=basis.EMERGENCY, **more).code == "gate.not_allowed"
    assert ask(office, subjects, purpose=basis.REGISTER, incident_id="I").code == "gate.not_allowed"


def test_ids_that_were_guessed_count_as_unknown(office: Office) -> None:
    subjects, _ = office.seal(batch(10))
    guessed = np.concatenate([subjects + 1, np.array([-1, 0, 2**62], "<i8")])
    reply = ask(office, guessed, purpose=basis.EMERGENCY, incident_id="I")
    assert (reply.unknown, table(reply)["people"]) == (13, [0])


def test_who_needs_help_is_told_under_a_live_emergency_grant_only(office: Office) -> None:
    subjects, _ = office.seal(batch(12, need_every=4))
    grant = office.grant(subjects[:8])
    named = office.desk.answer(protocol.ListNeedingHelp(office.sign(COMMANDER), grant))
    assert np.frombuffer(named.subjects, "<i8").tolist() == [subjects[0], subjects[4]]
    assert len(office.leaves("listed")) == 2
    assert office.desk.answer(protocol.ListNeedingHelp(office.sign(WORKER), grant)).code == "gate.not_allowed"
    assert office.desk.answer(protocol.ListNeedingHelp(office.sign(COMMANDER), "none")).code == "gate.no_grant"
    office.desk.answer(protocol.Revoke(office.sign(COMMANDER), grant))
    assert office.desk.answer(protocol.ListNeedingHelp(office.sign(COMMANDER), grant)).code == "gate.grant_ended"


def test_the_summary_counts_people_without_naming_them(office: Office) -> None:
    subjects, envelopes = office.seal(batch(6))
    office.open(office.grant(subjects), subjects, envelopes)
    office.open(office.grant(subjects, incident_id="OTHER"), subjects, envelopes)
    rows = office.desk.answer(protocol.Summarise(incident_id="INCIDENT")).rows
    assert [(row.kind, row.people, row.unit, row.role) for row in rows] == [
        ("opened", 6, "city/nanshan/c01", "social-worker")
    ]
    assert office.desk.answer(protocol.Summarise()).rows == []


@given(st.lists(st.integers(0, 10_000), min_size=1))
def test_a_withheld_table_never_shows_a_count_of_seven_or_fewer(values: list[int]) -> None:
    for value, shown in zip(values, withheld(np.array(values)).tolist(), strict=True):
        assert (shown == -1) == (value <= 7)
        assert shown == -1 or (shown % 5 == 0 and abs(shown - value) <= 2)


@given(st.lists(st.tuples(st.integers(0, 120), st.integers(0, 3), st.sets(st.sampled_from(record.NEEDS))), min_size=1))
def test_traits_keep_what_was_packed(people: list[tuple[int, int, set[str]]]) -> None:
    traits = record.traits_of(
        age=np.array([age for age, _, _ in people]), sex=np.array([sex for _, sex, _ in people]),
        needs={need: np.array([need in needs for _, _, needs in people]) for need in record.NEEDS},
    )  # fmt: skip
    columns = record.need_columns(traits)
    for at, (age, _, needs) in enumerate(people):
        assert columns[0, at] == bool(needs - {"language"})
        assert {need for row, need in enumerate(record.NEEDS) if columns[1 + row, at]} == needs
        band = columns[1 + len(record.NEEDS) :, at].tolist()
        assert band == [age < 18, 18 <= age < 60, 60 <= age < 80, age >= 80]


def ask_people(office: Office, subjects: np.ndarray, groups: np.ndarray, by: protocol.Signed | None = None
               ) -> protocol.Reply:  # fmt: skip
    request = protocol.CountPeople(by or office.sign(COMMANDER), subjects.tobytes(), groups.astype("<i8").tobytes())
    return office.desk.answer(request)


def test_people_are_counted_by_sex_and_age_withheld_and_rounded(office: Office) -> None:
    subjects, _ = office.seal(batch(452))
    groups = np.where(np.arange(452) < 440, 3, 8)
    reply = ask_people(office, subjects, groups)
    counts = np.frombuffer(reply.counts, "<i8").reshape(1 + 12, 2)
    assert np.frombuffer(reply.groups, "<i8").tolist() == [3, 8]
    assert counts[:, 1].tolist() == [-1] * 13  # twelve people are no group
    assert counts[0, 0] == 440 and counts[1 + 0 + 1, 0] == 220  # of odd rows: women of 30
    assert counts[1 + 8 + 3, 0] == 220  # sex not said, of 84
    assert sorted(set(counts[1:, 0].tolist())) == [-1, 220]
    (leaf,) = [json.loads(text) for text in office.leaves("counted")]
    assert (leaf["people"], leaf["groups"], leaf["purpose"]) == (452, 2, "statistics")
    assert not office.leaves("opened")


def test_nobody_is_counted_in_two_groups_of_a_month(office: Office) -> None:
    """So there are no two counts whose difference is somebody."""
    subjects, _ = office.seal(batch(700))
    one = np.ones(700)
    office.clock.advance(40 * 86_400 - office.clock.now().day * 86_400)  # early in a month
    first = ask_people(office, subjects[:400], one[:400])
    assert ask_people(office, subjects[:400], one[:400]) == first  # the same question, the same answer
    for again in (subjects[:399], subjects[1:500], subjects[399:]):
        refused = ask_people(office, again, np.ones(len(again)))
        assert refused.code == "gate.counted_already"
    assert isinstance(ask_people(office, subjects[400:], one[400:]), protocol.PeopleCounted)  # others are not the same
    office.again()
    assert ask_people(office, subjects[:399], one[:399]).code == "gate.counted_already"  # after a new start, too
    assert ask_people(office, subjects[:400], one[:400]) == first
    office.clock.advance(32 * 86_400)
    assert isinstance(ask_people(office, subjects[:399], one[:399]), protocol.PeopleCounted)


def test_a_count_of_people_that_names_somebody_twice_or_in_an_exercise_is_refused(office: Office) -> None:
    subjects, _ = office.seal(batch(300))
    twice = np.concatenate([subjects, subjects[:1]])
    assert ask_people(office, twice, np.ones(301)).code == "gate.bad_request"
    assert ask_people(office, subjects, np.ones(299)).code == "gate.bad_request"
    drill = office.sign(COMMANDER, exercise_id="E")
    assert ask_people(office, subjects, np.ones(300), drill).code == "gate.bad_request"
