"""What is wrong with a BPMN file: the element by its name, id and line, and what to do."""

from __future__ import annotations

from typing import Any

from cityloom.cases.domain import xmltext
from cityloom.kernel.refused import Detail, Refused

_HINTS = {
    "scriptTask": Detail("scripts are not run; let a service task ask for a step of the case"),
    "subProcess": Detail("put it into a process of its own and call it"),
    "businessRuleTask": Detail("name the table in the case's type, and let a service task decide"),
}


def unsupported(element: Any, within: Any = None) -> Refused:
    """Something that stands in a file, and that the city does not run."""
    name = xmltext.name_of(element)[0]
    shown = xmltext.shown(element) if within is None else f"{xmltext.shown(element)} < {xmltext.shown(within)}"
    hint = _HINTS.get(name, Detail("take it away, or draw it with what is supported"))
    return Refused("cases.process_unsupported", "{value} cannot be run here: {limit}.", value=shown, limit=hint)


def wrong(element: Any, words: Detail) -> Refused:
    """Something that could not be run as it is written."""
    return Refused("cases.process_wrong", "{value}: {limit}.", value=xmltext.shown(element), limit=words)
