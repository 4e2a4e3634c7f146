"""What a study tells as the parts of a page; each number leads to its cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import shapely
from django.utils.safestring import SafeString, mark_safe

from cityloom.insight.domain.study.blocks import Block
from cityloom.insight.domain.study.study import Cell, Study
from cityloom.insight.studies import kinds
from cityloom.insight.telling import charts, maps, parts, words
from cityloom.insight.telling.parts import Drawing, Figure, Part, Rows, Sentence, Spots, Title

Address = Callable[[Cell], str]
"""Where a cell is looked at; "" for nowhere."""
_LOOKS = {"doubt": "warning", "wrong": "error", "answer": "answer"}


def nowhere(_cell: Cell) -> str:
    """Numbers lead nowhere."""
    return ""


def shown(study: Study, address: Address = nowhere, outlines: Mapping[str, shapely.Geometry] = {}) -> dict[str, Any]:
    """The answer first, then what a kind tells in its order, then what to know."""
    kind = kinds.kind(study.kind)
    told = parts.told(study, kind)
    answers, rest = _parted(told)
    found = next((one for one in rest if isinstance(one, Rows) and one.step == kind.options), None)
    rest = [one for one in rest if one is not found]
    found = found or parts.options(study, kind)
    return {
        "title": words.known(kind.title), "about": words.known(kind.about),
        "answers": [_part(one, address, outlines) for one in answers],
        "blocks": [_part(one, address, outlines) for one in rest],
        "notes": [_part(one, address, outlines) for one in parts.notes(study, kind)],
        "options": _part(found, address, outlines) if found else None,
    }  # fmt: skip


def blocks(study: Study, told: Sequence[Block], address: Address = nowhere,
           outlines: Mapping[str, shapely.Geometry] = {}) -> list[dict[str, Any]]:  # fmt: skip
    """Blocks that a page of its own tells of a study, as parts of a page."""
    return [_part(one, address, outlines) for one in parts.of_blocks(study, told)]


def notes_of(study: Study) -> list[dict[str, Any]]:
    """What whoever reads the figures of a study has to know, as parts of a page."""
    return [_part(one, nowhere, {}) for one in parts.notes(study, kinds.kind(study.kind))]


def _parted(told: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    """The answer, which is all sentences that stand first, and the rest in its order."""
    end = next((at for at, one in enumerate(told) if not isinstance(one, Sentence)), len(told))
    if any(isinstance(one, Sentence) and one.weight == "answer" for one in told[:end]):
        return list(told[:end]), list(told[end:])
    is_answer = [isinstance(one, Sentence) and one.weight == "answer" for one in told]
    return ([one for one, is_it in zip(told, is_answer, strict=True) if is_it],
            [one for one, is_it in zip(told, is_answer, strict=True) if not is_it])  # fmt: skip


def part(one: Part, address: Address = nowhere) -> dict[str, Any]:
    """A part by itself, as a page has it."""
    return _part(one, address, {})


def areas_of(study: Study) -> set[str]:
    """The codes of units that its maps show."""
    told = parts.told(study, kinds.kind(study.kind))
    return {code for one in told if isinstance(one, Spots) for code in one.areas}


def _part(one: Part, address: Address, outlines: Mapping[str, shapely.Geometry]) -> dict[str, Any]:
    if isinstance(one, Title):
        return {"form": "title", "text": one.text}
    if isinstance(one, Sentence):
        pieces = [_figure(each, address) if isinstance(each, Figure) else {"text": each} for each in one.pieces]
        return {"form": "sentence", "pieces": pieces, "look": _LOOKS.get(one.weight, "")}
    if isinstance(one, Rows):
        return {"form": "rows", "rows": rows(one, address)}
    if isinstance(one, Drawing):
        return {"form": "chart", "drawn": one, "title": one.title, "is_empty": one.is_empty,
                "rows": rows(one.behind, address), "left_out": one.lines_left_out,
                "legend": [(_safe(sign), label) for sign, label in charts.legend(one)],
                "pictures": [
                    (name, _safe(charts.draw(one, width=width)))
                    for name, width in (("slim", charts.NARROW), ("broad", charts.WIDE))]}  # fmt: skip
    return {"form": "map", "drawn": one, "outlines": outlines, "title": one.title,
            "picture": _safe(maps.draw(one, outlines)),
            "legend": maps.legend(one), "rows": rows(one.behind, address)}  # fmt: skip


def rows(one: Rows, address: Address) -> dict[str, Any]:
    """A table for a template; the first cell of a row is its head."""
    heads = [{"text": text, "is_number": number} for text, number in zip(one.heads, one.numbers, strict=True)]
    return {
        "title": one.title, "heads": heads, "left_out": one.left_out, "step": one.step,
        "rows": [[_figure(each, address) | {"is_number": number}
                  for each, number in zip(row, one.numbers, strict=True)] for row in one.rows],
    }  # fmt: skip


def _figure(one: Figure, address: Address) -> dict[str, Any]:
    return {"text": one.text, "url": address(one.cell) if one.cell else "", "figure": one}


def _safe(drawn: str) -> SafeString:
    return mark_safe(drawn)  # noqa: S308 - drawn, and escaped, by ourselves
