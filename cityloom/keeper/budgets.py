"""How many different people were opened today: for a purpose, by one person, through one calling system."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Scope:
    """One account that an opening is booked to, and how many different people it may reach in a day."""

    kind: str
    key: tuple[str, ...]
    limit: int


@dataclass(frozen=True)
class Overdrawn:
    """The scope that has not enough left, and how many people it would then have reached."""

    scope: Scope
    would_be: int


class Budgets:
    """Counts distinct people, not openings: the same person twice in a day costs once. Safe in many threads."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._spent: dict[tuple[str, tuple[str, ...]], set[bytes]] = defaultdict(set)
        self._lock = threading.Lock()

    def spend(self, day: date, scopes: Sequence[Scope], people: Iterable[bytes]) -> Overdrawn | None:
        """Book people to every scope, or to none where one has not enough left; then that one is returned.

        What was booked stays booked even where the opening then fails: a budget errs on the safe side.
        """
        wanted = set(people)
        with self._lock:
            if day != self._day:
                self._day = day
                self._spent.clear()
            for scope in scopes:
                known = self._spent[scope.kind, scope.key]
                reached = len(known) + sum(person not in known for person in wanted)
                if reached > scope.limit:
                    return Overdrawn(scope, reached)
            for scope in scopes:
                self._spent[scope.kind, scope.key] |= wanted
        return None

    def spent(self, day: date, kind: str, key: tuple[str, ...]) -> int:
        """How many different people a scope has reached that day."""
        with self._lock:
            return len(self._spent[kind, key]) if day == self._day else 0

    def recall(self, day: date, kind: str, key: tuple[str, ...], people: Iterable[bytes]) -> None:
        """Book what the log says was opened before this process started."""
        with self._lock:
            self._day = self._day or day
            if day == self._day:
                self._spent[kind, key].update(people)
