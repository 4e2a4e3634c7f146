"""What a study of access tells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.study.blocks import Block, ChartOf, Heading, MapOf, Number, Says, Shown, TableOf
from cityloom.insight.domain.study.study import Cell, Study


def tell(study: Study) -> Sequence[Block]:
    """The answer first; then the map, how unequal it is, areas and facilities."""
    return [*_answer(study), *_map(study), *_unequal(study), *_tables(study)]


def _answer(study: Study) -> list[Block]:
    cell = {name: Cell("summary", ("all",), name) for name in study.step("summary").table.columns}
    whole = {name: Number(cell[name], "whole") for name in ("people", "without", "capacity", "facilities")}
    said = study.step("access").given
    names = {"catchment": f"{said['catchment']:g}", "per": f"{said['per']:g}"}
    found: list[Block] = [
        Says(_("Of {people} people {without} ({share}) have no facility within {catchment} minutes."),
             whole | {"share": Number(cell["without_share"], "percent", 1)}, names, "answer"),
    ]  # fmt: skip
    if said["method"] in ("cumulative", "gravity"):
        found.append(Says(_("On the mean a person reaches a capacity of {access}, whoever else does."),
                          {"access": Number(cell["access"])}, names, "answer"))  # fmt: skip
    elif said["method"] == "balanced":
        found.append(Says(_("{facilities} facilities have a capacity of {capacity}: {rate} for {per} people."),
                          whole | {"rate": Number(cell["rate"], places=2)}, names, "answer"))  # fmt: skip
    else:
        found.append(Says(_("{facilities} facilities have a capacity of {capacity}, {rate} for {per} people; what is "
                            "within reach comes to {access} for {per}."),
                          whole | {"rate": Number(cell["rate"], places=2), "access": Number(cell["access"], places=2)},
                          names, "answer"))  # fmt: skip
    if float(study.step("summary").table["unreached"][0]) > 0:
        found.append(Says(_("A capacity of {unreached} is within reach of nobody."),
                          {"unreached": Number(cell["unreached"], "whole")}, weight="doubt"))  # fmt: skip
    if np.isfinite(study.step("summary").table["minutes"][0]):
        found.append(Says(_("Those who have one within reach need {minutes} minutes to the nearest."),
                          {"minutes": Number(cell["minutes"])}))  # fmt: skip
    return found


def _map(study: Study) -> list[Block]:
    if not np.isfinite(study.step("access").table["lon"]).any():
        return []
    return [
        MapOf(_("Access of each area"), "access", "access", "lon", "lat", label="name", size="people"),
        MapOf(_("Demand on each facility"), "facilities", "load", "lon", "lat", label="name", size="capacity"),
    ]


def _unequal(study: Study) -> list[Block]:
    measures = study.step("inequality").table
    known = dict(zip(measures["measure"].tolist(), measures["value"].tolist(), strict=True))
    if not np.isfinite(known["gini"]):
        return []
    number = {name: Number(Cell("inequality", (name,), "value"), places=2) for name in known}
    found: list[Block] = [
        Heading(_("How unequal it is")),
        Says(_("Gini {gini} (0: all alike); the fifth with least has {worst_fifth}, the mean is {mean}."), number),
    ]
    if np.isfinite(known["palma"]):
        found.append(Says(_("The tenth with most has {palma} times what the four tenths with least have (Palma)."),
                          number))  # fmt: skip
    if "theil_between" in known:
        found.append(Says(_("Theil {theil}, of which {theil_between} between groups and {theil_within} within."),
                          number))  # fmt: skip
    if "concentration" in known and np.isfinite(known["concentration"]):
        found.append(Says(_("Concentration index {concentration}: above 0 where those who rank high have more."),
                          number))  # fmt: skip
    found.append(ChartOf(_("Lorenz curve"), "lorenz", "line", "people", "access", measured="even",
                         measured_title=_("If all had alike"),
                         x_title=_("Share of people"), y_title=_("Share of access"), most=200))  # fmt: skip
    if any(one.name == "groups" for one in study.steps):
        found += [ChartOf(_("Access by group"), "groups", "bar", "group", "access", x_title=_("Group"),
                          y_title=_("Access")),
                  TableOf(_("Groups, the least served first"), "groups", (
                      Shown("group", _("Group"), "word"), Shown("people", _("People"), "whole"),
                      Shown("access", _("Access"), places=2), Shown("minutes", _("Minutes to the nearest"), places=1),
                      Shown("without", _("People without one within reach"), "whole")), sort="access")]  # fmt: skip
    return found


def _tables(study: Study) -> list[Block]:
    return [
        Heading(_("Areas and facilities")),
        TableOf(_("Areas with least access"), "access", (
            Shown("name", _("Area"), "word"), Shown("people", _("People"), "whole"),
            Shown("access", _("Access"), places=2), Shown("minutes", _("Minutes to the nearest"), places=1),
            Shown("within", _("Facilities within reach"), "whole")), sort="access", most=30),
        TableOf(_("Facilities with most demand"), "facilities", (
            Shown("name", _("Facility"), "word"), Shown("capacity", _("Capacity"), "whole"),
            Shown("load", _("Demand on it"), "whole"), Shown("ratio", _("Capacity for each head"), places=4),
            Shown("areas", _("Areas within reach"), "whole")), sort="-load", most=30),
    ]  # fmt: skip
