"""The kind `index`: a composite indicator or a profile of organisations, places or services, by a framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.indicators.working import worked
from cityloom.insight.domain.study.study import Told
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.studies import index_question, index_steps, index_telling
from cityloom.insight.studies.kinds import InputSpec, Kind, Worked


def _work(question: Mapping[str, Any], inputs: Mapping[str, Table], told: Told) -> Worked:
    framework = index_question.framework_of(question)
    units = index_question.units_of(inputs)
    data = index_question.data_of(framework, inputs)
    index_question.year_of(question, data)
    told(0.1, "normalise")
    made = worked(framework, data)
    told(0.9, "ranking")
    return Worked(index_steps.steps_of(made, units), index_steps.notes_of(made))


def _check(question: Mapping[str, Any]) -> None:
    index_question.framework_of(question)


def _example() -> tuple[Mapping[str, Any], Mapping[str, Table]]:
    """Made-up district offices: no figure is of a real one."""
    names = [f"Synthetic office {letter}" for letter in "ABCDEFGH"]
    chance = np.random.default_rng(3)
    titles = {"en": "Synthetic example: service of offices"}
    items = [{"code": "service", "title": titles},
             *({"code": code, "title": {"en": title}, "parent": "service", "direction": direction, "weight": weight,
                "measures": "output"}
               for code, title, direction, weight in (("response", "Answered in time (share)", "up", 0.4),
                                                      ("resolution", "Solved in time (share)", "up", 0.4),
                                                      ("waiting", "Median wait (days)", "down", 0.2)))]  # fmt: skip
    framework = {"cityloom": 1, "framework": "synthetic-service", "title": titles, "unit": "office", "items": items,
                 "steps": {"impute": {"method": "median"}, "treat": {"method": "winsorise", "then": "log-ct"},
                           "normalise": {"method": "min-max", "range": [1, 100]},
                           "aggregate": {"method": "geometric"}}}  # fmt: skip
    waiting = np.round(chance.gamma(3, 4, 8), 1)
    waiting[5] = np.nan
    units = table("unit", unit=[f"office-{one}" for one in "abcdefgh"], name=names,
                  response=np.round(chance.uniform(0.6, 0.98, 8), 3),
                  resolution=np.round(chance.uniform(0.5, 0.95, 8), 3), waiting=waiting)  # fmt: skip
    return {"framework": framework}, {"units": units}


_BESIDE = {
    "name": _("what the unit is called"), "area": _("code of its zone or district, for the map"),
    "lon": _("longitude, degrees"), "lat": _("latitude, degrees"),
}  # fmt: skip
_WORDS = frozenset({"unit", "name", "area"})
_ALSO = {"unit": ("uCode", "unit_code"), "name": ("uName", "unit_name"), "year": ("Time",)}
"""COINr's names of these columns, among others."""

KIND = Kind(
    "index",
    _("Composite indicator"),
    _("Organisations, places or services compared by a framework of indicators: from the values to a score and a rank, "
      "each step shown. Never persons, and never what people think."),
    (InputSpec("units", _("Units of one year, with a column for each indicator"), ("unit",), {}, _BESIDE, needed=False,
               words=_WORDS, also={name: _ALSO[name] for name in ("unit", "name")}),
     InputSpec("panel", _("Units of several years, with a column for each indicator"), ("unit", "year"), {}, _BESIDE,
               needed=False, words=_WORDS, also=_ALSO),
     InputSpec("denominators", _("What indicators are divided by, one row for a unit"), ("unit",), {},
               {"name": _("what the unit is called")}, needed=False, words=frozenset({"unit", "name"}),
               also={name: _ALSO[name] for name in ("unit", "name")}),
     InputSpec("experts", _("Points of experts, a column for each item"), ("expert",), {}, {}, needed=False,
               words=frozenset({"expert"}))),
    index_question.SCHEMA,
    _work,
    index_telling.tell,
    _check,
    notes={
        "one_recipe": _("Scores and ranks follow from this recipe; units whose scores lie close may change places "
                        "under another one that is as good."),
        "profile": _("A profile shows each indicator by itself; nothing is added up and nobody is ranked."),
        "too_small": _("{value} units are below the minimum size of {limit} and are not told of."),
        "screened": _("{value} units were left out, for less than the share {limit} of their indicators is known."),
        "imputed": _("{value} of {limit} values were not measured but filled in."),
        "unknown": _("{value} of {limit} values are not known; weights are shared out anew over those that are."),
        "treated": _("{value} of {limit} indicators had outliers and were treated."),
        "unusable": _("Left out, for they have no value or the same one for all units: {value}."),
        "still_outlying": _("Outliers are left after the treatment in {value}; a few units decide their scale."),
        "inconsistent": _("The comparisons of {value} contradict each other: their consistency ratio is {limit}, and "
                          "above 0.1 they should be made again."),
        "influence_missed": _("The weights of {value} cannot meet the importances that are wanted; one share of "
                              "influence is off by {limit}."),
        "rounding": _("{value} ranks would be others, were scores rounded to {limit} digits before ranking; they are "
                      "not."),
        "frozen": _("All years ({value}) are on one scale, so that a change is a change of the unit."),
        "gaps": _("{value} rows of the panel are missing: not each unit has each of the {limit} years."),
    },
    example=_example,
)  # fmt: skip
