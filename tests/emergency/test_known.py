"""Looking back: what was known of an incident at an instant."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cityloom.emergency import actions, queries
from cityloom.emergency.domain.known import state_after, task_state
from cityloom.emergency.domain.presence import LASTS_S, Presence
from cityloom.kernel.refused import Refused
from tests.emergency.conftest import BOTH, COMMANDER, NOW, SECOND, Scene

STORY = [
    ("IncidentOpened", ""), ("ProposalReady", "evacuation"), ("ProposalSentBack", "evacuation"),
    ("ProposalReady", "evacuation"), ("EvacuationApproved", "evacuation"), ("NoticeSent", ""),
    ("AlertApproved", "evacuation"), ("ProposalReady", "all-clear"), ("ProposalSentBack", "all-clear"),
    ("ProposalReady", "all-clear"), ("AlertApproved", "all-clear"), ("IncidentClosed", ""), ("TaskFinished", ""),
]  # fmt: skip
STATES = ["open", "proposed", "sent-back", "proposed", "ordered", "ordered", "warned", "clearing", "warned", "clearing",
          "clearing", "closed", "closed"]  # fmt: skip


def test_the_state_follows_what_happened() -> None:
    assert [state_after(STORY[: length + 1]) for length in range(len(STORY))] == STATES


def test_each_moment_of_a_real_incident_is_known_again(scene: Scene) -> None:
    seen = [(scene.now, scene.state, 0)]

    def look() -> None:
        seen.append((scene.now, scene.state, queries.incident(scene.incident_id).revision))

    first = scene.propose()
    look()
    actions.send_back(proposal_id=first.id, reason="Wider.", by=COMMANDER, at=scene.later())
    look()
    second = scene.propose()
    look()
    scene.approve(second)
    look()
    scene.approve(second, "alert-approver")
    look()
    for at, state, revision in seen:
        known = queries.incident_known(scene.incident_id, at)
        assert (known.state, known.revision) == (state, revision), at
    (before,) = queries.proposals_known(scene.incident_id, seen[1][0])
    assert before.sent_back_at is None
    assert before.sent_back_sealed == b""
    assert not any(facts.approvals for facts in queries.proposals_known(scene.incident_id, seen[3][0]))


def test_before_it_was_opened_nobody_knew_of_it(scene: Scene) -> None:
    with pytest.raises(Refused, match="Nobody knew"):
        queries.incident_known(scene.incident_id, NOW - timedelta(seconds=1))


@pytest.mark.parametrize(("reached", "known"), [
    ((False, False, False), "waiting"), ((False, False, True), "assigned"), ((False, True, True), "delivered"),
    ((True, True, True), "unable"),
])  # fmt: skip
def test_a_task_was_no_further_than_its_times_say(reached: tuple[bool, ...], known: str) -> None:
    assert task_state("unable", zip(("ended", "delivered", "assigned"), reached, strict=True)) == known


def test_an_ending_says_what_ends(scene: Scene) -> None:
    facts = scene.propose()
    scene.approve(facts)
    actions.send_notices(proposal_id=facts.id, digest=facts.digest, by=BOTH, at=scene.later())
    ending = queries.ending_of(scene.incident_id, scene.later())
    assert ending.departments == ("fire", "gas", "police", "traffic", "water")
    assert (ending.grants, ending.open_tasks, ending.alerts_in_force) == (0, 0, ())


def test_others_are_seen_by_role_and_forgotten_soon() -> None:
    here = Presence()
    commander, second = ("commander", "city/emergency"), ("alert-approver", "city/emergency")
    assert here.note("one", COMMANDER.account, commander, 0.0) == []
    assert here.note("one", SECOND.account, second, 1.0) == [commander]
    assert here.note("two", BOTH.account, commander, 1.0) == []
    assert here.note("one", COMMANDER.account, commander, 2.0) == [second]
    assert here.note("one", COMMANDER.account, commander, 2.5 + LASTS_S) == []
