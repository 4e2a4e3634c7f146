"""What was approved, that and nothing else, is acted upon at every hop."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from cityloom.emergency import actions, handlers, queries
from cityloom.emergency.events import IncidentClosed
from cityloom.emergency.models import Approval, Proposal
from cityloom.emergency.queries import ProposalFacts
from cityloom.kernel import ids
from cityloom.kernel.refused import Refused
from tests.emergency.conftest import COMMANDER, DUTY, NOW, Scene
from tests.emergency.hops import (
    ENVELOPE,
    NAMES,
    alert,
    both_approved,
    evacuation,
    hops,
    listening_neighbours,
)  # fmt: skip

MUTATIONS = 130  # in each of the four hops


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, scene: Scene) -> SimpleNamespace:
    """The neighbours to whom orders go down, writing down what they were told."""
    return listening_neighbours(monkeypatch, scene)


def test_who_needs_help_is_named_and_tasks_are_given_out(scene: Scene, sent: SimpleNamespace) -> None:
    everyone = scene.town.residents_of(scene.town.buildings())
    facts = both_approved(scene)
    near = np.isin(scene.town.buildings().id[everyone.building_index], facts.document["buildings"])
    inside, outside = everyone.subject[near], everyone.subject[~near]
    scene.town.helped = frozenset([int(inside[0]), int(inside[-1]), int(outside[0])])
    handlers.assign_tasks(evacuation(facts), envelope=ENVELOPE)
    grant, order = sent.granted[0], sent.assigned[0]
    assert (grant["purpose"], list(grant["fields"]), grant["zone_digest"]) == ("emergency-assistance", [], facts.digest)
    assert set(grant["subjects"].tolist()) == set(inside.tolist())
    assert set(order["people"].subject.tolist()) == {int(inside[0]), int(inside[-1])}
    assert order["zone_digest"] == facts.digest
    assert sent.delivered[0]["task_ids"] == ["T" * 26]


def test_the_alert_is_the_approved_document(scene: Scene, sent: SimpleNamespace) -> None:
    facts = both_approved(scene)
    handlers.send_alerts(alert(facts), envelope=ENVELOPE)
    assert sent.alerted[0]["document"] == facts.document
    assert sent.alerted[0]["approved_digest"] == facts.digest


def stopped_by(facts: ProposalFacts, hop: str) -> str:
    with pytest.raises(Refused) as caught:
        hops(facts)[hop]()
    return caught.value.code


@pytest.mark.parametrize("hop", NAMES)
def test_one_changed_byte_of_the_document_stops_the_hop(scene: Scene, sent: SimpleNamespace, hop: str) -> None:
    facts = both_approved(scene)
    text = Proposal.objects.get(id=facts.id).document
    chance = ids.seeded(7, hop)
    for _ in range(MUTATIONS):
        at, new = int(chance.integers(len(text))), chr(int(chance.integers(32, 127)))
        changed = text[:at] + new + text[at + 1 :] if new != text[at] else text[:at] + text[at + 1 :]
        Proposal.objects.filter(id=facts.id).update(document=changed)
        assert stopped_by(facts, hop) == "emergency.document_changed"
    assert not sent.assigned and not sent.alerted and not sent.granted


@pytest.mark.parametrize("hop", ["assign_tasks", "send_notices", "send_alerts"])
def test_a_document_with_a_digest_of_its_own_is_not_the_approved_one(
    scene: Scene, sent: SimpleNamespace, hop: str
) -> None:
    facts = both_approved(scene)
    other = actions.documents.text_of(facts.document | {"buildings": []})
    Proposal.objects.filter(id=facts.id).update(
        document=other, digest=actions.canonical.digest(facts.document | {"buildings": []})
    )
    assert stopped_by(facts, hop) == "emergency.digest"
    assert not sent.assigned and not sent.alerted


@pytest.mark.parametrize("hop", ["assign_tasks", "send_notices", "send_alerts"])
def test_no_approval_no_hop(scene: Scene, sent: SimpleNamespace, hop: str) -> None:
    facts = scene.propose()
    assert stopped_by(facts, hop) == "emergency.not_approved"


def test_an_alert_needs_both_approvals(scene: Scene, sent: SimpleNamespace) -> None:
    facts = scene.propose()
    scene.approve(facts)
    assert stopped_by(facts, "send_alerts") == "emergency.not_approved"


def test_one_account_in_both_roles_is_not_two_people(scene: Scene, sent: SimpleNamespace) -> None:
    facts = both_approved(scene)
    Approval.objects.filter(role="commander").delete()
    Approval.objects.filter(role="alert-approver").update(account_id=COMMANDER.account)
    Approval.objects.create(id="Z" * 26, proposal_id=facts.id, account_id="Z" * 26, role="commander",
                            digest="0" * 64, at=NOW)  # fmt: skip
    assert stopped_by(facts, "send_alerts") == "emergency.not_approved"


def test_a_polygon_that_lost_a_building_gives_out_no_task(
    scene: Scene, sent: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = both_approved(scene)
    whole = scene.town.buildings_touching
    monkeypatch.setattr(handlers.registers, "buildings_touching", lambda area: whole(area).taken(slice(1, None)))
    assert stopped_by(facts, "assign_tasks") == "emergency.buildings_missing"


def test_an_order_that_comes_after_the_end_does_nothing(scene: Scene, sent: SimpleNamespace) -> None:
    facts = scene.propose()
    scene.approve(facts)
    actions.all_clear(incident_id=scene.incident_id, by=COMMANDER, at=scene.later())
    handlers.assign_tasks(evacuation(facts), envelope=ENVELOPE)
    assert not sent.assigned and not sent.granted


def smaller(scene: Scene) -> ProposalFacts:
    """A revision with a smaller zone, that the commander has approved."""
    changed = actions.update(incident_id=scene.incident_id, by=DUTY, at=scene.later(), hazard_radius_m=10, buffer_m=30)
    facts = queries.proposal(changed)
    scene.approve(facts)
    return facts


def test_a_smaller_zone_withdraws_what_lies_outside_it(scene: Scene, sent: SimpleNamespace) -> None:
    first = scene.propose()
    scene.approve(first)
    handlers.withdraw_replaced(evacuation(first), envelope=ENVELOPE)
    assert not sent.kept and not sent.revoked, "nothing came before the first order"
    second = smaller(scene)
    handlers.withdraw_replaced(evacuation(second), envelope=ENVELOPE)
    assert set(second.document["buildings"]) < set(first.document["buildings"])
    assert sent.kept[0]["building_ids"] == second.document["buildings"]
    assert sent.kept[0]["zone_digest"] == sent.revoked[0]["but_zone_digest"] == second.digest


def test_an_order_that_was_replaced_is_not_carried_out_any_more(scene: Scene, sent: SimpleNamespace) -> None:
    first = scene.propose()
    scene.approve(first)
    smaller(scene)
    handlers.assign_tasks(evacuation(first), envelope=ENVELOPE)
    handlers.withdraw_replaced(evacuation(first), envelope=ENVELOPE)
    assert not sent.granted and not sent.assigned and not sent.kept and not sent.revoked


def test_the_end_takes_back_tasks_and_grants_and_stands_departments_down(scene: Scene, sent: SimpleNamespace) -> None:
    scene.approve(scene.propose())
    actions.all_clear(incident_id=scene.incident_id, by=COMMANDER, at=scene.later())
    for _ in range(2):
        handlers.close_out(IncidentClosed(scene.incident_id, COMMANDER.account), envelope=ENVELOPE)
    assert sent.cancelled[0]["incident_id"] == sent.revoked[0]["incident_id"] == scene.incident_id
    asked = [one.asks["en"][0] for one in actions.Notice.objects.all()]
    assert len(asked) == 5 and all("has ended" in sentence for sentence in asked)
