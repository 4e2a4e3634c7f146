"""The log of an incident: sealed, append-only, by role, harmless wherever it is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.bus import queries as bus
from cityloom.emergency import actions, queries
from cityloom.emergency.domain.entries import LONGEST, cleaned
from cityloom.emergency.models import RoomEntry
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from tests.emergency.conftest import COMMANDER, DUTY, FIRE, Scene

WORKER = Actor("W" * 26, "city/social", frozenset({"social-worker"}))


def write(scene: Scene, text: str, by: Actor = COMMANDER, role: str = "commander", key: str = "") -> str:
    return actions.write_entry(
        incident_id=scene.incident_id, role=role, text=text, key=key, by=by, at=scene.later()
    )


def test_entries_are_read_newest_first_and_by_role(scene: Scene) -> None:
    write(scene, "Cordon is up.")
    write(scene, "Gas is off.", FIRE, "department-fire")
    found = queries.entries_of(scene.incident_id, by=DUTY)
    assert [(entry.role, entry.text) for entry in found] == [
        ("department-fire", "Gas is off."), ("commander", "Cordon is up."),
    ]  # fmt: skip
    assert [entry.text for entry in queries.entries_of(scene.incident_id, by=DUTY, role="commander")] == [
        "Cordon is up."
    ]
    assert [entry.text for entry in queries.entries_of(scene.incident_id, by=DUTY, at=found[1].at)] == ["Cordon is up."]


def test_what_was_written_is_not_in_clear_and_not_in_the_event(scene: Scene) -> None:
    write(scene, "Mrs Chen is missing.")
    assert b"Chen" not in bytes(RoomEntry.objects.get().sealed)
    event = bus.events_of("E" * 26)[-1]
    assert event.type.split(".")[-2] == "EntryWritten"
    assert "Chen" not in str(event.data)


def test_who_does_not_work_on_it_sees_that_there_is_an_entry_and_no_words(scene: Scene) -> None:
    write(scene, "Cordon is up.")
    assert [entry.text for entry in queries.entries_of(scene.incident_id, by=WORKER)] == [None]


def test_the_same_form_twice_is_one_entry(scene: Scene) -> None:
    assert write(scene, "Once.", key="K1") == write(scene, "Once.", key="K1")
    assert write(scene, "Twice.", key="K2")
    assert RoomEntry.objects.count() == 2


@pytest.mark.parametrize(("by", "role", "text", "code"), [
    (WORKER, "social-worker", "x", "emergency.entry_role"), (COMMANDER, "duty-officer", "x", "emergency.entry_role"),
    (COMMANDER, "commander", " \u202e\n", "emergency.entry_empty"),
    (COMMANDER, "commander", "x" * (LONGEST + 1), "emergency.entry_long"),
])  # fmt: skip
def test_what_is_not_kept_is_said(scene: Scene, by: Actor, role: str, text: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        write(scene, text, by, role)
    assert refused.value.code == code
    assert RoomEntry.objects.count() == 0


@given(st.text(max_size=300))
def test_no_entry_turns_the_text_around_it(text: str) -> None:
    try:
        kept = cleaned(text)
    except Refused:
        return
    assert not set(kept) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x00\x1b\r")
    assert kept == cleaned(kept)
    kept.encode()


def test_why_a_document_goes_back_is_sealed_and_opened_to_those_who_work_on_it(scene: Scene) -> None:
    first = scene.propose()
    actions.send_back(proposal_id=first.id, reason="Mrs Chen \u202elives outside.", by=COMMANDER, at=scene.later())
    back = queries.proposal(first.id)
    assert b"Chen" not in back.sent_back_sealed
    assert queries.reason_of(back, by=DUTY) == "Mrs Chen lives outside."
    assert queries.reason_of(back, by=WORKER) is None
    assert back.digest == first.digest
