"""An incident in a drawn town, with neighbours that answer without a city, a keeper or a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from cityloom.emergency import actions, queries
from cityloom.gate import actions as gate_actions
from cityloom.gate import queries as gate
from cityloom.kernel import ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.registers import queries as registers
from tests.emergency.town import LAT, LON, Town

NOW = datetime(2026, 6, 3, 1, 0, tzinfo=UTC)
COMMANDER = Actor("C" * 26, "city/emergency", frozenset({"commander"}))
SECOND = Actor("A" * 26, "city/emergency", frozenset({"alert-approver"}))
DUTY = Actor("D" * 26, "city/emergency", frozenset({"duty-officer"}))
BOTH = Actor("B" * 26, "city/emergency", frozenset({"commander", "alert-approver", "duty-officer"}))
FIRE = Actor("F" * 26, "city/fire", frozenset({"department-fire"}))


@dataclass
class Scene:
    """One incident, with the moment that its next step happens."""

    town: Town
    incident_id: str
    now: datetime = NOW

    def later(self, seconds: float = 10.0) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now

    def propose(self) -> queries.ProposalFacts:
        return queries.proposal(actions.propose(incident_id=self.incident_id, by=SYSTEM, at=self.later()))

    def approve(self, facts: queries.ProposalFacts, role: str = "commander", by: Actor | None = None) -> None:
        who = by or (COMMANDER if role == "commander" else SECOND)
        actions.approve(proposal_id=facts.id, digest=facts.digest, role=role, by=who, at=self.later())

    @property
    def state(self) -> str:
        return queries.incident(self.incident_id).state


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch) -> Town:
    """The registers and the keeper's counts answer from the drawn town."""
    return stand_in(monkeypatch)


def stand_in(patch: pytest.MonkeyPatch) -> Town:
    """Let a drawn town answer in the place of the registers and of the keeper: counts, and texts."""
    drawn = Town()
    for name in ("buildings_touching", "residents_of", "road_graph", "shelters_near", "places_in", "valves_for",
                 "area_words", "non_residential_largest"):  # fmt: skip
        patch.setattr(registers, name, getattr(drawn, name))
    patch.setattr(registers, "city", lambda: None)
    patch.setattr(gate, "count_needs", drawn.count_needs)
    patch.setattr(gate_actions, "seal_texts", _turned_around)
    patch.setattr(gate, "open_texts", _turned_back)
    return drawn


def _turned_around(*, matter: str, texts: Sequence[str], **_: object) -> list[bytes]:
    return [f"{matter}|{text[::-1]}".encode() for text in texts]


def _turned_back(*, matter: str, sealed: Sequence[bytes], **_: object) -> list[str | None]:
    parts = [text.decode().partition("|") for text in sealed]
    return [text[::-1] if owner == matter else None for owner, _, text in parts]


@pytest.fixture
def scene(town: Town, db: None) -> Scene:
    """A ground collapse in the middle of the town, in an exercise."""
    return Scene(town, open_incident())


def open_incident(detection: str = "one", exercise_id: str = "E" * 26) -> str:
    """Open an incident in the middle of the town."""
    return actions.open_incident(
        detection_id=ids.named_id(detection), category="ground-collapse", lon=LON, lat=LAT, first_signal_at=NOW,
        by=SYSTEM, at=NOW, exercise_id=exercise_id,
    )  # fmt: skip
