"""Who does something."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """An account that acts, its unit and its roles; `account` is an id, never a name."""

    account: str
    unit: str = ""
    roles: frozenset[str] = frozenset()

    def has(self, role: str) -> bool:
        """Whether the actor holds a role."""
        return role in self.roles


SYSTEM = Actor(account="system", unit="city", roles=frozenset({"system"}))
"""The city itself: handlers and jobs that nobody pressed a button for."""
