"""What a study tells on paper: the same parts with marks behind numbers, which say at the end where each is from."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any

from django.utils.translation import gettext as _

from cityloom.insight.domain.study.study import Cell
from cityloom.insight.telling import charts, maps
from cityloom.insight.telling.parts import Figure
from cityloom.ui import typeset

MOST_COLUMNS = 8
_SIGN = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 12" width="{width}" height="12">'
         "<style>{sheet}</style>{sign}</svg>")


class Marks:
    """The marks behind numbers: one for each cell, in the order in which they come."""

    def __init__(self) -> None:
        self.of: dict[Cell, int] = {}

    def mark(self, cell: Cell | None) -> str:
        """The mark of a cell; "" for what is no number of a step."""
        return str(self.of.setdefault(cell, len(self.of) + 1)) if cell else ""

    def told(self) -> list[dict[str, Any]]:
        """Where each marked number is from."""
        return [{"form": "mark", "mark": str(at), "text": f"{cell.step} · {' / '.join(cell.row)} · {cell.column}"}
                for cell, at in self.of.items()]  # fmt: skip


def pdf(sheet: Mapping[str, Any]) -> bytes:
    """A sheet set by typst; it has lang, kind, title, synthetic, footer, and sections with a title and parts."""
    return typeset.pdf(template(), sheet)


def template() -> bytes:
    """How a memo is set."""
    return (resources.files("cityloom.insight") / "memo.typ").read_bytes()


def part(one: Mapping[str, Any], marks: Marks) -> dict[str, Any]:
    """A part of a page as a part of the paper."""
    if one["form"] == "title":
        return {"form": "title", "text": one["text"]}
    if one["form"] == "sentence":
        return {"form": "sentence", "look": one["look"], "pieces": [_piece(each, marks) for each in one["pieces"]]}
    if one["form"] == "rows":
        return rows(one["rows"])
    return _picture(one)


def rows(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table; whoever wants a cell finds it in the step by its row and column."""
    heads = table["heads"][:MOST_COLUMNS]
    found = [[cell["text"] for cell in row[:MOST_COLUMNS]] for row in table["rows"]]
    figures = [cell["figure"] for row in table["rows"][:1] for cell in row[:MOST_COLUMNS]]
    columns = [one.cell.column for one in figures if isinstance(one, Figure) and one.cell]
    note = _("Step {step}; columns {columns}.").format(step=table["step"], columns=", ".join(columns))
    if table["left_out"]:
        note += " " + _("More rows, left out here: {count}.").format(count=table["left_out"])
    return {"form": "rows", "title": table["title"], "heads": heads, "rows": found, "note": note}


def _piece(one: Mapping[str, Any], marks: Marks) -> dict[str, str]:
    figure = one.get("figure")
    return {"text": one["text"], "mark": marks.mark(figure.cell) if figure else ""}


def _picture(one: Mapping[str, Any]) -> dict[str, Any]:
    """A chart or a map; on paper it has no table behind it, but the name of its step."""
    note = _("Step {step}.").format(step=one["rows"]["step"])
    if one["form"] == "chart":
        svg = "" if one["is_empty"] else charts.draw(one["drawn"], paper=True)
        signs = [{"sign": _sign(sign, 28), "text": text} for sign, text in one["legend"]]
    else:
        svg = maps.draw(one["drawn"], one["outlines"], paper=True)
        signs = [{"sign": _sign(f'<rect class="{kind}" width="12" height="12"/>', 12), "text": text}
                 for kind, text in one["legend"]]  # fmt: skip
    if not svg:
        return {"form": "title", "text": f"{one['title']}: {_('There is nothing to draw yet.')}"}
    return {"form": "picture", "title": one["title"], "svg": svg, "legend": signs, "note": note}


def _sign(drawn: str, width: int) -> str:
    return _SIGN.format(width=width, sheet=charts.PAPER, sign=drawn)
