"""The kind `siting`: where new sites should be, which may go, what each is worth, and who gains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.siting import exact, solving
from cityloom.insight.domain.siting.problem import Problem, check_size
from cityloom.insight.domain.siting.solving import Sited
from cityloom.insight.domain.study.study import Note, Step, Told
from cityloom.insight.domain.study.tables import Table
from cityloom.insight.studies import siting_steps as steps
from cityloom.insight.studies import travel as ways
from cityloom.insight.studies.access import OF_DEMAND
from cityloom.insight.studies.kinds import InputSpec, Kind, Worked
from cityloom.insight.studies.siting_example import example
from cityloom.insight.studies.siting_inputs import Given, given
from cityloom.insight.studies.siting_notes import NOTES
from cityloom.insight.studies.siting_told import tell
from cityloom.kernel.refused import Refused

OBJECTIVES = ("p-median", "max-cover", "set-cover", "p-centre")
_COUNTS = {"oneOf": [{"type": "integer", "minimum": 0, "maximum": 5_000},
                     {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 5_000}, "minItems": 1,
                      "maxItems": 10}]}  # fmt: skip
_MONEY = {"oneOf": [{"type": "number", "minimum": 0}, {"type": "array", "items": {"type": "number", "minimum": 0},
                                                       "minItems": 1, "maxItems": 10}]}  # fmt: skip
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "objective": {"enum": list(OBJECTIVES), "default": "p-median"},
        "p": _COUNTS,
        "budget": _MONEY,
        "close": _COUNTS,
        "within": {"type": "number", "exclusiveMinimum": 0, "maximum": 1_000, "default": 30},
        "limit": {"type": "number", "exclusiveMinimum": 0, "maximum": 10_000, "default": 120},
        "leave_out": {"type": "boolean", "default": False},
        "capacities": {"type": "boolean", "default": True},
        "options": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 5_000}, "maxItems": 8},
        "way": {"enum": ["auto", "exact", "search"], "default": "auto"},
        "seconds": {"type": "number", "minimum": 1, "maximum": 3_600, "default": exact.SECONDS},
        "seed": {"type": "integer", "minimum": 0, "maximum": 2**31, "default": 1},
        **ways.MODES,
    },
}
_ONLY = "Periods, closures and options are weighed for {limit}, not for {value}; leave them out, or change it."
_NO_P = "How many sites may be opened, or for how much, is not said; give p, budget or close."


def check(question: Mapping[str, Any]) -> None:
    """Refuse what goes together with no objective.

    Raises: Refused `insight.siting_only`, `insight.siting_no_p`.
    """
    objective = question.get("objective", "p-median")
    if objective in ("set-cover", "p-centre"):
        phased = any(isinstance(question.get(one), list) for one in ("p", "budget", "close"))
        if phased or question.get("close") or question.get("options"):
            raise Refused("insight.siting_only", _ONLY, value=objective, limit="p-median, max-cover")
    if objective != "set-cover" and not any(one in question for one in ("p", "budget", "close")):
        raise Refused("insight.siting_no_p", _NO_P)


def work(question: Mapping[str, Any], inputs: Mapping[str, Table], told: Told) -> Worked:
    """Travel times, the choice of sites, who goes where, what each is worth, who gains, and other numbers of sites."""
    check(question)
    rows = [inputs[one].rows if one in inputs else 0 for one in ("demand", "supply", "candidates")]
    check_size(rows[0], rows[1] + rows[2])
    found = given(question, inputs)
    told(0.05, "costs")
    moved = ways.travel(question, inputs, found.areas, found.sites, found.people[-1], _reach(question))
    minutes = steps.dense(moved.minutes)
    notes = list(moved.notes)
    found, minutes = _left_out(question, found, minutes, notes)
    told(0.3, "solution")
    sited = _sited(question, found, minutes, question.get("p"))
    told(0.6, "marginal")
    said = {"objective": question.get("objective", "p-median"), "within": float(question.get("within", 30))}
    kept = [
        Step("periods", steps.periods_table(sited, minutes, said["within"]), said),
        Step("solution", steps.solution_table(found, sited), said),
        Step("assignment", steps.assignment_table(found, sited, minutes), said),
        Step("areas", (areas := steps.areas_table(found, sited, minutes)), said),
        Step("marginal", steps.marginal_table(found, sited, said["objective"]), said),
        Step("equity", steps.equity_table(found, sited, minutes, areas, said["within"]), said),
    ]
    if found.group is not None:
        kept.append(Step("groups", steps.groups_table(found, areas), said))
    told(0.8, "options")
    kept.append(Step("options", _options(question, found, minutes, sited), said))
    kept.append(Step("summary", steps.summary_table(found, sited, areas, said["within"]), said))
    notes += _about(question, found, sited)
    return Worked(kept, notes)


def _reach(question: Mapping[str, Any]) -> float:
    radius = question.get("objective") in ("max-cover", "set-cover")
    return max(float(question.get("limit", 120)), float(question.get("within", 30)) if radius else 0.0)


def _left_out(question: Mapping[str, Any], found: Given, minutes: Any, notes: list[Note]) -> tuple[Given, Any]:
    """Without the areas that no site can serve, where the question says so."""
    reached = np.isfinite(minutes).any(1)
    if reached.all() or not question.get("leave_out"):
        return found, minutes
    notes.append(Note("left_out", int((~reached).sum()), round(float(found.people[-1, ~reached].sum())), "doubt"))
    return found.only(reached), minutes[reached]


def _sited(question: Mapping[str, Any], found: Given, minutes: Any, p: Any) -> Sited:
    objective, within = question.get("objective", "p-median"), float(question.get("within", 30))
    way, seconds = question.get("way", "auto"), float(question.get("seconds", exact.SECONDS))
    p = 0 if p is None and "budget" not in question else p
    given = {"capacity": found.capacity, "price": found.price, "existing": found.existing, "keep": found.keep}
    if objective == "set-cover":
        return solving.set_covering(found.people[-1], minutes, within, by_price="budget" in question, seconds=seconds,
                                    **given)  # fmt: skip
    given["budget"] = question.get("budget")
    if objective == "p-centre":
        return solving.p_centre(found.people[-1], minutes, p, seconds=seconds, **given)
    given["close"] = question.get("close", 0)
    if objective == "max-cover":
        return solving.maximal_covering(found.people, minutes, p, within, way=way, seconds=seconds, **given)
    return solving.p_median(found.people, minutes, p, way=way, seconds=seconds, **given)


def _options(question: Mapping[str, Any], found: Given, minutes: Any, sited: Sited) -> Table:
    """The same for other numbers of new sites, for one period each; those that cannot be are left out."""
    whole: list[tuple[int, Sited]] = []
    last = found.last()
    for p in sorted(set(question.get("options", []))):
        try:
            whole.append((p, _sited({**question, "way": _way(question, sited.problem)}, last, minutes, p)))
        except Refused:
            continue
    if not whole:
        whole = [(int((sited.solution.open[-1] & ~sited.problem.existing).sum()), _last(sited))]
    return steps.options_table(found, whole, minutes, float(question.get("within", 30)))


def _way(question: Mapping[str, Any], asked: Problem) -> str:
    """Options of a large problem are searched, though it itself is proved: there are several."""
    way = str(question.get("way", "auto"))
    return "search" if way == "auto" and not exact.is_small(asked, 4) else way


def _last(sited: Sited) -> Sited:
    total = sited.served[-1].total
    solution = replace(sited.solution, open=sited.solution.open[-1:], total=total,
                       bound=total * (1 - sited.solution.gap))  # fmt: skip
    last = sited.problem.periods - 1
    return Sited(sited.problem.period(last), solution, sited.served[-1:], sited.ways.period(last))


def _about(question: Mapping[str, Any], found: Given, sited: Sited) -> list[Note]:
    notes = []
    if not sited.solution.proved:
        notes.append(Note("bounded", round(100 * sited.solution.gap, 2), weight="doubt"))
    if sited.solution.stopped:
        notes.append(Note("stopped", float(question.get("seconds", exact.SECONDS)), weight="doubt"))
    if sited.problem.limited:
        notes.append(Note("sent"))
    if sited.problem.periods > 1 and found.still:
        notes.append(Note("people_stay", weight="doubt"))
    left = float(sited.served[-1].left.sum())
    if left > 1e-6 and question.get("objective") != "max-cover":
        notes.append(Note("left", round(left), weight="doubt"))
    return notes


KIND = Kind(
    "siting",
    _("Sites"),
    _("Where new sites should be, which may go, in what order they open, what each is worth, and who gains."),
    (
        InputSpec("demand", _("Areas with their people"), ("area",), {"people": _("people who need the service")},
                  {one: words for one, words in OF_DEMAND.items() if one != "income"},
                  words=frozenset({"name", "group"})),
        InputSpec("candidates", _("Sites that may be opened"), ("site",), {}, {
            "name": _("what the site is called"), "lon": _("longitude, degrees"), "lat": _("latitude, degrees"),
            "capacity": _("people it can serve; empty: any number"), "cost": _("what opening it costs"),
            "existing": _("1: it is open already"), "keep": _("1: it may not be closed")}, words=frozenset({"name"})),
        InputSpec("supply", _("Sites that exist"), ("facility",), {}, {
            "name": _("what the facility is called"), "lon": _("longitude, degrees"), "lat": _("latitude, degrees"),
            "capacity": _("people it can serve; empty: any number"), "keep": _("1: it may not be closed")},
            needed=False, words=frozenset({"name"})),
        *ways.INPUTS,
    ),
    SCHEMA,
    work,
    tell,
    check,
    notes={**ways.NOTES, **NOTES},
    example=example,
    options="options",
)  # fmt: skip
