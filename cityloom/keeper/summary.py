"""What was opened, counted: purposes, bases, units and roles, never a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from cityloom.keeper.protocol import Summary


class _Entry(msgspec.Struct):
    kind: str
    at: str
    purpose: str
    basis: str
    article: str
    unit: str
    role: str
    drill_at: str = ""

    @property
    def happened_at(self) -> str:
        """When it was, on the drill's own clock in a drill: there the computer's says nothing about the order."""
        return self.drill_at or self.at


@dataclass
class _Tally:
    people: int
    first_at: str
    last_at: str


_decoder = msgspec.json.Decoder(_Entry)


def of(read: Callable[..., list[tuple]], incident_id: str, exercise_id: str) -> list[Summary]:
    """Openings and namings of an incident or an exercise, one row for each purpose, unit and role."""
    column, value = ("exercise_id", exercise_id) if exercise_id else ("incident_id", incident_id)
    rows = read(
        f"SELECT count, facts FROM leaves WHERE {column} = ? AND kind IN ('opened', 'listed') ORDER BY first",  # noqa: S608
        (value,),
    )
    tallies: dict[tuple[str, ...], _Tally] = {}
    for people, facts in rows if value else ():
        entry = _decoder.decode(facts)
        key = (entry.kind, entry.purpose, entry.basis, entry.article, entry.unit, entry.role)
        tally = tallies.setdefault(key, _Tally(0, entry.happened_at, entry.happened_at))
        tally.people += people
        tally.last_at = entry.happened_at
    return [Summary(*key, tally.people, tally.first_at, tally.last_at) for key, tally in tallies.items()]
