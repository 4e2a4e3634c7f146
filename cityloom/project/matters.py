"""What the city has to do with people for: its incidents and its cases, each with whom it is given to."""

from __future__ import annotations

from cityloom.cases import queries as cases
from cityloom.emergency import queries as emergency


def known(names: set[str]) -> dict[str, frozenset[str] | None]:
    """Those of these matters that there are; None where one is for whomever its commander or its unit names."""
    return emergency.known_matters(names) | cases.known_matters(names)
