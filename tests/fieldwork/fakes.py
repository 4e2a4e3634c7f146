"""A gate in memory: who was granted what, and what was opened by whom."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused


@dataclass
class Grant:
    holder: str
    subjects: frozenset[int]
    until: datetime
    live: bool = True


@dataclass
class FakeGate:
    """Opens only what a live grant names, for its holder; the signatures are those of `gate.actions`."""

    grants: dict[str, Grant] = field(default_factory=dict)
    opened: list[tuple[str, int]] = field(default_factory=list)
    down_for: set[str] = field(default_factory=set)

    def grant(
        self, *, by: Actor, at: datetime, purpose: str, subjects: Sequence[int], fields: Collection[str], holder: str,
        until: datetime, basis: str = "", zone_digest: str = "", incident_id: str = "", exercise_id: str = "",
        grant_id: str = "",
    ) -> str:  # fmt: skip
        self.grants.setdefault(grant_id, Grant(holder, frozenset(subjects), until))
        return grant_id

    def revoke(self, *, by: Actor, at: datetime, grant_id: str) -> None:
        self.grants[grant_id].live = False

    def open_people(
        self, *, by: Actor, at: datetime, grant_id: str, subjects: Sequence[int], fields: Collection[str],
        exercise_id: str = "",
    ) -> dict[int, dict[str, str]]:  # fmt: skip
        grant = self.grants[grant_id]
        if by.account in self.down_for:
            raise Refused("gate.keeper_down", "The keeper does not answer.")
        if not grant.live or at >= grant.until or grant.holder != by.account or not grant.subjects.issuperset(subjects):
            raise Refused("gate.not_granted", "No live grant names these people for you.")
        self.opened += [(by.account, subject) for subject in subjects]
        return {subject: {name: f"{name} of {subject}" for name in fields} for subject in subjects}
