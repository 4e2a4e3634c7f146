"""Whom the demo identity provider lets one be: made-up residents, first those whom a drill has helped."""

from __future__ import annotations

from cityloom.fieldwork import queries as fieldwork
from cityloom.registers import queries as registers

_HELPED = 12
_OTHERS = 4


def residents() -> list[tuple[str, str]]:
    """A label and a national id for each, by the city's seed; nobody is opened for it."""
    helped = registers.made_up_identities(fieldwork.people_helped_last(_HELPED))
    others = registers.made_up_identities([slot << 32 for slot in range(_OTHERS)])
    known = {number for _, number in helped}
    shown = [*((f"{name} (helped in a drill)", number) for name, number in helped)]
    return shown + [(name, number) for name, number in others if number not in known]
