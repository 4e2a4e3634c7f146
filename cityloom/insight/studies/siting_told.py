"""What a study of sites tells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.study.blocks import Block, ChartOf, Heading, MapOf, Number, Says, Shown, TableOf
from cityloom.insight.domain.study.study import Cell, Study

_MOST_NAMED = 12


def tell(study: Study) -> Sequence[Block]:
    """The answer first: which sites; then the map, options, worth of each, who gains, and how sure it is."""
    return [*_answer(study), *_map(study), *_options(study), *_worth(study), *_gains(study), *_sure(study)]


def _answer(study: Study) -> list[Block]:
    sites, said = study.step("solution").table, study.step("summary").given
    opens, closes = ([str(name) for name, state in zip(sites["name"], sites["state"], strict=True) if state == wanted]
                     for wanted in ("opens", "closes"))  # fmt: skip
    cell = {name: Cell("summary", ("all",), name) for name in study.step("summary").table.columns}
    numbers = {name: Number(cell[name], "whole") for name in
               ("opened", "closed", "people", "cost", "covered", "covered_before")}
    numbers |= {name: Number(cell[name]) for name in ("before", "minutes", "longest")}
    numbers["covered_share"] = Number(cell["covered_share"], "percent", 1)
    names = {"sites": _list(opens), "going": _list(closes), "within": f"{said['within']:g}"}  # fmt: skip
    found: list[Block] = []
    if opens:
        found.append(Says(_("Open {opened} sites: {sites}."), numbers, names, "answer"))
    if closes:
        found.append(Says(_("Close {closed} sites: {going}."), numbers, names, "answer"))
    if not opens and not closes:
        found.append(Says(_("No site needs to be opened."), weight="answer"))
    if np.isfinite(study.at(cell["before"])):  # type: ignore[arg-type]
        found.append(Says(_("The mean way goes from {before} to {minutes} minutes; the longest is then {longest}."),
                          numbers, names, "answer"))  # fmt: skip
    else:
        found.append(Says(_("The mean way is {minutes} minutes, the longest {longest}."), numbers, names, "answer"))
    found.append(Says(_("Within {within} minutes are then {covered} of {people} people ({covered_share}); now it is "
                        "{covered_before}."), numbers, names, "answer"))  # fmt: skip
    return found


def _list(names: list[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + (" …" if len(names) > _MOST_NAMED else "")


def _map(study: Study) -> list[Block]:
    found: list[Block] = []
    if study.step("periods").table.rows > 1:
        found.append(TableOf(_("Periods"), "periods", (
            Shown("period", _("Period"), "word"), Shown("opened", _("Opened by then"), "whole"),
            Shown("closed", _("Closed by then"), "whole"), Shown("cost", _("Cost by then"), "whole"),
            Shown("people", _("People"), "whole"), Shown("minutes", _("Mean minutes"), places=1),
            Shown("covered", _("People within reach"), "whole"))))  # fmt: skip
    if np.isfinite(study.step("areas").table["lon"]).any():
        found += [MapOf(_("Sites: open (1) and not (0)"), "solution", "is_open", "lon", "lat", label="name",
                        size="people"),
                  MapOf(_("Minutes from each area"), "areas", "minutes", "lon", "lat", label="name",
                        size="people")]  # fmt: skip
    found.append(TableOf(_("Sites that open or close"), "solution", _SITES, sort="period", most=60,
                         where={"state": "opens"}))  # fmt: skip
    if "closes" in study.step("solution").table["state"].tolist():
        found.append(TableOf(_("Sites that close"), "solution", _SITES, sort="period", where={"state": "closes"}))
    return found


_SITES = (
    Shown("name", _("Site"), "word"), Shown("period", _("Period"), "word"),
    Shown("people", _("People served"), "whole"),
    Shown("capacity", _("Capacity"), "whole"), Shown("cost", _("Cost"), "whole"),
)  # fmt: skip


def _options(study: Study) -> list[Block]:
    if study.step("options").table.rows < 2:
        return []
    return [
        Heading(_("How many sites")),
        ChartOf(_("Mean minutes by number of new sites"), "options", "line", "p", "minutes", x_title=_("New sites"),
                y_title=_("Minutes")),
        TableOf(_("Options"), "options", (
            Shown("p", _("New sites"), "word"), Shown("cost", _("Cost"), "whole"),
            Shown("minutes", _("Mean minutes"), places=1), Shown("longest", _("Longest way"), places=1),
            Shown("covered", _("People within reach"), "whole"), Shown("gini_minutes", _("Gini of ways"), places=2),
            Shown("gap", _("May be off by"), "percent", 1), Shown("sites", _("Which"), "word")), sort="p"),
    ]  # fmt: skip


def _worth(study: Study) -> list[Block]:
    if not study.step("marginal").table.rows:
        return []
    covers = study.step("marginal").given["objective"] == "max-cover"
    title = _("What is lost without each new site (people not covered)") if covers else \
        _("What is lost without each new site (people times minutes)")  # fmt: skip
    return [TableOf(title, "marginal", (
        Shown("name", _("Site"), "word"), Shown("people", _("People served"), "whole"),
        Shown("loss", _("Loss without it"), "whole"), Shown("loss_each", _("Loss for each person"), places=3),
        Shown("instead", _("Next best"), "word"), Shown("loss_instead", _("Loss with that"), "whole")),
        sort="-loss", most=60)]  # fmt: skip


def _gains(study: Study) -> list[Block]:
    found: list[Block] = [
        Heading(_("Who gains")),
        TableOf(_("How unequal it is, before and after"), "equity", (
            Shown("measure", _("Measure"), "word"), Shown("before", _("Before"), places=3),
            Shown("after", _("After"), places=3))),
    ]  # fmt: skip
    if any(one.name == "groups" for one in study.steps):
        found.append(TableOf(_("Groups, the longest way first"), "groups", (
            Shown("group", _("Group"), "word"), Shown("people", _("People"), "whole"),
            Shown("before", _("Mean minutes before"), places=1), Shown("minutes", _("Mean minutes after"), places=1),
            Shown("left", _("People not served"), "whole")), sort="-minutes"))  # fmt: skip
    found.append(TableOf(_("Areas with the longest way afterwards"), "areas", (
        Shown("name", _("Area"), "word"), Shown("people", _("People"), "whole"),
        Shown("before", _("Minutes before"), places=1), Shown("minutes", _("Minutes after"), places=1)),
        sort="-minutes", most=20))  # fmt: skip
    return found


def _sure(study: Study) -> list[Block]:
    if study.at(Cell("summary", ("all",), "proved")):
        return [Says(_("It is proved that no other choice within these limits does better."))]
    return [Says(_("How much better another choice could be is known: by at most {gap}."),
                 {"gap": Number(Cell("summary", ("all",), "gap"), "percent", 2)})]  # fmt: skip
