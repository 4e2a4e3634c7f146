"""The kind `queue`: how long people wait at counters or in a clinic, how many counters that needs, and what changes
do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.queues.day import Day
from cityloom.insight.domain.queues.running import Ran, measured, simulated
from cityloom.insight.domain.study.study import Note, Step, Told
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.studies import queue_inputs as read
from cityloom.insight.studies import queue_steps as steps
from cityloom.insight.studies.kinds import InputSpec, Kind, Worked
from cityloom.insight.studies.queue_told import NOTES, example, tell

NOW, NEEDED, STAFFED = "As it is", "As many as needed", "Period by period"
_MOST_EVENTS = 2_500_000
_LEAST_DAYS = 20
_TRIED = 40
_WORDS = frozenset({"period", "service", "group", "skills", "time"})
_NAMES = {"type": "object", "additionalProperties": {"type": "string", "maxLength": 80}}
_CHANGE = {
    "type": "object", "required": ["name"], "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 80}, "group": {"type": "string", "maxLength": 80},
        "counters": {"type": "integer", "minimum": 0, "maximum": 2000},
        "counters_change": {"type": "integer", "minimum": -2000, "maximum": 2000},
        "no_show": {"type": "number", "minimum": 0, "maximum": 1}, "late_minutes": {"type": "number"},
        "arrivals_factor": {"type": "number", "minimum": 0, "maximum": 100},
        "service_minutes": {"type": "number", "exclusiveMinimum": 0},
        "patience_minutes": {"type": "number", "exclusiveMinimum": 0},
    },
}  # fmt: skip
SCHEMA: Mapping[str, Any] = {
    "type": "object", "additionalProperties": False,
    "properties": {
        "arrivals_per_hour": {"type": "number", "minimum": 0, "maximum": 100000},
        "service_minutes": {"type": "number", "exclusiveMinimum": 0, "maximum": 10000},
        "service_cv": {"type": "number", "minimum": 0, "maximum": 20, "default": 1},
        "counters": {"type": "integer", "minimum": 1, "maximum": 2000},
        "opens": {"type": "string", "pattern": "^[0-2]?[0-9]:[0-5][0-9]$", "default": "09:00"},
        "hours": {"type": "number", "exclusiveMinimum": 0, "maximum": 24, "default": 8},
        "period_minutes": {"type": "number", "minimum": 1, "maximum": 1440, "default": 60},
        "patience_minutes": {"type": "number", "exclusiveMinimum": 0},
        "balk_at": {"type": "integer", "minimum": 1},
        "turns_away": {"type": "boolean", "default": False},
        "target": {"type": "object", "additionalProperties": False, "properties": {
            "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 0.999, "default": 0.9},
            "minutes": {"type": "number", "minimum": 0, "maximum": 10000, "default": 10}}},
        "appointments": {"type": "object", "additionalProperties": False, "properties": {
            "every_minutes": {"type": "number", "exclusiveMinimum": 0}, "each": {"type": "integer", "minimum": 1},
            "service": {"type": "string", "maxLength": 80}, "no_show": {"type": "number", "minimum": 0, "maximum": 1},
            "late_minutes": {"type": "number"}, "late_sd": {"type": "number", "minimum": 0}}},
        "what_if": {"type": "array", "items": _CHANGE, "maxItems": 12},
        "days": {"type": "integer", "minimum": 2, "maximum": 2000, "default": 100},
        "seed": {"type": "integer", "minimum": 0, "maximum": 2147483647, "default": 1},
        "columns": {"type": "object", "additionalProperties": _NAMES, "maxProperties": 4},
    },
}  # fmt: skip


def work(question: Mapping[str, Any], inputs: Mapping[str, Table], told: Told) -> Worked:
    """The day's profile, counters by formula, and simulated days of each option."""
    asked = read.asked(question, inputs)
    day, mix, notes = asked.day, steps.mixed(asked.day), []
    seed, what_if = int(question.get("seed", 1)), list(question.get("what_if", ()))
    staffed = steps.staffing_table(asked, mix)
    days = _days(day, mix, question, len(what_if) + 3, notes)
    told(0.1, "simulated")
    options = _options(asked, staffed, mix, what_if)
    made = {}
    for number, (name, own) in enumerate(options.items()):
        made[name] = (own, simulated(own, days, seed))
        told(0.1 + 0.7 * (number + 1) / len(options), "simulated")
    needed = 0
    if steps.is_single(day):
        needed, own = _needed(asked, staffed, days, seed)
        if own:
            made[NEEDED] = own
        else:
            notes.append(Note("never_reached", asked.share, asked.minutes, "doubt"))
    notes += _about(asked, staffed, mix)
    given = {"share": asked.share, "minutes": asked.minutes}
    simulated_given = given | {"days": days, "interval": steps.LEVEL}
    return Worked((
        Step("profile", steps.profile_table(asked, mix)),
        Step("counters", steps.counters_table(asked, mix), given | {"service_minutes": mix[1], "service_cv": mix[2]}),
        Step("staffing", staffed, given),
        Step("simulated", steps.simulated_table(made, asked.minutes), simulated_given, seed),
        Step("day", steps.day_table(made, asked.labels, asked.minutes), simulated_given, seed),
        Step("services", steps.services_table(made, asked.minutes), simulated_given, seed),
        Step("answer", table("what", what=["answer"], needed=[needed], peak=[int(staffed["needed"].max())],
                             share=[asked.share], minutes=[asked.minutes]), simulated_given, seed),
    ), notes)  # fmt: skip


