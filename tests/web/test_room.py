"""The incident room as pages: parts for a live browser, looking back, the log, and what an ending ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from cityloom.emergency import actions as emergency
from cityloom.emergency import queries as incidents
from cityloom.emergency.models import RoomEntry
from cityloom.emergency.views.parts import PARTS
from cityloom.gate import queries as gate
from cityloom.keeper.client import KeeperDown
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from tests.web.test_pages import approve, buttons, read, text

pytestmark = pytest.mark.django_db
SignIn = Callable[[str], Client]
Proposal = incidents.ProposalFacts
NASTY = "<script>alert(1)</script> \u202eevorppa\u202c & מצב"


def write(client: Client, incident_id: str, words: str, role: str = "commander", key: str = "K"):
    return client.post(f"/incidents/{incident_id}/write/", {"role": role, "text": words, "key": key}, follow=True)


def test_every_part_can_be_had_alone(signed_in: SignIn, incident_id: str) -> None:
    client = signed_in("commander")
    for name in PARTS:
        answer = client.get(f"/incidents/{incident_id}/?fragment={name}")
        assert answer.status_code == 200, name
        assert "<html" not in answer.content.decode()
    assert client.get(f"/incidents/{incident_id}/?fragment=nothing").status_code == 404


def test_the_page_names_the_address_of_each_part(signed_in: SignIn, incident_id: str) -> None:
    client = signed_in("commander")
    found = read(client.get(f"/incidents/{incident_id}/")).xpath("//main//@data-live-fragment")
    assert len(found) == len(PARTS)
    assert all(client.get(address).status_code == 200 for address in found)


def test_a_stale_approval_shows_the_new_state_and_what_changed(signed_in: SignIn, proposal: Proposal) -> None:
    late, duty = signed_in("approver"), signed_in("duty")
    approve(signed_in("commander"), proposal)
    duty.post(f"/incidents/{proposal.incident_id}/update/", {"buffer_m": "120"})
    answer = approve(late, proposal, "alert-approver")
    assert answer.status_code == 409
    assert "has been replaced by revision 2" in text(answer)
    assert "You were looking at revision 1; this is revision 2." in text(answer)
    assert read(answer).xpath("//ins")
    assert buttons(signed_in("commander").get(f"/incidents/{proposal.incident_id}/"))["Approve the evacuation"] is True


def test_looking_back_shows_what_was_known_and_decides_nothing(signed_in: SignIn, proposal: Proposal) -> None:
    commander = signed_in("commander")
    before = proposal.created_at
    approve(commander, proposal)
    then = commander.get(f"/incidents/{proposal.incident_id}/", {"at": before.isoformat()})
    assert "Nothing can be decided here" in text(then)
    assert "Evacuation approved by the commander" not in text(then)
    assert buttons(then)["Approve the evacuation"] is False
    assert not read(then).xpath("//main//@data-live-fragment")
    assert "Evacuation approved by the commander" in text(commander.get(f"/incidents/{proposal.incident_id}/"))
    assert commander.get(f"/incidents/{proposal.incident_id}/?at=soon").status_code == 404
    early = (before - timedelta(days=1)).isoformat()
    assert commander.get(f"/incidents/{proposal.incident_id}/", {"at": early}).status_code == 404


def test_the_log_is_kept_sealed_and_harmless(signed_in: SignIn, incident_id: str) -> None:
    commander = signed_in("commander")
    for _ in range(2):
        page = write(commander, incident_id, NASTY)
    assert RoomEntry.objects.count() == 1
    raw = page.content.decode()
    assert "<script>alert" not in raw
    assert "\u202e" not in raw
    assert "מצב" in raw
    assert b"alert" not in bytes(RoomEntry.objects.get().sealed)
    assert "מצב" in signed_in("water").get(f"/incidents/{incident_id}/").content.decode()
    seen = signed_in("auditor").get(f"/incidents/{incident_id}/")
    assert "מצב" not in seen.content.decode()
    assert "The words are for those who work on this incident" in text(seen)


def test_with_the_keeper_down_the_page_says_what_cannot_be_shown(
    signed_in: SignIn, incident_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    commander = signed_in("commander")
    write(commander, incident_id, "Cordon is up.")

    def down(**_: object) -> None:
        raise KeeperDown

    monkeypatch.setattr(gate, "open_texts", down)
    page = commander.get(f"/incidents/{incident_id}/")
    assert page.status_code == 200
    assert "The words of the log cannot be shown now" in text(page)
    assert "Cordon is up." not in text(page)


def test_an_ending_is_confirmed_after_its_consequences_were_shown(signed_in: SignIn, proposal: Proposal) -> None:
    commander, path = signed_in("commander"), f"/incidents/{proposal.incident_id}/end/"
    approve(commander, proposal)
    emergency.send_notices(proposal_id=proposal.id, digest=proposal.digest, by=SYSTEM, at=clock.now())
    asked = commander.get(path, {"action": "all-clear"})
    assert "These departments are told to stand down: Fire" in text(asked)
    assert "0 open tasks are cancelled" in text(asked)
    assert incidents.incident(proposal.incident_id).state == "ordered", "asking ends nothing"
    commander.post(path, {"action": "all-clear"})
    assert incidents.incident(proposal.incident_id).state == "ordered", "an unconfirmed form ends nothing"
    refused = signed_in("duty").get(path, {"action": "all-clear"})
    assert buttons(refused)["Give the all clear"] is False
    commander.post(path, {"action": "all-clear", "confirmed": "1"})
    assert incidents.incident(proposal.incident_id).state == "closed"
    assert commander.get(path, {"action": "explode"}).status_code == 404


def test_others_in_the_room_are_named_by_role(signed_in: SignIn, incident_id: str) -> None:
    address = f"/incidents/{incident_id}/presence/"
    signed_in("commander").get(address)
    shown = text(signed_in("approver").get(address))
    assert "Commander" in shown
    assert "Alert approver" not in shown
    assert signed_in("duty").get("/incidents/none/presence/").status_code == 404
