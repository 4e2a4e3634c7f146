"""From opening to the all clear: who may do what, and what it leads to."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from cityloom.bus import queries as bus
from cityloom.emergency import actions, queries
from cityloom.emergency.models import Proposal, ResponseParameters
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.emergency.conftest import BOTH, COMMANDER, DUTY, FIRE, NOW, SECOND, Scene, open_incident


def published(scene: Scene) -> list[str]:
    return [event.type.split(".")[2] for event in bus.events_of("E" * 26)]


def refusal(call, **given) -> str:
    with pytest.raises(Refused) as caught:
        call(**given)
    return caught.value.code


def test_one_detection_is_one_incident(scene: Scene) -> None:
    assert open_incident() == scene.incident_id
    assert published(scene).count("IncidentOpened") == 1


def test_a_sensor_whose_clock_is_ahead_starts_no_incident_in_the_future(scene: Scene) -> None:
    opened = actions.open_incident(
        detection_id="ahead", category="fire", lon=114.0, lat=22.5, first_signal_at=NOW + timedelta(minutes=4),
        by=SYSTEM, at=NOW, exercise_id="E" * 26,
    )  # fmt: skip
    assert queries.incident(opened).first_signal_at == NOW


def test_a_proposal_counts_everyone_and_opens_nobody(scene: Scene) -> None:
    counts = scene.propose().plan["counts"]
    assert scene.state == "proposed"
    assert counts["placed_households"] + counts["unplaced_households"] == counts["households"] > 0
    assert counts["placed_people"] == counts["people_night"]


def test_the_two_approvals_need_two_accounts(scene: Scene) -> None:
    facts = scene.propose()
    scene.approve(facts, by=BOTH)
    assert refusal(actions.approve, proposal_id=facts.id, digest=facts.digest, role="alert-approver", by=BOTH,
                   at=NOW) == "emergency.same_account"  # fmt: skip
    scene.approve(facts, "alert-approver")
    assert scene.state == "warned"
    assert [one.role for one in queries.proposal(facts.id).approvals] == ["commander", "alert-approver"]


def test_the_second_person_comes_second(scene: Scene) -> None:
    facts = scene.propose()
    assert refusal(actions.approve, proposal_id=facts.id, digest=facts.digest, role="alert-approver", by=SECOND,
                   at=NOW) == "emergency.state"  # fmt: skip


def test_an_approval_again_changes_nothing(scene: Scene) -> None:
    facts = scene.propose()
    scene.approve(facts)
    scene.approve(facts)
    assert published(scene).count("EvacuationApproved") == 1


def test_another_digest_is_refused(scene: Scene) -> None:
    facts = scene.propose()
    for digest in ("", "0" * 64, facts.digest.upper()):
        code = refusal(actions.approve, proposal_id=facts.id, digest=digest, role="commander", by=COMMANDER, at=NOW)
        assert code == "emergency.digest"
    assert scene.state == "proposed"


def test_a_replaced_revision_cannot_be_approved(scene: Scene) -> None:
    first = scene.propose()
    actions.send_back(proposal_id=first.id, reason="The zone is too small.", by=COMMANDER, at=scene.later())
    assert scene.state == "sent-back"
    second = scene.propose()
    assert (second.revision, second.document["revision"]) == (2, 2)
    assert refusal(actions.approve, proposal_id=first.id, digest=first.digest, role="commander", by=COMMANDER,
                   at=NOW) == "emergency.stale"  # fmt: skip


def test_sending_back_needs_a_reason(scene: Scene) -> None:
    facts = scene.propose()
    assert refusal(actions.send_back, proposal_id=facts.id, reason=" ", by=COMMANDER, at=NOW) == "emergency.no_reason"


def test_nobody_approves_their_own_draft(scene: Scene) -> None:
    scene.approve(scene.propose())
    actions.update(incident_id=scene.incident_id, buffer_m=150, by=BOTH, at=scene.later())
    facts = queries.current_proposal(scene.incident_id)
    assert refusal(actions.approve, proposal_id=facts.id, digest=facts.digest, role="commander", by=BOTH, at=NOW) == (
        "emergency.same_account"
    )


def test_an_update_widens_the_zone_and_is_approved_like_the_first(scene: Scene) -> None:
    first = scene.propose()
    scene.approve(first)
    actions.update(incident_id=scene.incident_id, buffer_m=160, by=DUTY, at=scene.later())
    second = queries.current_proposal(scene.incident_id)
    assert set(first.document["buildings"]) < set(second.document["buildings"])
    assert queries.incident(scene.incident_id).buffer_m == 160
    assert "IncidentUpdated" in published(scene)
    scene.approve(second)
    assert scene.state == "ordered"


def test_parameters_that_make_no_zone_are_refused(scene: Scene) -> None:
    scene.approve(scene.propose())
    for wrong in ({"hazard_radius_m": 0.0}, {"buffer_m": -1.0}, {"buffer_m": 1e6}, {"ring_fractions": (0.5, 0.4, 1.0)},
                  {"ring_fractions": (0.5,)}):  # fmt: skip
        code = refusal(actions.update, incident_id=scene.incident_id, by=DUTY, at=NOW, **wrong)
        assert code == "emergency.parameters"


def test_an_exercise_sets_its_own_parameters(town, db) -> None:
    actions.set_parameters(exercise_id="X" * 26, by=SYSTEM, at=NOW, hazard_radius_m=55, ring_fractions=(0.2, 1.0))
    facts = queries.incident(open_incident("other", "X" * 26))
    assert (facts.hazard_radius_m, facts.buffer_m, facts.ring_fractions) == (55, 90, (0.2, 1.0))
    assert queries.incident(open_incident("real", "")).hazard_radius_m == 30


def test_roles_are_told_what_they_may_not_do(scene: Scene) -> None:
    scene.propose()
    assert queries.may(COMMANDER, scene.incident_id, "approve") == (True, "")
    allowed, sentence = queries.may(FIRE, scene.incident_id, "approve")
    assert not allowed
    assert sentence == "You cannot approve the evacuation: only a commander may; ask one to sign in."
    allowed, sentence = queries.may(COMMANDER, scene.incident_id, "all-clear")
    assert not allowed and "the incident is proposed" in sentence
    assert [one.id for one in queries.waiting_for(COMMANDER)] == [scene.incident_id]
    assert queries.waiting_for(SECOND) == []


def test_an_incident_without_an_alert_ends_at_once_and_departments_are_told(scene: Scene) -> None:
    scene.approve(scene.propose())
    assert actions.all_clear(incident_id=scene.incident_id, by=COMMANDER, at=scene.later()) == ""
    assert scene.state == "closed"
    assert published(scene)[-1] == "IncidentClosed"
    assert queries.current_proposal(scene.incident_id).purpose == "all-clear"


def test_an_alert_that_is_out_is_ended_by_two_people(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = scene.propose()
    scene.approve(facts)
    scene.approve(facts, "alert-approver")
    reference = f"{facts.document['sender']},{facts.document['identifier']},{facts.document['sent']}"
    monkeypatch.setattr(actions.alerts, "references_for", lambda incident_id: [reference])
    ending = queries.proposal(actions.all_clear(incident_id=scene.incident_id, by=COMMANDER, at=scene.later()))
    assert scene.state == "clearing"
    assert (ending.document["message_type"], ending.document["response"]) == ("Update", "AllClear")
    assert ending.document["references"] == [reference]
    assert refusal(actions.approve, proposal_id=ending.id, digest=ending.digest, role="alert-approver", by=COMMANDER,
                   at=NOW) == "emergency.role"  # fmt: skip
    scene.approve(ending, "alert-approver")
    assert scene.state == "closed"
    assert published(scene)[-2:] == ["AlertApproved", "IncidentClosed"]


def test_a_mistake_is_cancelled_before_anything_was_ordered(scene: Scene) -> None:
    scene.propose()
    actions.cancel(incident_id=scene.incident_id, by=COMMANDER, at=scene.later())
    assert scene.state == "cancelled"
    assert queries.open_incidents() == []


def test_notices_go_to_each_department_once_with_what_is_asked(scene: Scene) -> None:
    facts = scene.propose()
    scene.approve(facts)
    for _ in range(2):
        actions.send_notices(proposal_id=facts.id, digest=facts.digest, by=SYSTEM, at=scene.later())
    found = {notice.department: notice for notice in queries.notices_of(scene.incident_id)}
    assert sorted(found) == ["fire", "gas", "police", "traffic", "water"]
    assert "Row 6" in found["traffic"].asks["en"][0] and "横街6" in found["traffic"].asks["zh-Hans"][0]
    assert "water valves: 8" in found["water"].asks["en"][0]
    assert published(scene).count("NoticeSent") == 5


def test_a_silent_department_is_escalated_once_after_a_minute(scene: Scene) -> None:
    facts = scene.propose()
    scene.approve(facts)
    actions.send_notices(proposal_id=facts.id, digest=facts.digest, by=SYSTEM, at=scene.now)
    fire = next(one for one in queries.notices_of(scene.incident_id) if one.department == "fire")
    assert refusal(actions.acknowledge_notice, notice_id=fire.id, by=COMMANDER, at=NOW) == "emergency.not_your_notice"
    actions.acknowledge_notice(notice_id=fire.id, by=FIRE, at=scene.later(5))
    assert actions.escalate_due(at=scene.later(54)) == []
    assert len(actions.escalate_due(at=scene.later(1))) == 4
    assert actions.escalate_due(at=scene.later(60)) == []
    assert published(scene).count("NoticeEscalated") == 4
    gas = next(one for one in queries.notices_of(scene.incident_id) if one.department == "gas")
    desk = Actor("G" * 26, "city/gas", frozenset({"department-gas"}))
    actions.acknowledge_notice(notice_id=gas.id, by=desk, at=scene.later())
    assert {one.state for one in queries.notices_of(scene.incident_id)} == {"acknowledged", "escalated"}


def test_two_runs_decide_the_same(town, db) -> None:
    texts = []
    for exercise in ("X" * 26, "Y" * 26):
        scene = Scene(town, open_incident(exercise, exercise))
        facts = scene.propose()
        scene.approve(facts)
        actions.send_notices(proposal_id=facts.id, digest=facts.digest, by=SYSTEM, at=scene.now)
        texts.append(queries.decisions(exercise))
    assert texts[0] == texts[1]
    assert json.loads(texts[0])[0]["proposals"][0]["approved_as"] == ["commander"]


def test_places_taken_by_another_incident_are_not_given_twice(scene: Scene) -> None:
    first = scene.propose()
    scene.approve(first)
    second = Scene(scene.town, open_incident("second"))
    before = {one["id"]: one["people"] for one in first.plan["shelters"]}
    free = {one["id"]: one["places"] for one in second.propose().plan["shelters"]}
    capacity = dict(zip((1, 2), scene.town.shelter_places, strict=False))
    assert free == {shelter: capacity[shelter] - before.get(shelter, 0) for shelter in free}


def test_an_exercise_can_be_erased(scene: Scene) -> None:
    scene.approve(scene.propose())
    actions.set_parameters(exercise_id="E" * 26, by=SYSTEM, at=NOW, buffer_m=10)
    assert actions.forget(exercise_id="E" * 26) == 1
    assert not Proposal.objects.exists() and not ResponseParameters.objects.exists()
    assert refusal(actions.forget, exercise_id="") == "emergency.not_an_exercise"


def test_the_map_shows_the_plan(scene: Scene) -> None:
    assert [layer.name for layer in queries.map_layers(scene.incident_id)] == ["hazard"]
    facts = scene.propose()
    layers = {layer.name: layer for layer in queries.map_layers(scene.incident_id)}
    assert len(layers["buildings"].geometries) == len(facts.document["buildings"])
    assert layers["streets"].labels and layers["routes"].geometries and layers["shelters"].geometries
    west, south, east, north = queries.map_bounds(scene.incident_id)
    assert west < 114.05 < east and south < 22.54 < north


def test_the_timeline_counts_from_the_first_signal(scene: Scene) -> None:
    scene.propose()
    assert [(one.seconds, one.what) for one in queries.timeline(scene.incident_id)] == [
        (0.0, "IncidentOpened"), (10.0, "ProposalReady"),
    ]  # fmt: skip
