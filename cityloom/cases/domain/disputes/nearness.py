"""Who stands too near to a dispute to mediate in it; the reason stays inside, so that nobody learns who a party is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cityloom.cases.domain.casetypes.table import within
from cityloom.kernel.refused import Refused

INTEREST, HANDLED, OF_PARTY = "interest", "handled", "of-party"


@dataclass(frozen=True)
class Ties:
    """What ties an account to a dispute: what it declared, cases it worked on, units that are a party."""

    has_declared: bool = False
    has_worked_on_source: bool = False
    unit: str = ""
    party_units: Collection[str] = ()


def reasons(ties: Ties) -> list[str]:
    """Why somebody cannot be named; none where nothing is known against it."""
    found = [INTEREST] if ties.has_declared else []
    found += [HANDLED] if ties.has_worked_on_source else []
    of_party = any(within(ties.unit, unit) for unit in ties.party_units)
    return found + ([OF_PARTY] if of_party else [])


def check_is_far(ties: Ties) -> None:
    """Raises: Refused `cases.too_near`, with one sentence whatever the reason is."""
    if reasons(ties):
        raise too_near()


def too_near() -> Refused:
    """The refusal; it says what to do, and not which of the reasons it is."""
    return Refused("cases.too_near", "This account cannot mediate here: it stands too near to the matter. Name "
                   "somebody else; where nobody of the unit is left, name somebody of another one.")  # fmt: skip
