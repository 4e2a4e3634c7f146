"""The rows of a step for a page: sorted, with the cell that somebody looks for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from cityloom.insight.domain.study.study import Step
from cityloom.insight.domain.study.tables import Table
from cityloom.insight.studying.folders import plain
from cityloom.insight.telling import parts, words
from cityloom.kernel.refused import Refused

_LONGEST = 400


def sorted_places(table: Table, sort: str) -> list[int]:
    """The places of all rows, sorted by a column (- before it: the largest first) where there is such a one."""
    return parts.chosen(table, {}, sort if sort.removeprefix("-") in table.columns else "")


def sought(table: Table, row: Sequence[str]) -> int | None:
    """The place of the row that is named so; None where nobody looks for one, or there is none."""
    try:
        return table.row_of(row) if row else None
    except Refused:
        return None


def shown(table: Table, places: Sequence[int], here: int | None, column: str, sort: str) -> dict[str, Any]:
    """Rows for a template, their numbers with all digits."""
    heads = [{"name": name, "is_number": table[name].dtype != object, "is_sorted": sort.removeprefix("-") == name,
              "sort": f"-{name}" if sort == name else name, "is_down": sort == f"-{name}"}
             for name in table.columns]  # fmt: skip
    rows = [[{"text": _text(table[name][at]), "is_number": table[name].dtype != object,
              "is_here": at == here and name == column} for name in table.columns] for at in places]  # fmt: skip
    return {"heads": heads, "rows": rows}


def given(step: Step) -> list[tuple[str, str]]:
    """What a step was given."""
    return pairs(step.given)


def pairs(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names with their values in a line."""
    return [(name, json.dumps(plain(value), ensure_ascii=False)[:_LONGEST]) for name, value in values.items()]


def _text(value: object) -> str:
    if isinstance(value, str):
        return value or _(words.UNKNOWN)
    if isinstance(value, (float, np.floating)):
        return repr(float(value)) if np.isfinite(value) else _(words.UNKNOWN)
    return str(value)
