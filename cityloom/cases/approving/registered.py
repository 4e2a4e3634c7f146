"""What registers that are in clear say of an application: nobody is asked twice for what the city publishes itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cityloom.cases.domain.approvals.prefill import ORGANISATION, wish_of
from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.working.opening import Asked
from cityloom.registers import queries as registers


def known(casetype: CaseType, category: str, given: Mapping[str, Any]) -> dict[str, bool]:
    """The answers of clear registers to fields that they fill in; nothing where nobody named what to look up."""
    found = {}
    for each in casetype.fields_for(category):
        wish = wish_of(each)
        if wish is not None and wish.source == ORGANISATION and str(given.get(wish.argument) or "").strip():
            found[each.name] = is_registered(str(given[wish.argument]))
    return found


def corrected(casetype: CaseType, asked: Asked) -> dict[str, Any]:
    """The answers of an application with those of clear registers in the place of what was typed."""
    return dict(asked.answers) | known(casetype, asked.category, asked.answers)


def is_registered(code: str) -> bool:
    """Whether the register of organisations knows this code."""
    wanted = code.strip().upper()
    return any(key == wanted for key, _, _ in registers.organisations_called(wanted, 1))
