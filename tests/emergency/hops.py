"""The hops of an approved document through emergency, with neighbours that write down what they are told."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from cityloom.emergency import actions, handlers
from cityloom.emergency.events import AlertApproved, EvacuationApproved
from cityloom.emergency.queries import ProposalFacts
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.envelope import Envelope
from tests.emergency.conftest import COMMANDER, NOW, SECOND, Scene

NAMES = ("approve", "assign_tasks", "send_notices", "send_alerts")
ENVELOPE = Envelope("1", "test", "/test", NOW, {})


def listening_neighbours(patch: pytest.MonkeyPatch, scene: Scene) -> SimpleNamespace:
    """Put those to whom orders go down in the place of the real ones; what they are told is returned, and grows."""
    told = SimpleNamespace(granted=[], assigned=[], delivered=[], alerted=[], cancelled=[], revoked=[], kept=[])
    patch.setattr(handlers.accounts, "actor_of", lambda account: {
        COMMANDER.account: COMMANDER, SECOND.account: SECOND}[account])  # fmt: skip
    patch.setattr(handlers.gate, "grant", lambda **given: told.granted.append(given) or given["grant_id"])
    patch.setattr(handlers.gate, "revoke_all", lambda **given: told.revoked.append(given))
    patch.setattr(handlers.gate_queries, "subjects_needing_help", lambda **_: np.array([*scene.town.helped]))
    patch.setattr(handlers.fieldwork, "assign", lambda **given: told.assigned.append(given) or ["T" * 26])
    patch.setattr(handlers.fieldwork, "deliver", lambda **given: told.delivered.append(given))
    patch.setattr(handlers.fieldwork, "cancel_all", lambda **given: told.cancelled.append(given))
    patch.setattr(handlers.fieldwork, "keep_within", lambda **given: told.kept.append(given))
    patch.setitem(handlers._SENDERS, "Alert", lambda **given: told.alerted.append(given))
    patch.setattr(handlers.alerts, "deliver_due", lambda **_: None)
    return told


def both_approved(scene: Scene) -> ProposalFacts:
    facts = scene.propose()
    scene.approve(facts)
    scene.approve(facts, "alert-approver")
    return facts


def evacuation(facts: ProposalFacts) -> EvacuationApproved:
    return EvacuationApproved(facts.incident_id, facts.id, facts.digest, COMMANDER.account, NOW)


def alert(facts: ProposalFacts) -> AlertApproved:
    return AlertApproved(facts.incident_id, facts.id, facts.digest, SECOND.account, NOW)


def hops(facts: ProposalFacts) -> dict[str, Callable[[], object]]:
    """What each hop does with a proposal."""
    return {
        "approve": lambda: actions.approve(
            proposal_id=facts.id, digest=facts.digest, role="alert-approver", by=SECOND, at=NOW
        ),
        "assign_tasks": lambda: handlers.assign_tasks(evacuation(facts), envelope=ENVELOPE),
        "send_notices": lambda: actions.send_notices(
            proposal_id=facts.id, digest=facts.digest, by=SYSTEM, at=NOW
        ),
        "send_alerts": lambda: handlers.send_alerts(alert(facts), envelope=ENVELOPE),
    }
