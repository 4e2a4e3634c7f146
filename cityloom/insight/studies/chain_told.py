"""What a chain from people to sites tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.study.blocks import Block, ChartOf, Heading, MapOf, Number, Says, Shown, TableOf
from cityloom.insight.domain.study.study import Cell, Study

Form = Literal["whole", "decimal", "percent", "word"]


def tell(study: Study) -> Sequence[Block]:
    """The answer first, link by link; then charts, the map and tables."""
    return [*_answer(study), *_charts(study), *_sites(study), *_facilities(study)]


def _numbers(link: str, form: Form = "whole", places: int = 0) -> dict[str, Number]:
    return {name: Number(Cell("links", (link,), name), form, places) for name in ("expected", "low", "high")}


def _answer(study: Study) -> list[Block]:
    year = str(int(study.step("gap").table["year"][-1]))
    names = {"year": year, "level": f"{100 * float(study.step('links').given['level']):.0f}"}
    gap = study.step("gap").table
    last = (str(gap["year"][-1]),)
    sites = study.step("sites").table
    planned = [str(one) for one, is_in in zip(sites["name"], sites["planned"], strict=True) if is_in]
    found: list[Block] = [
        Says(_("In {year} there are {expected} people who need the service ({level} %: {low} to {high})."),
             _numbers("people"), names, "answer"),
        Says(_("They need {expected} places ({level} %: {low} to {high})."), _numbers("demand"), names, "answer"),
        Says(_("There are {capacity}; {expected} are missing ({level} %: {low} to {high}), with a chance of {short} "
               "that any are."), {**_numbers("gap"), "capacity": Number(Cell("gap", last, "capacity"), "whole"),
                             "short": Number(Cell("gap", last, "short"), "percent")}, names, "answer"),
    ]  # fmt: skip
    if planned:
        listed = ", ".join(planned[:12]) + (" …" if len(planned) > 12 else "")
        found.append(Says(_("Open {expected} sites: {sites}."), _numbers("opened"), names | {"sites": listed},
                          "answer"))  # fmt: skip
    then = {f"{name}_after": one for name, one in _numbers("unplaced_after").items()}
    found.append(Says(_("Without a place within reach are then {expected_after} ({level} %: {low_after} to "
                        "{high_after}); without new sites it would be {expected} ({low} to {high})."),
                      {**_numbers("unplaced"), **then}, names, "answer"))  # fmt: skip
    if np.isfinite(study.at(Cell("links", ("gini",), "expected"))):  # type: ignore[arg-type]
        both = {f"{name}_after": one for name, one in _numbers("gini_after", "decimal", 2).items()}
        found.append(Says(_("The Gini of access goes from {expected} ({low} to {high}) to {expected_after} "
                            "({low_after} to {high_after})."),
                          {**_numbers("gini", "decimal", 2), **both}, names))  # fmt: skip
    return found


def _charts(study: Study) -> list[Block]:
    return [
        ChartOf(_("People who need the service"), "people", "line", "year", "expected", "low", "high",
                x_title=_("Year"), y_title=_("People")),
        ChartOf(_("Demand beside capacity"), "gap", "line", "year", "expected", "low", "high", "capacity",
                x_title=_("Year"), y_title=_("Places")),
        MapOf(_("Change of demand by area"), "demand", "change", "lon", "lat", label="name", size="demand"),
        MapOf(_("Chance of less than one place for each who needs one, now"), "access", "short", "lon", "lat",
              label="name", size="demand"),
        MapOf(_("The same with the new sites"), "access_after", "short", "lon", "lat", label="name", size="demand"),
    ]  # fmt: skip


def _sites(study: Study) -> list[Block]:
    if not study.step("sites").table.rows:
        return []
    return [
        Heading(_("Sites")),
        MapOf(_("Sites: in the plan (1), only in plans for other totals (0)"), "sites", "planned", "lon", "lat",
              label="name", size="capacity"),
        TableOf(_("Sites, and how many of the plans for other totals have them"), "sites", (
            Shown("name", _("Site"), "word"), Shown("planned", _("In the plan"), "whole"),
            Shown("times", _("Plans with it"), "whole"), Shown("of", _("Plans"), "whole"),
            Shown("capacity", _("Capacity"), "whole"), Shown("cost", _("Cost"), "whole"),
            Shown("load", _("Demand on it"), "whole")), most=60),
    ]  # fmt: skip


def _facilities(study: Study) -> list[Block]:
    return [
        TableOf(_("Facilities that may be overfull, without new sites"), "facilities", (
            Shown("name", _("Facility"), "word"), Shown("capacity", _("Capacity"), "whole"),
            Shown("load", _("Demand on it"), "whole"), Shown("low", _("At least"), "whole"),
            Shown("high", _("At most"), "whole"), Shown("short", _("Chance to be short"), "percent", 0),
            Shown("missing", _("Places missing"), "whole")), sort="-missing", most=30),
        TableOf(_("Each link in the last year"), "links", (
            Shown("link", _("Link"), "word"), Shown("expected", _("Expected"), places=2),
            Shown("low", _("At least"), places=2), Shown("high", _("At most"), places=2))),
    ]  # fmt: skip
