"""What the robustness of a ranking tells: how sure it is, each rank with its interval, and what moves it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.study.blocks import Block, ChartOf, Heading, Number, Says, Shown, TableOf
from cityloom.insight.domain.study.study import Cell, Study

_MOST = 200
TITLES = (_("imputation"), _("treatment of outliers"), _("normalisation"), _("one indicator left out"), _("drawn"),
          _("mean, level 2"), _("mean, level 3"), _("mean, level 4"), _("mean, level 5"), _("weights, level 1"),
          _("weights, level 2"), _("weights, level 3"), _("weights, level 4"))  # fmt: skip


def tell(study: Study) -> Sequence[Block]:
    """The parts, the answer first."""
    return [*_answer(study), *_ranking(study), *_why(study), *_elements(study)]


def _answer(study: Study) -> list[Block]:
    ranks = study.step("ranks").table
    first = int(np.lexsort((ranks["mean_rank"], ranks["rank"]))[0])
    row = (str(ranks["unit"][first]),)
    told: list[Block] = [Says(
        _("{name} leads; in nine of ten runs it ranks between {low} and {high}, and in {share} of all it is first as "
          "in the recipe."),
        {"low": Number(Cell("ranks", row, "low"), "whole"), "high": Number(Cell("ranks", row, "high"), "whole"),
         "share": Number(Cell("ranks", row, "as_given"), "percent", 0)},
        {"name": str(ranks["name"][first])}, "answer")]  # fmt: skip
    told.append(Says(
        _("Of all pairs of units {pairs} are told apart with certainty; on average a rank moves by {shift} places "
          "(between {low} and {high} in nine of ten of {runs} runs)."),
        {"pairs": _figure("certain_pairs", "percent", 0), "shift": _figure("shift"), "low": _figure("shift_low"),
         "high": _figure("shift_high"), "runs": _figure("runs", "whole")}))  # fmt: skip
    sensitivity = study.step("sensitivity").table
    total = np.nan_to_num(sensitivity["total"])
    if total.max() > 0:
        most = int(total.argmax())
        told.append(Says(
            _("What moves ranks most is: {choice}. With its interactions it is in {total} of the variance of that "
              "mean shift."),
            {"total": Number(Cell("sensitivity", (str(sensitivity["choice"][most]),), "total"), "percent", 0)},
            {"choice": str(sensitivity["title"][most])}))  # fmt: skip
    return told


def _figure(name: str, form: str = "decimal", places: int = 1) -> Number:
    return Number(Cell("summary", (name,), "value"), form, places)  # type: ignore[arg-type]


def _ranking(study: Study) -> list[Block]:
    return [
        ChartOf(_("Ranks with their 5 to 95 % intervals"), "ranks", "intervals", "name", "median", "low", "high",
                x_title=_("Unit"), y_title=_("Rank"), sort="rank"),
        TableOf(_("Ranks, intervals and groups that are not told apart"), "ranks", (
            Shown("rank", _("Rank"), "whole"), Shown("name", _("Unit"), "word"), Shown("score", _("Score"), places=2),
            Shown("low", _("5 %"), "whole"), Shown("median", _("Median"), "whole"), Shown("high", _("95 %"), "whole"),
            Shown("not_apart_from", _("Not told apart from place"), "whole"),
            Shown("not_apart_to", _("to place"), "whole"), Shown("group", _("Group"), "whole"),
            Shown("tier", _("Tier"), "whole"),
        ), "rank", _MOST),
    ]  # fmt: skip


def _why(study: Study) -> list[Block]:
    shown = (
        Shown("title", _("Choice"), "word"), Shown("first", _("Alone (first order)"), "percent", 1),
        Shown("first_low", _("5 %"), "percent", 1), Shown("first_high", _("95 %"), "percent", 1),
        Shown("total", _("With interactions (total)"), "percent", 1), Shown("total_low", _("5 %"), "percent", 1),
        Shown("total_high", _("95 %"), "percent", 1),
    )  # fmt: skip
    return [
        Heading(_("What the ranks depend on")),
        ChartOf(_("Share of each choice in the variance of the mean shift of ranks, with interactions"), "sensitivity",
                "intervals", "title", "total", "total_low", "total_high", x_title=_("Choice"),
                y_title=_("Total index"), sort="-total"),
        TableOf(_("Sensitivity of the mean shift of ranks (Sobol)"), "sensitivity", shown, "-total"),
        TableOf(_("The choices and their options"), "choices", (
            Shown("title", _("Choice"), "word"), Shown("options", _("Options"), "word"))),
    ]  # fmt: skip


def _elements(study: Study) -> list[Block]:
    return [
        Heading(_("Leaving out one element")),
        TableOf(_("How far ranks move without each element"), "removal", (
            Shown("item", _("Item"), "word"), Shown("title", _("Title"), "word"), Shown("level", _("Level"), "whole"),
            Shown("share", _("Share in the index"), "percent", 1),
            Shown("mean_change", _("Mean change of rank"), places=2),
            Shown("most_change", _("Largest change"), "whole"), Shown("most_moved", _("Moved most"), "word"),
        ), "-mean_change", _MOST),
    ]  # fmt: skip
