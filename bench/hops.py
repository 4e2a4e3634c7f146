"""Change one byte of an approved document, very often, at each hop of emergency; nothing changed may get through.

The hops are the real ones, on a database in memory; the registers below and those to whom orders go are stood in for
as in tests/emergency. `bench.alerts` does the same at the three hops that follow.
Usage: python -m bench.hops [--mutations 100000] [--seed 1] [--json]
"""

# ruff: noqa: E402 - the home must be chosen before Django starts
from __future__ import annotations

from collections.abc import Callable

from bench._mutations import Result, command, gets_through, measure, must_pass, mutations, start_django, texts

start_django()

import pytest
from django.db import connection

from cityloom.emergency.models import Approval, Incident, Proposal
from cityloom.emergency.queries import ProposalFacts
from cityloom.kernel import ids
from tests.emergency.conftest import Scene, open_incident, stand_in
from tests.emergency.hops import NAMES, both_approved, hops, listening_neighbours


def run(count: int, seed: int) -> list[Result]:
    """All four hops."""
    with pytest.MonkeyPatch.context() as patch:
        scene = Scene(stand_in(patch), open_incident())
        told = listening_neighbours(patch, scene)
        facts = both_approved(scene)
        results = [at_hop(name, facts, count, seed) for name in NAMES]
        must_pass(bool(told.assigned and told.alerted and told.delivered))
    return results


def at_hop(name: str, facts: ProposalFacts, count: int, seed: int) -> Result:
    """Let the hop see one changed document after another, and at the end the approved one, which must pass."""
    act = hops(facts)[name]
    if name == "approve":  # the second approval is still to come, so that this is not the same one again
        Approval.objects.filter(proposal_id=facts.id, role="alert-approver").delete()
        Incident.objects.filter(id=facts.incident_id).update(state="ordered")
    approved = Proposal.objects.get(id=facts.id).document
    source = texts(mutations(approved.encode(), ids.seeded(seed, name)))
    result = measure(name, count, source, lambda text: passes(facts.id, text, act))
    must_pass(passes(facts.id, approved, act))
    return result


def passes(proposal_id: str, text: str, act: Callable[[], object]) -> bool:
    """Whether the hop goes on with this text in the place of the document."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE emergency_proposal SET document = %s WHERE id = %s", [text, proposal_id])
    return gets_through(act)


if __name__ == "__main__":
    command(__doc__, run)
