"""The steps of a study of queues, each as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

import numpy as np

from cityloom.insight.domain.queues import formulas, staffing
from cityloom.insight.domain.queues.day import Day
from cityloom.insight.domain.queues.running import Ran, measured
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.studies.queue_inputs import Asked

LEVEL = 0.95
_AROUND = 9
Mix = tuple[np.ndarray[Any, np.dtype[np.float64]], float, float, float | None]


def mixed(day: Day) -> Mix:
    """All classes as one: arrivals an hour by period, and mean (minutes), variation and patience of what comes."""
    rates = np.zeros(day.periods)
    weight, mean, square, patient = 0.0, 0.0, 0.0, 0.0
    for one in day.classes:
        own = np.asarray(one.rates if one.rates else np.zeros(day.periods), np.float64).copy()
        booked = np.bincount(np.clip((np.asarray(one.slots) // day.length).astype(int), 0, day.periods - 1),
                             minlength=day.periods) if one.slots else np.zeros(day.periods)  # fmt: skip
        own += booked * (1 - day.no_show) * 60 / day.length
        rates, many = rates + own, float(own.sum())
        weight, mean = weight + many, mean + many * one.mean
        square += many * one.mean**2 * (1 + one.cv**2)
        patient += many / one.patience
    mean, square = mean / max(weight, 1e-12), square / max(weight, 1e-12)
    cv = float(np.sqrt(max(square / mean**2 - 1, 0.0))) if mean > 0 else 1.0
    return rates, mean, cv, (weight / patient if patient > 0 else None)


def profile_table(asked: Asked, mix: Mix) -> Table:
    """By period: arrivals an hour, load in erlangs (as they come, and as they came a service time ago), counters."""
    rates, mean, _, _ = mix
    late = staffing.lagged(rates, asked.day.length / 60, mean / 60)
    counters = np.sum([group.counters for group in asked.day.groups], 0)
    return table("period", period=list(asked.labels), arrivals=rates, load=rates * mean / 60, lagged=late * mean / 60,
                 counters=np.asarray(counters, np.int64))  # fmt: skip


def staffing_table(asked: Asked, mix: Mix) -> Table:
    """By period: counters for the level of service on its own, with the lag, by the square root; what the open ones
    do.
    """
    rates, mean, cv, patience = mix
    day, found = asked.day, []
    late = staffing.lagged(rates, day.length / 60, mean / 60)
    counters = np.sum([group.counters for group in day.groups], 0)
    delay = max(1e-3, 1 - asked.share)
    for label, rate, before, own in zip(asked.labels, rates, late, counters, strict=True):
        alone, lagged = (staffing.least(one / 60, mean, asked.share, asked.minutes, patience, 1.0, cv)
                         for one in (rate, max(rate, before)))  # fmt: skip
        root = int(staffing.square_root(rate * mean / 60, delay)) if rate > 0 else 0
        found.append(
            (
                label,
                int(own),
                formulas.least_stable(rate / 60, mean) if rate > 0 else 0,
                alone,
                lagged,
                root,
                within(rate, mean, cv, patience, int(own), asked.minutes),
                int(own > rate * mean / 60),
            )
        )
    names = ("period", "open", "least_stable", "needed", "needed_lagged", "square_root", "within", "stable")
    return table("period", **dict(zip(names, map(list, zip(*found, strict=True)), strict=True)))


def within(rate: float, mean: float, cv: float, patience: float | None, servers: int, minutes: float) -> float:
    """The share served within so many minutes in a steady state; 0 without counters."""
    if rate <= 0:
        return 1.0
    if servers < 1:
        return 0.0
    if patience is not None:
        return formulas.served_within(rate / 60, mean, servers, patience, minutes)
    return float(formulas.within(rate / 60, mean, servers, minutes, 1.0, cv))


def counters_table(asked: Asked, mix: Mix) -> Table:
    """At the rate of the busiest period, in a steady state: what each number of counters does."""
    rates, mean, cv, patience = mix
    rate, found = float(rates.max()), []
    least = max(1, formulas.least_stable(rate / 60, mean) if patience is None else round(0.7 * rate * mean / 60))
    for servers in range(least, least + _AROUND):
        one = formulas.erlang_a(rate / 60, mean, servers, patience) if patience is not None else (
            formulas.mmc(rate / 60, mean, servers, 1.0, cv))  # fmt: skip
        found.append((servers, one.busy, one.waits, one.mean, one.length, one.abandon,
                      within(rate, mean, cv, patience, servers, asked.minutes)))  # fmt: skip
    names = ("counters", "busy", "waits", "mean_wait", "length", "abandon", "within")
    return table("counters", **dict(zip(names, map(list, zip(*found, strict=True)), strict=True)))


def _figures(day: Day, ran: Sequence[Ran], minutes: float) -> dict[str, list[float]]:
    """For each simulated day its figures; nan where a day has none."""
    found: dict[str, list[float]] = {}

    def add(name: str, value: float) -> None:
        found.setdefault(name, []).append(value)

    for one in ran:
        came, served = len(one.wait), one.left == 0
        add("came", float(came))
        add("within", float((one.wait <= minutes).sum() / came) if came else np.nan)
        add("mean_wait", float(one.wait[served].mean()) if served.any() else np.nan)
        add("wait_90", float(np.quantile(one.wait[served], 0.9)) if served.any() else np.nan)
        add("left", float((~served).sum() / came) if came else np.nan)
        add("absent", float(one.came.absent.sum()))
        add("busy", one.busy / one.open if one.open else np.nan)
        add("longest", float(one.longest))
        add("after_closing", max(0.0, one.ended - day.closes))
    return found


def simulated_table(options: Mapping[str, tuple[Day, Sequence[Ran]]], minutes: float) -> Table:
    """By option: counters, and what came of the simulated days, with intervals of the two that are asked for."""
    rows = []
    for name, (day, ran) in options.items():
        figures = {key: measured(values, LEVEL) for key, values in _figures(day, ran, minutes).items()}
        share, wait = figures["within"], figures["mean_wait"]
        rows.append(
            (
                name,
                max(np.sum([group.counters for group in day.groups], 0)),
                share.mean,
                max(share.low, 0.0),
                min(share.high, 1.0),
                wait.mean,
                max(wait.low, 0.0),
                wait.high,
                *(
                    figures[key].mean
                    for key in ("wait_90", "left", "busy", "longest", "after_closing", "came", "absent")
                ),
            )
        )
    names = (
        "option",
        "counters",
        "within",
        "within_low",
        "within_high",
        "mean_wait",
        "wait_low",
        "wait_high",
        "wait_90",
        "left",
        "busy",
        "longest",
        "after_closing",
        "came",
        "absent",
    )
    return table("option", **dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def day_table(options: Mapping[str, tuple[Day, Sequence[Ran]]], labels: Sequence[str], minutes: float) -> Table:
    """By option and period of coming: share within the time and mean wait, with intervals over the days."""
    rows = []
    for name, (day, ran) in options.items():
        whens = [np.clip((one.came.due // day.length).astype(int), 0, day.periods - 1) for one in ran]
        for period, label in enumerate(labels):
            here = [(one, when == period) for one, when in zip(ran, whens, strict=True)]
            share = measured([float((one.wait[own] <= minutes).mean()) for one, own in here if own.any()], LEVEL)
            wait = measured(
                [float(np.nanmean(one.wait[own])) for one, own in here if np.isfinite(one.wait[own]).any()], LEVEL
            )
            rows.append(
                (
                    name,
                    label,
                    share.mean,
                    max(share.low, 0.0),
                    min(share.high, 1.0),
                    wait.mean,
                    max(wait.low, 0.0),
                    wait.high,
                )
            )
    names = ("option", "period", "within", "within_low", "within_high", "mean_wait", "wait_low", "wait_high")
    return table(("option", "period"), **dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def services_table(options: Mapping[str, tuple[Day, Sequence[Ran]]], minutes: float) -> Table:
    """By option and service: share within the time, mean wait, share that left."""
    rows = []
    for name, (day, ran) in options.items():
        for kind, service in enumerate(day.classes):
            here = [(one, one.came.kind == kind) for one in ran]
            share = measured([float((one.wait[own] <= minutes).mean()) for one, own in here if own.any()])
            wait = measured([float(np.nanmean(one.wait[own])) for one, own in here if np.isfinite(one.wait[own]).any()])
            left = measured([float((one.left[own] > 0).mean()) for one, own in here if own.any()])
            rows.append((name, service.name, service.mean, share.mean, wait.mean, left.mean))
    names = ("option", "service", "minutes", "within", "mean_wait", "left")
    return table(("option", "service"), **dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def is_single(day: Day) -> bool:
    """Whether all counters are alike, so that their number is one number."""
    return len(day.groups) == 1


def has_patience(day: Day) -> bool:
    """Whether somebody may leave."""
    return any(one.patience < inf for one in day.classes)
