"""What the audit of an index tells: what to mend first, then each finding with its figures."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.study.blocks import Block, ChartOf, Heading, Number, Says, Shown, TableOf
from cityloom.insight.domain.study.study import Cell, Study

_MOST = 200
_P = _("p (by chance alone)")
FLAGS = (_("against parent, surely"), _("against parent, perhaps"), _("against index, surely"),
         _("against index, perhaps"), _("against parent and index, surely"), _("against parent and index, perhaps"),
         _("same values"), _("alike"))  # fmt: skip


def tell(study: Study) -> Sequence[Block]:
    """The parts, the answer first."""
    names = [one.name for one in study.steps]
    return [*_answer(study), *_differences(study, names), *_coherence(study), *_influence(), *_thresholds(study),
            *_quality(), *_change(names)]  # fmt: skip


def _figure(name: str, form: str = "whole", places: int = 1) -> Number:
    return Number(Cell("summary", (name,), "value"), form, places)  # type: ignore[arg-type]


def _answer(study: Study) -> list[Block]:
    summary = study.step("summary").table
    against, doubles = summary.at(("against",), "value"), summary.at(("doubles",), "value")
    told: list[Block] = []
    if against:
        told.append(Says(
            _("{against} of {items} items work against what they are part of, {surely} of them surely: look at their "
              "direction, or leave them out."),
            {"against": _figure("against"), "items": _figure("items"), "surely": _figure("surely_against")},
            weight="answer"))  # fmt: skip
    else:
        told.append(Says(_("None of {items} items works against what it is part of."), {"items": _figure("items")},
                         weight="answer"))  # fmt: skip
    if doubles:
        told.append(Says(_("Pairs of indicators that say nearly the same, and count twice: {doubles}."),
                         {"doubles": _figure("doubles")}, weight="doubt"))  # fmt: skip
    if summary.at(("bunched",), "value"):
        told.append(Says(_("Steps of formulas with more units just above than just below, beyond chance: {bunched}. "
                           "Look at how these figures come about."), {"bunched": _figure("bunched")},
                         weight="doubt"))  # fmt: skip
    told.append(Says(_("The quality of the data behind the index is {quality} of 1."),
                     {"quality": _figure("quality", "decimal", 2)}))  # fmt: skip
    return told


def _differences(study: Study, names: Sequence[str]) -> list[Block]:
    if "differences" not in names:
        return []
    table = study.step("differences").table
    row = (str(table["unit"][0]), str(table["other"][0]))
    items = study.step("correlations").table
    titles = dict(zip(items["item"].tolist(), items["title"].tolist(), strict=True))
    decides = [str(titles.get(table[f"decides_{at}"][0], "-")) for at in (1, 2, 3)]
    return [
        Heading(_("Why one unit is above another")),
        Says(_("{name} is {difference} above {other}; {decides} decide it, and all contributions add up to {sum}."),
             {"difference": Number(Cell("differences", row, "difference"), places=3),
              "sum": Number(Cell("differences", row, "sum"), places=3)},
             {"name": str(table["name"][0]), "other": str(table["other_name"][0]),
              "decides": "; ".join(one for one in decides if one != "-") or "-"}),
        TableOf(_("Pairs, and the three indicators that decide each"), "differences", (
            Shown("name", _("Unit"), "word"), Shown("other_name", _("is above"), "word"),
            Shown("difference", _("by"), places=3), Shown("decides_1", _("Decides first"), "word"),
            Shown("decides_2", _("Decides second"), "word"),
            Shown("decides_3", _("Decides third"), "word")), most=_MOST),
        TableOf(_("Contributions to the first difference"), "contributions", (
            Shown("item", _("Item"), "word"), Shown("value", _("Value of the one"), places=2),
            Shown("other_value", _("Value of the other"), places=2),
            Shown("contribution", _("Contribution"), places=4)),
            "-contribution", _MOST, {"unit": row[0], "other": row[1]}),
    ]  # fmt: skip


def _coherence(study: Study) -> list[Block]:
    told: list[Block] = [
        Heading(_("What works against itself")),
        TableOf(_("Correlation of each item with its parent and the index, directed"), "correlations", (
            Shown("item", _("Item"), "word"), Shown("parent", _("Parent"), "word"),
            Shown("r_parent", _("r with the parent"), places=2), Shown("p_parent", _P, places=3),
            Shown("r_index", _("r with the index"), places=2), Shown("p_index", _P, places=3),
            Shown("flag", _("Found"), "word")), "r_parent", _MOST),
        TableOf(_("Whether groups hold together (Cronbach's alpha)"), "alphas", (
            Shown("item", _("Item"), "word"), Shown("title", _("Title"), "word"),
            Shown("children", _("Children"), "whole"), Shown("alpha", _("alpha"), places=2)), "alpha", _MOST),
    ]  # fmt: skip
    if study.step("doubles").table.rows:
        told.append(TableOf(_("Counted twice"), "doubles", (
            Shown("title", _("Indicator"), "word"), Shown("other_title", _("The other indicator"), "word"),
            Shown("r", _("Correlation"), places=3), Shown("same", _("Found"), "word")), most=_MOST))  # fmt: skip
    return told


def _influence() -> list[Block]:
    return [
        Heading(_("Influence beside weight")),
        TableOf(_("What moves the index, and what it is weighed"), "influence", (
            Shown("item", _("Item"), "word"), Shown("title", _("Title"), "word"),
            Shown("weight", _("Weight in the index"), "percent", 1),
            Shown("linear_share", _("Influence (linear)"), "percent", 1),
            Shown("spline_share", _("Influence (curve)"), "percent", 1),
            Shown("ratio", _("Influence over weight"), places=2)), "-spline_share", _MOST),
        ChartOf(_("Influence (curve) against weight"), "influence", "scatter", "weight", "spline_share",
                x_title=_("Weight in the index"), y_title=_("Influence (curve)")),
    ]  # fmt: skip


def _thresholds(study: Study) -> list[Block]:
    if not study.step("thresholds").table.rows:
        return []
    return [TableOf(_("Units just below and just above the steps of a formula"), "thresholds", (
        Shown("title", _("Indicator"), "word"), Shown("threshold", _("Step"), places=2),
        Shown("below", _("just below"), "whole"), Shown("above", _("just above"), "whole"),
        Shown("p", _P, places=3)), "p", _MOST)]  # fmt: skip


def _quality() -> list[Block]:
    return [
        Heading(_("Quality of the data")),
        TableOf(_("Quality of the data of each unit, risen by the index's weights"), "quality", (
            Shown("name", _("Unit"), "word"), Shown("score", _("Quality (0 to 1)"), places=2),
            Shown("imputed", _("Filled in"), "percent", 0)), "score", _MOST),
    ]  # fmt: skip


def _change(names: Sequence[str]) -> list[Block]:
    if "change" not in names:
        return []
    return [
        Heading(_("What changed since the year before")),
        TableOf(_("The change of each unit, split so that it adds up"), "change", (
            Shown("unit", _("Unit"), "word"), Shown("before", _("Before"), places=2),
            Shown("after", _("After"), places=2), Shown("change", _("Change"), places=3),
            Shown("data", _("by the data"), places=3), Shown("method", _("by the method"), places=3),
            Shown("units", _("by the set of units"), places=3)), "-change", _MOST),
    ]  # fmt: skip
