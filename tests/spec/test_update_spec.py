"""What becomes of people who need help when the zone changes after the order: a manual in pictures.

Each house is a letter; its dwelling has one person who needs help. A row says which houses the approved zone holds, and
what the task of each house is then: `o` open, `x` taken back, `d` done, `-` never given out.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cityloom.accounts import actions as accounts
from cityloom.accounts.queries import actor_of
from cityloom.fieldwork import actions
from cityloom.fieldwork.actions import PeopleToAssist
from cityloom.fieldwork.domain import states
from cityloom.fieldwork.models import Task
from cityloom.kernel.actor import SYSTEM
from tests.fieldwork.fakes import FakeGate

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
UNTIL = NOW + timedelta(hours=12)
HOUSES = "abcd"
SIGNS = dict.fromkeys(states.OPEN, "o") | {"cancelled": "x", "done": "d"}

STORIES = {
    "the zone shrinks": [("abcd", "oooo"), ("ab", "ooxx")],
    "it shrinks to nobody": [("ab", "oo--"), ("cd", "xxoo")],
    "it moves": [("abc", "ooo-"), ("bcd", "xooo")],
    "it shrinks and grows again": [("abcd", "oooo"), ("ab", "ooxx"), ("abc", "ooox")],
    "it grows": [("a", "o---"), ("abcd", "oooo")],
    "what is done stays done": [("abcd", "oooo"), ("done d", "oood"), ("ab", "ooxd"), ("abcd", "oood")],
}


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> FakeGate:
    fake = FakeGate()
    for name in ("grant_all", "revoke_these", "open_all"):
        monkeypatch.setattr(actions.gate, name, getattr(fake, name))
    monkeypatch.setattr(actions.gate_queries, "grants_for_zone", fake.grants_for_zone)
    monkeypatch.setattr(actions.registers, "addresses", lambda dwellings: {})
    accounts.create_units(communities=[("city/d01", "District 1", "一区", "district")], by=SYSTEM, at=NOW)
    made = accounts.create_demo_accounts(workers=["city/d01"], by=SYSTEM, at=NOW)
    actions.install_workers(workers=made, sites=[(114.0, 22.5)], by=SYSTEM, at=NOW)
    return fake


def order(gate: FakeGate, houses: str, digest: str) -> None:
    """What emergency does when a commander approves a zone of these houses."""
    numbers = np.array([HOUSES.index(house) for house in houses])
    people = PeopleToAssist(numbers + 1, numbers + 100, numbers, np.full(len(numbers), 114.0) + numbers / 1000,
                            np.full(len(numbers), 22.5))  # fmt: skip
    given = {"by": SYSTEM, "at": NOW, "incident_id": "I", "until": UNTIL, "basis": "", "zone_digest": digest}
    for _ in range(2):  # a handler may be called twice
        actions.deliver(at=NOW, task_ids=actions.assign(people=people, **given))
        actions.keep_within(building_ids=numbers.tolist(), **given)
        gate.revoke_all(by=SYSTEM, at=NOW, incident_id="I", but_zone_digest=digest)


def finish(house: str) -> None:
    task = Task.objects.get(building_id=HOUSES.index(house))
    actions.finish(by=actor_of(task.account), at=NOW, task_id=task.id)


def seen() -> str:
    found = dict(Task.objects.values_list("building_id", "state"))
    return "".join(SIGNS[found[number]] if number in found else "-" for number in range(len(HOUSES)))


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_tasks_follow_the_approved_zone(gate: FakeGate, story: list[tuple[str, str]]) -> None:
    for number, (zone, expected) in enumerate(story):
        if zone.startswith("done "):
            finish(zone[-1])
        else:
            order(gate, zone, f"zone {number}")
        assert seen() == expected
        still = {subject for grant in gate.grants.values() if grant.live for subject in grant.subjects}
        standing = {HOUSES.index(house) + 1 for house, sign in zip(HOUSES, seen(), strict=True) if sign == "o"}
        assert still >= standing, "whoever is to be helped can be read"
        if not zone.startswith("done "):
            assert still == standing, "and nobody else"
