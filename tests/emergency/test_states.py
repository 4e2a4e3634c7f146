"""The table of states is whole, and its page is fresh."""

from __future__ import annotations

from pathlib import Path

from cityloom.emergency.domain import states

ROOT = Path(__file__).resolve().parents[2]


def test_every_state_is_reached_and_only_final_ones_have_no_way_on() -> None:
    reached = {"open"} | {to for row in states.TABLE for to in row.to}
    assert reached == set(states.STATES)
    assert {row.state for row in states.TABLE} == set(states.STATES) - states.FINAL


def test_from_every_state_there_is_a_way_to_an_end() -> None:
    ending = set(states.FINAL)
    for _ in states.STATES:
        ending |= {row.state for row in states.TABLE if ending & set(row.to)}
    assert ending == set(states.STATES)


def test_a_row_stands_once_and_names_somebody() -> None:
    keys = [(row.state, row.action) for row in states.TABLE]
    assert len(keys) == len(set(keys))
    assert all(row.roles and set(row.to) <= set(states.STATES) for row in states.TABLE)


def test_only_a_second_person_sends_an_alert() -> None:
    assert {to for row in states.TABLE if row.roles == {states.SECOND} for to in row.to} >= {"warned"}
    assert all(row.roles == {states.SECOND} for row in states.TABLE if row.action == "approve-alert")


def test_the_page_is_generated_from_the_table() -> None:
    assert (ROOT / "docs/reference/incident-states.md").read_text() == states.markdown()
