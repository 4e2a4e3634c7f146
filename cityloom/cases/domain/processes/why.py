"""Why something is held, kept so that each reader is told in their own language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cityloom.kernel.refused import InLanguages, Refused

DEFECT = {"code": "defect", "template": "This failed by a defect of the program; the worker's log says what it was."}
_LONGEST = 300


def kept(refusal: Refused) -> dict[str, Any]:
    """A refusal as it is kept."""
    return {"code": refusal.code, "template": refusal.template, "value": _kept(refusal.value),
            "limit": _kept(refusal.limit)}  # fmt: skip


def said(why: Mapping[str, Any]) -> Refused | None:
    """The refusal again; None for none."""
    if not why:
        return None
    return Refused(why["code"], why["template"], value=_said(why.get("value")), limit=_said(why.get("limit")))


def _kept(value: object) -> Any:
    if isinstance(value, InLanguages):
        return dict(value.by_language)
    return value if value is None or isinstance(value, (int, float, bool)) else str(value)[:_LONGEST]


def _said(value: Any) -> object:
    return InLanguages(value) if isinstance(value, dict) else value
