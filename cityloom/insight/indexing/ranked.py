"""The ranking of an index: each rank with its interval, and the places that are not told apart."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from cityloom.insight.domain.study.blocks import Block, ChartOf, MapOf, Number, Says, Shown
from cityloom.insight.domain.study.study import Cell, Step, Study
from cityloom.insight.domain.study.tables import table
from cityloom.insight.indexing.looking import RUNS, Address, Look
from cityloom.insight.telling import words

SCORE = Shown("score", "Score", places=2)


def rows(look: Look, address: Address) -> list[dict[str, Any]]:
    """The units from the highest; `cut` where a group of certain order begins."""
    found, sure, before = [], look.sure, 0
    for place in look.order:
        row = look.row(place)
        group = int(sure.group[place]) if sure else 0
        found.append({
            "rank": int(look.ranks[place]), "name": look.names[place], "unit": look.base.units[place],
            "score": words.said(float(look.base.items[place, -1]), SCORE),
            "url": address(Cell("ranking", row, "score")),
            "interval": f"{sure.low[place]} – {sure.high[place]}" if sure else "",
            "apart": f"{sure.first[place]} – {sure.last[place]}" if sure else "",
            "alone": bool(sure and sure.first[place] == sure.last[place]),
            "group": group, "tier": int(sure.tier[place]) if sure else 0, "cut": bool(before and group != before),
        })  # fmt: skip
        before = group
    return found


def told(look: Look) -> tuple[Study, list[Block]]:
    """The study with its intervals as a step, and what is told of them: the answer, a chart, a map."""
    study = look.with_steps(*_steps(look))
    best, last = look.order[0], look.order[-1]
    said: list[Block] = [Says(
        gettext_noop("{first} has the highest score, {high}, and {last} the lowest, {low}; {units} units were "
                     "compared."),
        {"high": _score(look, best), "low": _score(look, last),
         "units": Number(Cell("summary", ("units",), "value"), "whole")},
        {"first": look.names[best], "last": look.names[last]}, "answer")]  # fmt: skip
    if look.sure:
        row = (look.base.units[best],)
        said.append(Says(
            gettext_noop("In nine of ten of {runs} runs with other choices as good, {first} ranks between {from} and "
                         "{to}."),
            {"from": Number(Cell("rank_intervals", row, "low"), "whole"),
             "to": Number(Cell("rank_intervals", row, "high"), "whole")},
            {"first": look.names[best], "runs": str(RUNS)}))  # fmt: skip
        said.append(ChartOf(gettext_noop("Ranks with their 5 to 95 % intervals"), "rank_intervals", "intervals", "name",
                            "rank", "low", "high", x_title=gettext_noop("Unit"), y_title=gettext_noop("Rank"),
                            sort="rank", most=120))  # fmt: skip
    return study, [*said, *_maps(look)]


def _maps(look: Look) -> list[Block]:
    kept = look.study.step("ranking").table.columns
    years = look.base.index.data.years
    where = {} if years is None else {"year": str(int(years[look.base.rows[0]]))}
    title = gettext_noop("Scores on the map")
    if "area" in kept:
        return [MapOf(title, "ranking", "score", area="area", label="name", where=where)]
    if "lon" in kept and "lat" in kept:
        return [MapOf(title, "ranking", "score", "lon", "lat", label="name", where=where)]
    return []


def _steps(look: Look) -> list[Step]:
    if look.sure is None:
        return []
    return [Step("rank_intervals", table(
        "unit", unit=look.base.units, name=look.names, rank=look.ranks, low=look.sure.low, high=look.sure.high,
        group=look.sure.group), {"runs": RUNS})]  # fmt: skip


def _score(look: Look, place: int) -> Number:
    return Number(Cell("ranking", look.row(place), "score"), places=2)


def how_sure(look: Look) -> str:
    """How places that are not told apart came about, in words."""
    if look.sure is None:
        return look.why
    return _("Intervals are the 5 and 95 % points of {runs} runs in which imputation, treatment, normalisation, "
             "means and weights (by a quarter) are chosen otherwise. Two units are told apart where one is above the "
             "other in at least nine of ten runs. A group ends where all above are told apart from all below; a tier "
             "begins with the first unit that is told apart from the head of the tier before."
             ).format(runs=RUNS)  # fmt: skip
