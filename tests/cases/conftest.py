"""A keeper that seals nothing, and a few officials; no process is started."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from cityloom.accounts import actions as accounts
from cityloom.cases.working import recording
from cityloom.kernel.actor import SYSTEM, Actor

NOW = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
"""A Monday, 9 o'clock in China."""


class OpenKeeper:
    """Remembers what it was given; a text of one matter is not of another."""

    def __init__(self) -> None:
        self.sealed: list[tuple[str, str]] = []

    def seal_texts(self, *, by: Actor, at: datetime, matter: str, texts: Sequence[str]) -> list[bytes]:
        self.sealed += [(matter, text) for text in texts]
        return [f"sealed {len(self.sealed)}".encode() for _ in texts]


    def seal_matters(self, *, by: Actor, at: datetime, texts: dict[str, str]) -> dict[str, bytes]:
        return {matter: self.seal_texts(by=by, at=at, matter=matter, texts=[text])[0] for matter, text in texts.items()}


@pytest.fixture
def keeper(monkeypatch: pytest.MonkeyPatch) -> OpenKeeper:
    fake = OpenKeeper()
    monkeypatch.setattr(recording.gate, "seal_texts", fake.seal_texts)
    monkeypatch.setattr(recording.gate, "seal_matters", fake.seal_matters)
    return fake


@pytest.fixture
def officials(db: None) -> dict[str, Actor]:
    """Those of a synthetic city, by user name."""
    accounts.create_units(communities=[], by=SYSTEM, at=NOW)
    return {one.username: one.actor for one in accounts.create_demo_accounts(workers=[], by=SYSTEM, at=NOW)}
