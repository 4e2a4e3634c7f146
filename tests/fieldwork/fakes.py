"""A gate in memory: who was granted what, and what was opened by whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cityloom.gate.actions import GrantOrder, Opening, People
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused


@dataclass
class Grant:
    holder: str
    subjects: frozenset[int]
    until: datetime
    zone_digest: str = ""
    live: bool = True


@dataclass
class FakeGate:
    """Opens only what a live grant names, for its holder; the signatures are those of `gate.actions`."""

    grants: dict[str, Grant] = field(default_factory=dict)
    opened: list[tuple[str, int]] = field(default_factory=list)
    down_for: set[str] = field(default_factory=set)

    def grant_all(self, *, by: Actor, at: datetime, orders: Sequence[GrantOrder]) -> None:
        for order in orders:
            self.grants.setdefault(
                order.grant_id, Grant(order.holder, frozenset(order.subjects), order.until, order.zone_digest)
            )

    def revoke_these(self, *, by: Actor, at: datetime, grant_ids: Sequence[str]) -> None:
        for name in grant_ids:
            self.grants[name].live = False

    def grants_for_zone(self, incident_id: str, zone_digest: str) -> set[str]:
        return {name for name, grant in self.grants.items() if grant.zone_digest == zone_digest}

    def revoke_all(
        self, *, by: Actor, at: datetime, incident_id: str, exercise_id: str = "", but_zone_digest: str = ""
    ) -> int:
        ending = [grant for grant in self.grants.values() if grant.live and grant.zone_digest != but_zone_digest]
        for grant in ending:
            grant.live = False
        return len(ending)

    def open_all(self, *, at: datetime, openings: Sequence[Opening]) -> list[People | Refused]:
        return [self._open(opening, at) for opening in openings]

    def _open(self, opening: Opening, at: datetime) -> People | Refused:
        grant, by = self.grants[opening.grant_id], opening.by.account
        if by in self.down_for:
            return Refused("gate.keeper_down", "The keeper does not answer.")
        if not grant.live or at >= grant.until or grant.holder != by or not grant.subjects.issuperset(opening.subjects):
            return Refused("gate.not_granted", "No live grant names these people for you.")
        self.opened += [(by, subject) for subject in opening.subjects]
        return {subject: {name: f"{name} of {subject}" for name in opening.fields} for subject in opening.subjects}
