"""The report of an index on paper: the ranking with its intervals, the recipe, the weights, what to know."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, override

from cityloom.insight.domain.study.blocks import Shown, TableOf
from cityloom.insight.domain.study.study import Step
from cityloom.insight.domain.study.tables import table
from cityloom.insight.indexing import ranked, recipe
from cityloom.insight.indexing.looking import Look
from cityloom.insight.telling import page, paper

_MOST = 120


def sheet(look: Look, language: str, synthetic: str = "") -> dict[str, Any]:
    """A report as it is set, in a language."""
    with override(language):
        marks = paper.Marks()
        study, told = ranked.told(look)
        study = type(study)(study.kind, study.question, study.inputs, (*study.steps, _list(look)))
        ranking = TableOf(gettext_noop("Ranking"), "list", _columns(look), "rank", _MOST)
        *drawn, listed, weights = [paper.part(one, marks) for one in page.blocks(study, [*told, ranking, _WEIGHTS])]
        said = [one for one in drawn if one["form"] == "sentence"]
        notes = [paper.part(one, marks) | {"form": "item"} for one in page.notes_of(look.study)]
        steps = [_item(f"{one['said']} ({one['name']}, SHA-256 {one['digest'][:16]})") for one in recipe.told(look)]
        sections = [
            (_("Answer"), said),
            (_("Ranking"), [listed, _sentence(ranked.how_sure(look)), *(one for one in drawn if one not in said)]),
            (_("Recipe"), steps),
            (_("Structure and weights"), [weights]),
            (_("What to know"), notes),
            (_("Where each number is from (step, row, column)"), marks.told()),
        ]
        return {
            "lang": language[:2], "kind": _("Report of an index"), "title": look.title, "synthetic": synthetic,
            "footer": _("Study {digest}").format(digest=look.study.digest()[:16]),
            "sections": [{"title": title, "parts": found} for title, found in sections if found],
        }  # fmt: skip


_WEIGHTS = TableOf(gettext_noop("Weights"), "weights", (
    Shown("item", gettext_noop("Item"), "word"), Shown("title", gettext_noop("Title"), "word"),
    Shown("parent", gettext_noop("Below"), "word"),
    Shown("weight", gettext_noop("Weight among its siblings"), "percent", 1),
    Shown("share", gettext_noop("Share in the index"), "percent", 2)), most=300)  # fmt: skip


def _columns(look: Look) -> tuple[Shown, ...]:
    found = [Shown("rank", gettext_noop("Rank"), "whole"), Shown("name", gettext_noop("Unit"), "word"),
             Shown("score", gettext_noop("Score"), places=2)]  # fmt: skip
    if look.sure:
        found += [Shown("low", gettext_noop("5 %"), "whole"), Shown("high", gettext_noop("95 %"), "whole"),
                  Shown("first", gettext_noop("Not told apart from place"), "whole"),
                  Shown("last", gettext_noop("to place"), "whole")]  # fmt: skip
    return tuple(found)


def _list(look: Look) -> Step:
    sure = look.sure
    more = {} if sure is None else {"low": sure.low, "high": sure.high, "first": sure.first, "last": sure.last}
    return Step("list", table("unit", unit=look.base.units, name=look.names, rank=look.ranks,
                              score=look.base.items[:, -1], **more))  # fmt: skip


def _sentence(text: str) -> dict[str, Any]:
    return {"form": "sentence", "look": "", "pieces": [{"text": text}]}


def _item(text: str) -> dict[str, Any]:
    return {"form": "item", "pieces": [{"text": text}]}