def _days(day: Day, mix: steps.Mix, question: Mapping[str, Any], options: int, notes: list[Note]) -> int:
    """How many days are simulated: as many as asked, or as those who come allow."""
    wanted = int(question.get("days", 100))
    events = max(float(mix[0].sum()) * day.length / 60, 1.0)
    most = max(_LEAST_DAYS, int(_MOST_EVENTS / (events * (options + 3))))
    if most < wanted:
        notes.append(Note("fewer_days", most, wanted))
    return min(wanted, most)


def _options(asked: read.Asked, staffed: Table, mix: steps.Mix, what_if: Sequence[Mapping[str, Any]]) -> dict[str, Day]:
    day, found = asked.day, {}
    is_open = any(sum(group.counters) for group in day.groups)
    if is_open:
        found[NOW] = day
        found |= {str(one["name"]): read.changed(day, one) for one in what_if}
    if steps.is_single(day):
        counters = tuple(int(one) for one in staffed["needed_lagged"])
        found[STAFFED] = replace(day, groups=[replace(day.groups[0], counters=counters)])
    return found


def _needed(asked: read.Asked, staffed: Table, days: int, seed: int) -> tuple[int, tuple[Day, list[Ran]] | None]:
    """The least number of counters, open all day, with which simulated days reach the level of service."""

    def tried(counters: int) -> tuple[float, Day, list[Ran]]:
        group = replace(asked.day.groups[0], counters=(counters,) * asked.day.periods)
        own = replace(asked.day, groups=[group])
        ran = simulated(own, days, seed)
        share = measured([float((one.wait <= asked.minutes).mean()) for one in ran if len(one.wait)]).mean
        return share, own, ran

    counters = max(1, int(staffed["needed"].max()))
    share, own, ran = tried(counters)
    if not share >= asked.share:
        for counters in range(counters + 1, counters + _TRIED):  # noqa: B020 - the number goes on from where it is
            share, own, ran = tried(counters)
            if share >= asked.share:
                return counters, (own, ran)
        return 0, None
    while counters > 1:
        share, fewer, less = tried(counters - 1)
        if not share >= asked.share:
            break
        counters, own, ran = counters - 1, fewer, less
    return counters, (own, ran)


def _about(asked: read.Asked, staffed: Table, mix: steps.Mix) -> list[Note]:
    notes = []
    over = np.flatnonzero((staffed["stable"] == 0) & (staffed["open"] > 0))
    if len(over) and mix[3] is None:
        periods = ", ".join(str(staffed["period"][row]) for row in over)[:200]
        notes.append(Note("unstable", periods, int(staffed["least_stable"][over].max()), "wrong"))
    if mix[3] is not None and len(over):
        notes.append(Note("overloaded", ", ".join(str(staffed["period"][row]) for row in over)[:200], weight="doubt"))
    if len(asked.day.classes) > 1:
        notes.append(Note("one_class", len(asked.day.classes)))
    if not steps.is_single(asked.day):
        notes.append(Note("several_groups", len(asked.day.groups)))
    if any(one.slots for one in asked.day.classes):
        notes.append(Note("appointments_even"))
    return [*notes, Note("steady")]


def _spec(name: str, title: str, columns: Mapping[str, str]) -> InputSpec:
    return InputSpec(name, title, (), {}, columns, needed=False, words=frozenset(columns) & _WORDS)


KIND = Kind(
    "queue",
    _("Waiting at counters and in clinics"),
    _("How long people wait for what comes and is served in a day, how many counters a level of service needs, "
      "and what closing "
      "some, no-shows or more arrivals would do."),
    (
        _spec("arrivals", _("Arrivals by time of day"),
              {"period": _("the period, in order"), "arrivals": _("arrivals an hour"), "service": _("what they "
                                                                                                    "come for"),
               "counters": _("counters that are open")}),
        _spec("services", _("What people come for"),
              {"service": _("the service"), "minutes": _("mean time of service, minutes"),
               "cv": _("its coefficient of variation"), "priority": _("a lower number goes first"),
               "patience": _("mean patience, minutes")}),
        _spec("counters", _("Groups of counters"),
              {"group": _("the group"), "counters": _("counters that are open"), "skills": _("the services it serves"),
               "period": _("in which period; all, where empty")}),
        _spec("appointments", _("Appointments"),
              {"time": _("the time, as 09:30"), "number": _("how many"), "service": _("what they come for")}),
    ),
    SCHEMA,
    work,
    tell,
    notes=NOTES,
    example=example,
    options="simulated",
)  # fmt: skip
