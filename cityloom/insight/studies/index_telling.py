"""What an index tells: who leads and who trails, the ranking with its parts, where, and what was done to the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.utils.translation import get_language
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.indicators.framework import Framework
from cityloom.insight.domain.study.blocks import Block, ChartOf, Heading, MapOf, Number, Says, Shown, TableOf
from cityloom.insight.domain.study.study import Cell, Study
from cityloom.insight.domain.study.tables import Table
from cityloom.insight.studies.index_question import framework_of
from cityloom.insight.studies.index_steps import parts_of

_MOST = 200
_TITLES = {"unit": _("Unit"), "year": _("Year"), "item": _("Item")}


def tell(study: Study) -> Sequence[Block]:
    """The parts of an index's page, or of a profile's."""
    names = [one.name for one in study.steps]
    return _profile(study) if "positions" in names else [*_answer(study), *_how(study, names)]


def _answer(study: Study) -> list[Block]:
    ranking = study.step("ranking").table
    framework = framework_of(study.question)
    year = _year(study, ranking)
    where: Mapping[str, str] = {} if year is None else {"year": str(year)}
    rows = [row for row in range(ranking.rows) if (year is None or ranking["year"][row] == year)
            and not np.isnan(ranking["score"][row])]  # fmt: skip
    told: list[Block] = []
    if rows:
        order = sorted(rows, key=lambda row: -ranking["score"][row])
        first, last = order[0], order[-1]
        told.append(Says(
            _("{first} has the highest score, {high}, and {last} the lowest, {low}; {units} units were compared."),
            {"high": _number(ranking, first, "score"), "low": _number(ranking, last, "score"),
             "units": Number(Cell("summary", ("units",), "value"), "whole")},
            {"first": str(ranking["name"][first]), "last": str(ranking["name"][last])}, "answer"))  # fmt: skip
    told += _unscored(study)
    shown = [Shown("rank", _("Rank"), "whole"), Shown("name", _("Unit"), "word"), Shown("score", _("Score"), places=2)]
    shown += [Shown(code, _said(framework.by_code[code].title), places=1) for code in parts_of(framework)]
    shown.append(Shown("measured", _("Share of values measured"), "percent", 0))
    told.append(TableOf(_("Ranking, from unrounded scores"), "ranking", tuple(shown), "-score", _MOST, where))
    told.append(ChartOf(_("Scores"), "ranking", "bar", "name", "score", y_title=_("Score"), sort="-score", where=where))
    if year is not None:
        told.append(ChartOf(_("Scores over the years, on one frozen scale"), "ranking", "line", "year", "score",
                            by="name", x_title=_("Year"), y_title=_("Score")))  # fmt: skip
    return told + _maps(ranking, where)


def _unscored(study: Study) -> list[Block]:
    ranking = study.step("ranking").table
    unknown = int(np.isnan(ranking["score"]).sum())
    if not unknown:
        return []
    said = _("{units} rows have no score, for too little of them is known.")
    return [Says(said, {}, {"units": str(unknown)}, "doubt")]


def _maps(ranking: Table, where: Mapping[str, str]) -> list[Block]:
    if "area" in ranking.columns:
        return [MapOf(_("Scores on the map"), "ranking", "score", area="area", label="name", where=where)]
    if {"lon", "lat"} <= set(ranking.columns):
        return [MapOf(_("Scores on the map"), "ranking", "score", "lon", "lat", label="name", where=where)]
    return []


def _how(study: Study, names: Sequence[str]) -> list[Block]:
    """The recipe: structure and weights, what was filled in, what was treated."""
    framework = framework_of(study.question)
    told: list[Block] = [*_about(framework), Heading(_("Structure and weights"))]
    told += [TableOf(_("Weights"), "weights", (
        Shown("item", _("Item"), "word"), Shown(_title_column(study), _("Title"), "word"),
        Shown("parent", _("Below"), "word"),
        Shown("weight", _("Weight among its siblings"), "percent", 1),
        Shown("share", _("Share in the index"), "percent", 2), Shown("way", _("Made by"), "word"),
    ), "-share", _MOST)]  # fmt: skip
    if "imputed" in names and study.step("imputed").table.rows:
        keys = [Shown(one, _TITLES[one], "word") for one in study.step("imputed").table.key]
        told.append(TableOf(_("Values that were filled in, not measured"), "imputed",
                            (*keys, Shown("value", _("Value"), places=3)), most=100))  # fmt: skip
    if any(method != "none" for method in study.step("treatments").table["method"].tolist()):
        told.append(TableOf(_("Outliers and their treatment"), "treatments", (
            Shown("item", _("Item"), "word"), Shown("method", _("Treatment"), "word"),
            Shown("points", _("Points"), "whole"),
            Shown("skewness_before", _("Skewness before"), places=2), Shown("skewness_after", _("after"), places=2),
            Shown("kurtosis_before", _("Kurtosis before"), places=2), Shown("kurtosis_after", _("after"), places=2),
        ), "-points", _MOST))  # fmt: skip
    return told


def _profile(study: Study) -> list[Block]:
    """Each indicator by itself, theme by theme; nothing is added up."""
    framework = framework_of(study.question)
    raw = study.step("raw").table
    name = "denominated" if any(one.name == "denominated" for one in study.steps) else "raw"
    told: list[Block] = [Says(
        _("{units} units, {indicators} indicators; {unknown} of {values} values are not known."),
        {figure: Number(Cell("summary", (figure,), "value"), "whole")
         for figure in ("units", "indicators", "unknown", "values")}, weight="answer"), *_about(framework)]  # fmt: skip
    tree = framework.tree
    themes = tree.aggregates or ("",)
    for theme in themes:
        items = [one for one in framework.indicators if one.parent == theme]
        if items:
            told.append(Heading(_said(framework.by_code[theme].title) if theme else _said(framework.title)))
            shown = [Shown(key, _TITLES[key], "word") for key in raw.key]
            shown += [Shown(one.code, _said(one.title), places=2, unit=one.unit if len(one.unit) < 12 else "")
                      for one in items]  # fmt: skip
            told.append(TableOf(_said(framework.by_code[theme].title) if theme else _said(framework.title), name,
                                tuple(shown), most=_MOST))  # fmt: skip
    return told


def _about(framework: Framework) -> list[Block]:
    """What a framework says of itself, and where it is from."""
    called = Says(_("It is called {title}."), {}, {"title": _said(framework.title)})
    told: list[Block] = [Heading(_("The framework")), called]
    if framework.about:
        told.append(Says(_("What it is: {about}"), {}, {"about": _said(framework.about)}))
    if framework.source:
        told.append(Says(_("Where it is from: {source}"), {}, {"source": framework.source}))
    return told


def _said(words: Mapping[str, str]) -> str:
    """A framework's own words in the reader's language; they are in no catalogue of the program."""
    return words.get(get_language() or "en", words["en"])


def _title_column(study: Study) -> str:
    translated = all(study.step("weights").table["title_zh"].tolist())
    return "title_zh" if get_language() == "zh-hans" and translated else "title"


def _year(study: Study, ranking: Table) -> int | None:
    if "year" not in ranking.columns:
        return None
    return int(study.question.get("year", ranking["year"].max()))


def _number(ranking: Table, row: int, column: str) -> Number:
    name: tuple[Any, ...] = tuple(str(ranking[part][row]) for part in ranking.key)
    return Number(Cell("ranking", name, column), places=2)
