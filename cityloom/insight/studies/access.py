"""The kind `access`: how much of a service each area can reach, with the competition for it, and how unequally."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.access import catchments, decay, pairs
from cityloom.insight.domain.study.study import Note, Step, Told
from cityloom.insight.domain.study.tables import Table
from cityloom.insight.studies import access_steps as steps
from cityloom.insight.studies import travel as ways
from cityloom.insight.studies.access_example import example
from cityloom.insight.studies.access_told import tell
from cityloom.insight.studies.kinds import InputSpec, Kind, Worked
from cityloom.kernel.refused import Refused

METHODS = ("2sfca", "e2sfca", "3sfca", "m2sfca", "balanced", "spatial-availability", "cumulative", "gravity")
_LIST = {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 10_000}, "minItems": 1, "maxItems": 20}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "method": {"enum": list(METHODS), "default": "2sfca"},
        "catchment": {"type": "number", "exclusiveMinimum": 0, "maximum": 1_000, "default": 30},
        "decay": {"enum": list(decay.FORMS), "default": "binary"},
        "bounds": _LIST,
        "weights": _LIST,
        "beta": {"type": "number", "exclusiveMinimum": 0, "maximum": 100},
        "bandwidth": {"type": "number", "exclusiveMinimum": 0, "maximum": 10_000},
        "alpha": {"type": "number", "minimum": 0, "maximum": 5, "default": 1},
        "per": {"type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000, "default": 1_000},
        "seed": {"type": "integer", "minimum": 0, "maximum": 2**31, "default": 1},
        **ways.MODES,
    },
}
_NO_DEMAND = "There is nobody in the table of demand, so there is nothing to reach; check the column people."
_NO_SUPPLY = "There is no facility with a capacity in the table of supply; check the column capacity."
OF_DEMAND = {"name": _("what the area is called"), "lon": _("longitude, degrees"), "lat": _("latitude, degrees"),
             "group": _("a group of areas to compare"), "income": _("what areas are ranked by")}  # fmt: skip
OF_SUPPLY = {"name": _("what the facility is called"), "lon": _("longitude, degrees"), "lat": _("latitude, degrees")}


def work(question: Mapping[str, Any], inputs: Mapping[str, Table], told: Told) -> Worked:
    """Travel times within the catchment, access, and how unequal it is."""
    demand, supply = inputs["demand"], inputs["supply"]
    ours, others = ways.points(demand, "area"), ways.points(supply, "facility")
    people, capacity = (steps.amounts(one, name) for one, name in ((demand, "people"), (supply, "capacity")))
    if not people.sum() > 0:
        raise Refused("insight.access_no_demand", _NO_DEMAND)
    if not capacity.sum() > 0:
        raise Refused("insight.access_no_supply", _NO_SUPPLY)
    told(0.05, "costs")
    reach = _reach(question)
    found = ways.travel(question, inputs, ours, others, people, reach)
    told(0.6, "access")
    made = _access(question, people, capacity, found.minutes, reach)
    per = float(question.get("per", 1_000))
    area = steps.access_table(demand, ours, people, found.minutes, made, per)
    told(0.8, "inequality")
    groups = np.array([str(one) for one in demand["group"].tolist()]) if "group" in demand.columns else None
    income = demand["income"].astype(np.float64) if "income" in demand.columns else None
    given = {"catchment": reach, "method": question.get("method", "2sfca"), "per": per}
    kept = [Step("costs", steps.costs_table(ours, others, found.minutes), {"limit": reach})]
    notes = list(found.notes)
    if kept[0].table.rows < found.minutes.nnz:
        notes.append(Note("costs_left_out", found.minutes.nnz, steps.MOST_COSTS))
    kept += [Step("access", area, given),
             Step("facilities", steps.facilities_table(others, capacity, found.minutes, made), given),
             Step("inequality", steps.inequality_table(made.per_head * per, people, groups, income), given),
             Step("lorenz", steps.lorenz_table(made.per_head, people), given)]  # fmt: skip
    if groups is not None:
        kept.append(Step("groups", steps.groups_table(made.per_head * per, area["minutes"], people, groups), given))
    summary = steps.summary_table(people, capacity, found.minutes, made, per)
    kept.append(Step("summary", summary, given))
    told(1.0, "summary")
    without = float(summary["without"][0])
    if without > 0:
        notes.append(Note("without", round(without), reach, "doubt"))
    return Worked(kept, [*notes, Note("method_" + str(given["method"]).replace("-", "_"))])


def _reach(question: Mapping[str, Any]) -> float:
    if question.get("method") == "e2sfca":
        return float(question.get("bounds", decay.LUO_QI[0])[-1])
    return float(question.get("catchment", 30))


def _access(question: Mapping[str, Any], people: Any, capacity: Any, minutes: pairs.Sparse, reach: float
            ) -> catchments.Access:  # fmt: skip
    method = str(question.get("method", "2sfca"))
    if method == "2sfca" and question.get("decay", "binary") == "binary":
        return catchments.two_step(people, capacity, minutes, reach)
    if method == "e2sfca":
        return catchments.enhanced_two_step(people, capacity, minutes, question.get("bounds", decay.LUO_QI[0]),
                                            question.get("weights", decay.LUO_QI[1]))  # fmt: skip
    form = decay.named(question.get("decay", "binary"), catchment=reach,
                       **{one: question.get(one) for one in ("bounds", "weights", "beta", "bandwidth")})  # fmt: skip
    if method in ("cumulative", "gravity"):
        total = catchments.gravity(capacity, minutes, decay.binary(reach) if method == "cumulative" else form, reach)
        nothing = np.full(len(capacity), np.nan)
        return catchments.Access(total, np.full(len(people), np.nan), nothing, nothing)
    if method == "spatial-availability":
        alpha = float(question.get("alpha", 1))
        return catchments.spatial_availability(people, capacity, minutes, form, reach, alpha)
    named = {"2sfca": catchments.weighted_two_step, "3sfca": catchments.three_step,
             "m2sfca": catchments.modified_two_step, "balanced": catchments.balanced}  # fmt: skip
    return named[method](people, capacity, minutes, form, reach)


KIND = Kind(
    "access",
    _("Access to a service"),
    _("How much of a service each area can reach, with the competition for it, and how unequally that is spread."),
    (
        InputSpec("demand", _("Areas with their people"), ("area",), {"people": _("people who need the service")},
                  OF_DEMAND, words=frozenset({"name", "group"})),
        InputSpec("supply", _("Facilities with their capacity"), ("facility",),
                  {"capacity": _("places, beds, doctors: what is shared out")}, OF_SUPPLY, words=frozenset({"name"})),
        *ways.INPUTS,
    ),
    SCHEMA,
    work,
    tell,
    notes={
        **ways.NOTES,
        "without": _("{value} people have no facility within {limit} minutes. Their access is 0, which is not the "
                     "same as not known."),
        "costs_left_out": _("There are {value} pairs within reach, more than the {limit} that a step keeps; each "
                            "area's nearest facility is kept in the step access."),
        "method_2sfca": _("Two-step floating catchment (Luo and Wang 2003): each facility's capacity is divided by all "
                          "people within reach of it, and each area adds up what it reaches."),
        "method_e2sfca": _("Enhanced two-step floating catchment (Luo and Qi 2009): nearer zones weigh more."),
        "method_3sfca": _("Three-step floating catchment (Wan, Zou and Sternberg 2012): people divide themselves among "
                          "the facilities that they reach."),
        "method_m2sfca": _("Modified two-step floating catchment (Delamater 2013): what is far from everybody is not "
                           "used up, so not all capacity is shared out."),
        "method_balanced": _("Balanced floating catchment (Páez, Higgins and Vivona 2019): nobody is counted twice; "
                             "levels of service add up over areas, heads do not."),
        "method_spatial_availability": _("Spatial availability (Soukhov et al. 2023): all capacity within reach is "
                                         "shared out in proportion to people and nearness."),
        "method_cumulative": _("Cumulative opportunities: what is within reach, whoever else reaches it."),
        "method_gravity": _("Gravity measure (Hansen 1959): what is within reach, weighted by nearness, without "
                            "competition."),
    },
    example=example,
)  # fmt: skip
