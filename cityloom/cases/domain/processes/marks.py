"""The small signs of BPMN by which kinds of elements are told apart, as SVG paths."""

from __future__ import annotations

from cityloom.cases.domain.processes import process as model
from cityloom.cases.domain.processes.process import Node

_PERSON = "m4 10v-2q0-4 4-4t4 4v2zm4-6a2.4 2.4 0 1 0-.1 0z"
_WHEEL = "m8 1v3m0 8v3m-7-7h3m8 0h3m-12-5l2 2m6 6l2 2m0-10l-2 2m-6 6l-2 2m5-8a3 3 0 1 0 .1 0z"
_LETTER = "m1 3h14v10h-14zl7 6 7-6"
_PAGE = "m3 1h10v14h-10zm2 4h6m-6 3h6m-6 3h6"
_CLOCK = "m0-9v1.6m9 7.4h-1.6m-7.4 9v-1.6m-9-7.4h1.6m7.4-6v6l4 2"
_IN_BOXES = {model.USER: _PERSON, model.MANUAL: _PERSON, model.SERVICE: _WHEEL, model.RECEIVE: _LETTER,
             "sendTask": _LETTER, "scriptTask": _PAGE, "businessRuleTask": _PAGE}  # fmt: skip


def marks_of(node: Node, x: float, y: float, width: float, height: float) -> str:
    """The signs of a node that is drawn in a box."""
    middle_x, middle_y = x + width / 2, y + height / 2
    if node.kind.endswith("Gateway"):
        return _in_diamond(node.kind, middle_x, middle_y, min(width, height) / 50)
    if node.kind.endswith("Event"):
        return _in_circle(node, middle_x, middle_y)
    sign = f"M{x + 4:g} {y + 4:g}{_IN_BOXES[node.kind]}" if node.kind in _IN_BOXES and height > 50 else ""
    if node.loop:
        sign += "".join(f"M{middle_x + across:g} {y + height - 14:g}v10" for across in (-4, 0, 4))
    if node.kind in (model.CALL, "subProcess"):
        sign += f"M{middle_x - 6:g} {y + height - 14:g}h12v12h-12zm6 2v8m-4-4h8"
    return sign


def _in_diamond(kind: str, x: float, y: float, size: float) -> str:
    reach = 8 * size
    if kind == model.EXCLUSIVE:
        return f"M{x - reach:g} {y - reach:g}l{2 * reach:g} {2 * reach:g}m0 {-2 * reach:g}l{-2 * reach:g} {2 * reach:g}"
    if kind == model.PARALLEL:
        return f"M{x:g} {y - reach - 2:g}v{2 * reach + 4:g}M{x - reach - 2:g} {y:g}h{2 * reach + 4:g}"
    if kind == model.BY_EVENT:
        side, foot = reach * 0.4, reach * 1.2
        return f"M{x:g} {y - reach:g}l{reach:g} {reach * 0.75:g}l{-side:g} {reach:g}h{-foot:g}l{-side:g} {-reach:g}z"
    return f"M{x - reach:g} {y:g}a{reach:g} {reach:g} 0 1 0 {2 * reach:g} 0a{reach:g} {reach:g} 0 1 0 {-2 * reach:g} 0"


def _in_circle(node: Node, x: float, y: float) -> str:
    if node.timer is not None:
        return f"M{x:g} {y:g}{_CLOCK}"
    if node.message:
        return f"M{x - 8:g} {y - 8:g}{_LETTER}"
    if node.terminates:
        return f"M{x - 6:g} {y:g}a6 6 0 1 0 12 0a6 6 0 1 0 -12 0m3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0"
    return ""
