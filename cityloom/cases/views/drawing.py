"""A process as a picture in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from cityloom.cases.display import said
from cityloom.cases.domain.processes import drawing
from cityloom.cases.domain.processes.process import PERSONAL, Flow, Node, Process
from cityloom.kernel.refused import Refused
from cityloom.ui.middleware import status_of

_NOT_YOURS = ("cases.may_not_publish", "cases.no_role", "cases.task_given", "cases.not_asked")


def picture(process: Process, looks: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What the template draws; `looks` says of elements that a run has been there, stands there or is held there."""
    whole = drawing.picture_of(process)
    nodes = [{"one": drawn, "lines": drawn.lines(_name(drawn)), "look": (looks or {}).get(drawn.node.id, "")}
             for drawn in whole.nodes]  # fmt: skip
    lines = [{"one": line, "label": _label(line.flow)} for line in whole.lines]
    return {"whole": whole, "nodes": nodes, "lines": lines, "words": _("The process, drawn")}


def _name(drawn: drawing.Drawn) -> str:
    """Its name; a task without one is called by its id, an event and a gateway by nothing."""
    return said(drawn.node.title) if drawn.node.name or drawn.shape == "box" else ""


def _label(flow: Flow) -> str:
    return said({"en": flow.name, "zh-hans": flow.chinese or flow.name})


def status(refusal: Refused) -> int:
    """422 for what was sent and does not fit, 403 for what is not for the reader; otherwise what the refusal is."""
    if refusal.code == "cases.no_unit":
        return 422
    if refusal.code in _NOT_YOURS:
        return 403
    found = status_of(refusal)
    return 422 if found == 409 and refusal.code not in ("cases.process_moved_on", "cases.changed") else found


def tasks(process: Process) -> list[dict[str, Any]]:
    """What it waits for, and of whom or what."""
    return [{"one": node, "title": said(node.title), "outcomes": [said(each.title) for each in node.form.outcomes],
             "of": " ".join(filter(None, (node.lane, node.does, node.calls, node.message)))}
            for node in process.nodes.values() if _waits(node)]  # fmt: skip


def _waits(node: Node) -> bool:
    return bool(node.lane or node.does or node.calls or node.message or node.timer) or node.kind in PERSONAL
