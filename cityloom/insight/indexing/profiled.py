"""One unit of an index: how it stands in its group, strong and weak points, every number down to the raw cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cityloom.insight.domain.robustness import ranking
from cityloom.insight.domain.robustness.tree import Floats, Ints
from cityloom.insight.domain.study.blocks import Shown
from cityloom.insight.domain.study.study import Cell
from cityloom.insight.indexing.looking import Address, Look, column_of, title_of
from cityloom.insight.telling import words

MOST = 5
STAGES = ("raw", "denominated", "filled", "treated", "normalised")
_FEWEST = 3


def groups(look: Look, place: int) -> list[tuple[str, str, str]]:
    """The groups that a unit may be held against: column, its title, the unit's own group."""
    titles = {str(one["code"]): title_of(one["title"]) if "title" in one else str(one["code"])
              for one in look.base.framework.groups}  # fmt: skip
    found = []
    for name, values in look.base.index.data.groups.items():
        own = [values[row] for row in look.base.rows]
        if own[place] and own.count(own[place]) >= _FEWEST:
            found.append((name, titles.get(name, name), own[place]))
    return found


def peers(look: Look, place: int, group: str) -> Ints:
    """The units of the same group, the unit among them; all where no group is named."""
    values = look.base.index.data.groups.get(group)
    if values is None:
        return np.arange(len(look.names))
    own = [values[row] for row in look.base.rows]
    return np.flatnonzero([one == own[place] for one in own])


def profile(look: Look, place: int, group: str, address: Address) -> dict[str, Any]:
    """What is shown of a unit."""
    among = peers(look, place, group)
    middle, ranks, known = _standing(look.base.items[among], int(np.flatnonzero(among == place)[0]))
    apart = (look.base.items[place] - middle) * look.base.tree.effective
    size = look.base.tree.indicators
    strong = [int(at) for at in np.argsort(-np.nan_to_num(apart[:size]), kind="stable")[:MOST] if apart[at] > 0]
    weak = [int(at) for at in np.argsort(np.nan_to_num(apart[:size]), kind="stable")[:MOST] if apart[at] < 0]
    items = [_item(look, place, at, float(middle[at]), int(ranks[at]), int(known[at]), address)
             for at in range(look.base.tree.items)]  # fmt: skip
    return {
        "name": look.names[place], "unit": look.base.units[place], "rank": int(look.ranks[place]),
        "units": len(look.names), "score": items[-1], "peers": len(among), "sure": _sure(look, place),
        "strong": [items[at] for at in strong], "weak": [items[at] for at in weak], "parts": _nested(look, items),
        "stages": _stages(look),
        "cells": [_row(look, place, at, items[at], address) for at in range(size)],
    }  # fmt: skip


def _standing(values: Floats, own: int) -> tuple[Floats, Ints, Ints]:
    """Of each item the group's median, the unit's rank in it and how many are known."""
    known = np.isfinite(values).sum(0)
    with np.errstate(all="ignore"):
        middle = np.array([np.median(column[np.isfinite(column)]) if np.isfinite(column).any() else np.nan
                           for column in values.T])  # fmt: skip
    return middle, ranking.ranks_of(values.T)[:, own].astype(np.int64), known


def _item(look: Look, place: int, at: int, middle: float, rank: int, known: int, address: Address) -> dict[str, Any]:
    code, value = look.base.codes[at], float(look.base.items[place, at])
    step = "normalised" if at < look.base.tree.indicators else "scores"
    how = Shown("", "", places=1)
    return {
        "code": code, "title": look.titles[at], "text": words.said(value, how), "middle": words.said(middle, how),
        "rank": rank if np.isfinite(value) else None, "of": known, "url": address(Cell(step, look.row(place), code)),
        "share": words.said(float(look.base.tree.effective[at]), Shown("", "", "percent", 1)),
        "better": bool(np.isfinite(value) and value >= middle), "known": bool(np.isfinite(value)),
    }  # fmt: skip


def _nested(look: Look, items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The index with its parts in it."""
    def of(at: int) -> dict[str, Any]:
        size = look.base.tree.indicators
        below = look.base.tree.children[at - size] if at >= size else ()
        return {**items[at], "parts": [of(int(one)) for one in below]}

    return of(look.base.tree.items - 1)


def _stages(look: Look) -> list[str]:
    return [one for one in STAGES if look.has(one)]


def _row(look: Look, place: int, at: int, item: dict[str, Any], address: Address) -> dict[str, Any]:
    """An indicator with its value in each stage, each with its cell."""
    code, row = look.base.codes[at], look.row(place)
    own = look.base.framework.by_code[code]
    cells = []
    for stage in _stages(look):
        value = float(column_of(look, stage, code)[place])
        cells.append({"text": _digits(value), "url": address(Cell(stage, row, code))})
    marks = [mark for mark, is_so in (("imputed", look.base.index.imputed[look.base.rows[place], at]),
             ("treated", look.base.index.treatments[at].changed[look.base.rows[place]])) if is_so]  # fmt: skip
    return {**item, "cells": cells, "unit": own.unit, "down": own.direction < 0, "marks": marks}


def _digits(value: float) -> str:
    """A value with three digits or so; small ones are not nothing."""
    if not np.isfinite(value) or value == 0 or abs(value) >= 0.1:
        return words.roughly(value)
    return words.said(value, Shown("", "", places=min(int(3 - np.ceil(np.log10(abs(value)))), 12)))


def _sure(look: Look, place: int) -> dict[str, int] | None:
    if look.sure is None:
        return None
    return {"low": int(look.sure.low[place]), "high": int(look.sure.high[place]),
            "first": int(look.sure.first[place]), "last": int(look.sure.last[place])}  # fmt: skip
