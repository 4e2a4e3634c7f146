"""The question and tables of a study of queues as a day that can be worked out and simulated."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np

from cityloom.insight.domain.queues.day import Class, Day, Group
from cityloom.insight.domain.study.tables import Table
from cityloom.insight.studies.sheets import Sheet
from cityloom.kernel.refused import Refused

USUAL: Mapping[str, Mapping[str, Sequence[str]]] = {
    "arrivals": {
        "period": ("time", "hour", "from", "时段", "时间"),
        "arrivals": ("arrivals_per_hour", "per_hour", "到达人数"),
        "service": ("class", "业务"),
        "counters": ("windows", "窗口数"),
    },
    "services": {
        "service": ("class", "业务"),
        "minutes": ("service_minutes", "mean", "分钟"),
        "cv": ("variation",),
        "priority": ("优先级",),
        "patience": ("patience_minutes",),
    },
    "counters": {
        "group": ("name", "窗口组"),
        "counters": ("windows", "number", "窗口数"),
        "skills": ("services", "业务"),
        "period": ("time", "hour", "from", "时段"),
    },
    "appointments": {
        "time": ("slot", "时间"),
        "number": ("appointments", "count", "人数"),
        "service": ("class", "业务"),
    },
}
DEFAULT = "all"
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
_NO_CLOCK = "{value} is not a time of day; write it as {limit}."
_NOTHING = "Nothing comes: give arrivals_per_hour, a table of arrivals or appointments; {value} was given ({limit})."
_NO_SERVICE = "There is no time of service for {value}; give it as {limit} or in the table of services."
_NO_COUNTERS = "There are {value} counters in {limit}; give at least one, as counters or in a table."
_NEGATIVE = "There are {value} arrivals at {limit}; what comes cannot be below zero."


@dataclass(frozen=True)
class Asked:
    """A day, what its periods are called, and the level of service that is wanted."""

    day: Day
    labels: Sequence[str]
    share: float
    minutes: float


def asked(question: Mapping[str, Any], inputs: Mapping[str, Table]) -> Asked:
    """Read and check question and tables.

    Raises: Refused, as its tables and the day say.
    """
    said = dict(question.get("columns", {}))
    sheets = {name: Sheet(name, inputs[name], USUAL[name], said.get(name, {})) for name in USUAL if name in inputs}
    length = float(question.get("period_minutes", 60))
    opens = minutes_of(str(question.get("opens", "09:00")))
    labels = _labels(sheets.get("arrivals"), question, opens, length)
    rates = _rates(sheets.get("arrivals"), question, labels)
    slots = _slots(sheets.get("appointments"), question, opens, len(labels) * length)
    if not any(map(sum, rates.values())) and not any(map(len, slots.values())):
        raise Refused("insight.queue_nothing", _NOTHING, value=0, limit=", ".join(sheets) or "-")
    classes = _classes(sheets.get("services"), question, rates, slots)
    appointed = dict(question.get("appointments", {}))
    day = Day(len(labels), length, classes, _groups(sheets, question, labels), float(appointed.get("no_show", 0.0)),
              float(appointed.get("late_minutes", 0.0)), float(appointed.get("late_sd", 0.0)),
              float(question.get("balk_at", inf)), bool(question.get("turns_away", False)))  # fmt: skip
    day.check()
    target = dict(question.get("target", {}))
    return Asked(day, labels, float(target.get("share", 0.9)), float(target.get("minutes", 10)))


def minutes_of(clock: str) -> float:
    """Minutes after midnight of a time as 09:30.

    Raises: Refused `insight.queue_clock`.
    """
    found = _CLOCK.fullmatch(clock.strip())
    if not found:
        raise Refused("insight.queue_clock", _NO_CLOCK, value=clock[:40], limit="09:30")
    return 60.0 * int(found[1]) + int(found[2])


def _labels(sheet: Sheet | None, question: Mapping[str, Any], opens: float, length: float) -> list[str]:
    if sheet is not None:
        return list(dict.fromkeys(sheet.words("period")))
    periods = max(1, round(float(question.get("hours", 8)) * 60 / length))
    return [f"{int(at // 60):02d}:{int(at % 60):02d}" for at in opens + length * np.arange(periods)]


def _rates(sheet: Sheet | None, question: Mapping[str, Any], labels: Sequence[str]) -> dict[str, list[float]]:
    if sheet is None:
        return {DEFAULT: [float(question.get("arrivals_per_hour", 0.0))] * len(labels)}
    names = sheet.words("service") if "service" in sheet else [DEFAULT] * sheet.table.rows
    found = {name or DEFAULT: [0.0] * len(labels) for name in names}
    for name, period, many in zip(names, sheet.words("period"), sheet.numbers("arrivals").tolist(), strict=True):
        if many < 0 or np.isinf(many):
            raise Refused("insight.queue_negative", _NEGATIVE, value=many, limit=period[:40])
        found[name or DEFAULT][labels.index(period)] += 0.0 if np.isnan(many) else many
    return found


def _slots(sheet: Sheet | None, question: Mapping[str, Any], opens: float, minutes: float) -> dict[str, list[float]]:
    said = dict(question.get("appointments", {}))
    found: dict[str, list[float]] = {}
    if sheet is None and said.get("every_minutes"):
        every, each = float(said["every_minutes"]), int(said.get("each", 1))
        found[str(said.get("service", DEFAULT))] = np.repeat(np.arange(0, minutes - 1e-9, every), each).tolist()
    if sheet is not None:
        names = sheet.words("service") if "service" in sheet else [DEFAULT] * sheet.table.rows
        many = sheet.numbers("number") if "number" in sheet else np.ones(sheet.table.rows)
        for name, clock, count in zip(names, sheet.words("time"), many.tolist(), strict=True):
            found.setdefault(name or DEFAULT, []).extend([minutes_of(clock) - opens] * int(count))
    return found


def _classes(sheet: Sheet | None, question: Mapping[str, Any], rates: Mapping[str, Sequence[float]],
             slots: Mapping[str, Sequence[float]]) -> list[Class]:  # fmt: skip
    names = dict.fromkeys([name for name in (*rates, *slots) if sum(rates.get(name, ())) or slots.get(name)])
    said: dict[str, dict[str, float]] = {}
    if sheet is not None:
        columns = [name for name in ("minutes", "cv", "priority", "patience") if name in sheet]
        values = [sheet.numbers(name).tolist() for name in columns]
        for row, name in enumerate(sheet.words("service")):
            said[name] = {key: own[row] for key, own in zip(columns, values, strict=True) if not np.isnan(own[row])}
    usual = {"minutes": question.get("service_minutes"), "cv": question.get("service_cv", 1.0),
             "patience": question.get("patience_minutes", inf), "priority": 0}  # fmt: skip
    found = []
    for name in names:
        own = usual | said.get(name, {})
        if own["minutes"] is None:
            raise Refused("insight.queue_no_service", _NO_SERVICE, value=name[:80], limit="service_minutes")
        found.append(
            Class(
                name,
                tuple(rates.get(name, ())),
                float(own["minutes"]),
                float(own["cv"]),
                int(own["priority"]),
                float(own["patience"]),
                tuple(sorted(slots.get(name, ()))),
            )
        )
    return found


def _groups(sheets: Mapping[str, Sheet], question: Mapping[str, Any], labels: Sequence[str]) -> list[Group]:
    sheet, arrivals = sheets.get("counters"), sheets.get("arrivals")
    if sheet is None:
        usual = int(question.get("counters", 0))
        open_at = dict.fromkeys(labels, usual)
        if arrivals is not None and "counters" in arrivals:
            open_at |= dict(zip(arrivals.words("period"), arrivals.wholes("counters"), strict=True))
        counters = tuple(open_at[label] for label in labels)
        if min(counters) < 0 or (max(counters) == 0 and "counters" in question):
            raise Refused("insight.queue_no_counters", _NO_COUNTERS, value=min(counters), limit="counters")
        return [Group(DEFAULT, counters)]
    found: dict[str, Group] = {}
    skills = sheet.words("skills") if "skills" in sheet else [""] * sheet.table.rows
    periods = sheet.words("period") if "period" in sheet else [""] * sheet.table.rows
    for name, many, can, period in zip(sheet.words("group"), sheet.wholes("counters"), skills, periods, strict=True):
        if many < 0:
            raise Refused("insight.queue_no_counters", _NO_COUNTERS, value=many, limit=name[:80])
        had = found.get(name, Group(name, (0,) * len(labels), frozenset()))
        counters = tuple(many if not period or label == period else own
                         for label, own in zip(labels, had.counters, strict=True))  # fmt: skip
        found[name] = Group(
            name, counters, had.skills | frozenset(filter(None, map(str.strip, re.split("[;,；，]", can))))
        )
    return list(found.values())


def changed(day: Day, change: Mapping[str, Any]) -> Day:
    """The day as an option has it: more or fewer counters, other no-shows, more arrivals, another time of service."""
    groups, classes = list(day.groups), list(day.classes)
    of = str(change.get("group", ""))
    if "counters" in change or "counters_change" in change:
        groups = [_with(group, change) if of in {"", group.name} else group for group in groups]
    factor, minutes = float(change.get("arrivals_factor", 1.0)), change.get("service_minutes")
    patience = change.get("patience_minutes")
    classes = [replace(one, rates=tuple(factor * rate for rate in one.rates),
                       mean=one.mean if minutes is None else float(minutes),
                       patience=one.patience if patience is None else float(patience)) for one in classes]  # fmt: skip
    return replace(day, groups=groups, classes=classes, no_show=float(change.get("no_show", day.no_show)),
                   late=float(change.get("late_minutes", day.late)))  # fmt: skip


def _with(group: Group, change: Mapping[str, Any]) -> Group:
    said, more = change.get("counters"), int(change.get("counters_change", 0))
    return replace(group, counters=tuple(max(0, (own if said is None else int(said)) + (more if own else 0))
                                         for own in group.counters))  # fmt: skip
