"""Cases drawn as a table, for the formulas of figures."""

from __future__ import annotations

import numpy as np

from cityloom.cases.domain.figures import formulas, repeats
from cityloom.cases.domain.figures.columns import NEVER, Cases

DAY = 86_400
NOW = 400 * DAY
_MARKS = ("exercise", "made_up", "joined", "withdrawn", "reopened", "solved", "asked", "first", "in_time", "late",
          "main", "main_late")  # fmt: skip
_NAMES = {
    "exercise": "is_exercise", "made_up": "is_made_up", "joined": "is_joined", "withdrawn": "is_withdrawn",
    "reopened": "is_reopened", "solved": "is_solved", "asked": "is_asked", "first": "has_first",
    "in_time": "first_in_time", "late": "first_late", "main": "has_main", "main_late": "main_late",
}  # fmt: skip


def one(
    words: str = "", *, opened: int = 0, done: int = NEVER, cell: int = 1, verdict: int = 0, satisfaction: float = 0,
    category: int = 0, unit: int = 0,
) -> dict[str, object]:  # fmt: skip
    """A case: what is true of it in words, and on which days it was opened and done."""
    return {"marks": words.split(), "opened": opened * DAY, "done": done * DAY if done >= 0 else NEVER, "cell": cell,
            "verdict": verdict, "satisfaction": satisfaction, "category": category, "unit": unit}  # fmt: skip


def drawn(rows: list[dict[str, object]]) -> Cases:
    """Rows as columns."""
    def column(name: str, kind: type = np.int64) -> np.ndarray:
        return np.array([row[name] for row in rows], kind)

    marks = {_NAMES[name]: np.array([name in row["marks"] for row in rows], bool) for name in _MARKS}
    nothing = np.zeros(len(rows), np.int64)
    found = Cases(
        number=np.arange(1, len(rows) + 1), opened=column("opened"), done=column("done"), cell=column("cell"),
        verdict=column("verdict"), satisfaction=column("satisfaction", float), is_open=column("done") == NEVER,
        came_again=nothing.astype(bool), **marks,
        codes={"unit": column("unit"), "category": column("category"), "month": nothing, "origin": nothing},
        names={"unit": ["a", "b"], "category": ["lamp", "hole"], "month": ["2026-01"], "origin": ["web"]},
    )  # fmt: skip
    again = repeats.came_again(found, formulas.is_real(found))
    return Cases(**{**{name: getattr(found, name) for name in found.__dataclass_fields__}, "came_again": again})
