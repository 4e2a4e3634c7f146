"""What a study of schools tells of its own errors, and of what it rests on."""

from __future__ import annotations

from typing import Literal

from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.study.blocks import Block, ChartOf, Heading, Number, Says, Shown, TableOf
from cityloom.insight.domain.study.study import Cell, Study

_BY_AHEAD: tuple[tuple[str, str, str, Literal["decimal", "percent"]], ...] = (
    ("errors", _("Mean error of the total in %, by years ahead, beside plain methods"), _("Method"), "decimal"),
    ("held", _("Counts inside their interval, by years ahead"), _("Of"), "percent"),
)


def quality(study: Study) -> list[Block]:
    """How far off such forecasts were."""
    tested = study.step("backtest").table
    if not tested.rows:
        return []
    found: list[Block] = [Heading(_("How far off such forecasts were"))]
    for ahead in sorted({int(one) for one in study.question.get("horizons", (1, 3, 6))}):
        key = ("this forecast", "district", str(ahead))
        if key not in tested.names():
            continue
        at = {name: Number(Cell("backtest", key, name), places=1, unit="%") for name in ("error_pct", "bias_pct")}
        found.append(
            Says(
                _(
                    "{ahead} year(s) ahead, made from {origins} earlier years: the total was off by {error_pct} on "
                    "average (bias "
                    "{bias_pct}); the interval held the count in {covered} of them."
                ),
                at
                | {
                    "origins": Number(Cell("backtest", key, "origins"), "whole"),
                    "covered": Number(Cell("backtest", key, "covered"), "percent", 0),
                },
                {"ahead": str(ahead)},
            )
        )
    ahead = sorted({int(one) for one in study.question.get("horizons", (1, 3, 6))})
    for step, title, first, form in _BY_AHEAD:
        there = [one for one in ahead if f"ahead_{one}" in study.step(step).table.columns]
        shown = (Shown(f"ahead_{one}", str(one), form, 2 if form == "decimal" else 0) for one in there)
        key = study.step(step).table.key[0]
        found.append(TableOf(title, step, (Shown(key, first, "word"), *shown)))
    return found


def reasons(study: Study) -> list[Block]:
    """Births, ratios, and the forecasts by school."""
    return [
        Heading(_("What it rests on")),
        ChartOf(
            _("Births behind each entry (line) and pupils who entered (circles)"),
            "entry",
            "line",
            "year",
            "births",
            measured="entered",
            measured_title=_("Pupils who entered"),
            x_title=_("Year of entry"),
            y_title=_("Births and pupils"),
        ),
        TableOf(
            _("How grades move on"),
            "ratios",
            (
                Shown("grade", _("Grade"), "word"),
                Shown("after", _("Comes from"), "word"),
                Shown("last_year", _("Ratio of the last year"), places=3),
                Shown("used", _("Ratio that is used"), places=3),
                Shown("drift", _("Drift a year"), places=4),
                Shown("spread", _("Spread of years"), places=3),
            ),
        ),
        TableOf(
            _("Entries into the first grade, by school"),
            "forecast",
            (
                Shown("school", _("School"), "word"),
                Shown("period", _("Year"), "word"),
                Shown("value", _("Pupils"), "whole"),
                Shown("low", _("At least"), "whole"),
                Shown("high", _("At most"), "whole"),
            ),
            most=120,
            where={"of": "grade of a school", "grade": str(study.step("ratios").table["grade"][0])},
        ),
        TableOf(
            _("Forecast by school"),
            "forecast",
            (
                Shown("series", _("School"), "word"),
                Shown("period", _("Year"), "word"),
                Shown("value", _("Pupils"), "whole"),
                Shown("low", _("At least"), "whole"),
                Shown("high", _("At most"), "whole"),
            ),
            most=120,
            where={"of": "school"},
        ),
    ]
