"""The tables of a review: waiting, bottlenecks, rework, hand-overs, offices and limits, without small counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from cityloom.insight.domain import limits
from cityloom.insight.domain.eventlog import NONE, EventLog, Instants
from cityloom.insight.domain.follows import Follows
from cityloom.insight.domain.grouped import Keyed
from cityloom.insight.domain.handovers import Handovers
from cityloom.insight.domain.rework import Again, ToAndFro
from cityloom.insight.domain.small import hours, is_told, seconds, told
from cityloom.insight.domain.waiting import PARTS, Waiting

MOST_ROWS = 30
MOST_OFFICES = 12


def waiting_table(log: EventLog, split: Waiting, outside: tuple[str, ...], short: int) -> dict[str, Any]:
    """Hours by part, in all and by step; steps in the order of their sum."""
    wide = len(log.activities)
    sums = {part: np.bincount(log.activity, getattr(split, part).astype(np.float64), wide) for part in PARTS}
    keyed = Keyed(log.activity.astype(np.int64), split.elapsed, log.case)
    found, cases = keyed.summed(), keyed.cases()
    rows = []
    for at in np.lexsort((found.keys, -found.total)):
        step, many = int(found.keys[at]), int(cases[at])
        rows.append({"step": step, "events": int(found.count[at]) if is_told(many) else None, "cases": told(many),
                     **{f"{part}_h": hours(sums[part][step], many) for part in PARTS},
                     "median_s": seconds(found.quantiles[0][at], many),
                     "ninth_s": seconds(found.quantiles[1][at], many)})  # fmt: skip
    whole = {f"{part}_h": hours(sums[part].sum(), log.cases) for part in PARTS}
    return {**whole, "steps": rows, "known": int(split.known.sum()), "of": len(log), "short_min": short // 60_000_000,
            "outside": list(outside)}  # fmt: skip


def bottlenecks(found: Follows, split: Waiting) -> list[dict[str, Any]]:
    """The passes from step to step that take the most time in all."""
    whole = max(float(split.elapsed.sum()), 1.0)
    order = np.argsort(-found.total, kind="stable")
    return [
        {"source": int(found.source[at]), "target": int(found.target[at]), "hours": hours(found.total[at], cases),
         "share": round(float(found.total[at]) / whole, 4), "count": int(found.count[at]), "cases": cases,
         "median_s": seconds(found.median[at], cases), "ninth_s": seconds(found.ninth[at], cases)}
        for at in order[:MOST_ROWS] if is_told(cases := int(found.cases[at])) and found.total[at] > 0
    ]  # fmt: skip


def rework_table(again: Again, pairs: ToAndFro, log: EventLog) -> dict[str, Any]:
    """Steps that are done again, and pairs between which cases go to and fro."""
    repeats = [
        {"step": int(step), "cases": cases, "times": int(again.count[at]), "at_once": int(again.at_once[at]),
         "hours": hours(again.total[at], cases), "median_s": seconds(again.median[at], cases)}
        for at, step in enumerate(again.activity) if is_told(cases := int(again.cases[at]))
    ]  # fmt: skip
    return {"steps": repeats[:MOST_ROWS], "few_steps": len(again.activity) - len(repeats),
            "pairs": _pairs(pairs), "of": log.cases}  # fmt: skip


def _pairs(pairs: ToAndFro) -> list[dict[str, Any]]:
    return [
        {"one": int(pairs.one[at]), "other": int(pairs.other[at]), "times": int(pairs.count[at]), "cases": cases,
         "hours": hours(pairs.total[at], cases), "median_s": seconds(pairs.median[at], cases)}
        for at in range(len(pairs.one)) if is_told(cases := int(pairs.cases[at]))
    ][:MOST_ROWS]  # fmt: skip


def handover_table(found: Handovers, returns: ToAndFro, log: EventLog) -> dict[str, Any]:
    """The matrix of the offices that have the most passes, and cases that come back; None is fewer than 8 cases."""
    sums = np.bincount(found.source, found.count, len(log.offices)) + np.bincount(
        found.target, found.count, len(log.offices)
    )
    shown = [int(one) for one in np.argsort(-sums, kind="stable")[:MOST_OFFICES] if sums[one] > 0]
    cells: list[list[int | None]] = [[0] * len(shown) for _ in shown]
    medians: list[list[float | None]] = [[None] * len(shown) for _ in shown]
    for at in range(len(found.source)):
        source, target, cases = int(found.source[at]), int(found.target[at]), int(found.cases[at])
        if source in shown and target in shown:
            row, column = shown.index(source), shown.index(target)
            cells[row][column] = int(found.count[at]) if is_told(cases) else None
            medians[row][column] = seconds(found.median[at], cases)
    return {
        "offices": shown,
        "cells": cells,
        "medians": medians,
        "others": len(log.offices) - len(shown),
        "across": found.across,
        "known": found.known,
        "unknown": found.unknown,
        "returns": _pairs(returns),
    }


def office_table(log: EventLog, split: Waiting) -> list[dict[str, Any]]:
    """Steps that several offices do: the time that ends with the step, by office, not adjusted for their cases."""
    known = log.office != NONE
    wide = max(len(log.offices), 1)
    keyed = Keyed((log.activity.astype(np.int64) * wide + log.office)[known], (split.queue + split.work)[known],
                  log.case[known])  # fmt: skip
    found, cases = keyed.summed(), keyed.cases()
    rows: dict[int, list[dict[str, Any]]] = {}
    for at, key in enumerate(found.keys):
        if is_told(many := int(cases[at])):
            rows.setdefault(int(key) // wide, []).append({
                "office": int(key) % wide, "cases": many, "median_s": seconds(found.quantiles[0][at], many),
                "ninth_s": seconds(found.quantiles[1][at], many),
            })  # fmt: skip
    several = {step: sorted(each, key=lambda one: -one["cases"]) for step, each in rows.items() if len(each) > 1}
    order = sorted(several, key=lambda step: -sum(one["cases"] for one in several[step]))
    return [{"step": step, "offices": several[step][:MOST_OFFICES]} for step in order[:MOST_ROWS]]


def limit_table(log: EventLog, due: Instants | None, ended: Instants | None, words: tuple[str, ...]
                ) -> dict[str, Any] | None:  # fmt: skip
    """Cases over their limit, and for which step they waited when it passed; None without limits."""
    if due is None:
        return None
    found = limits.breaches(log, due, log.last_at if ended is None else ended)
    late = int(found.late.sum())
    waits = [{"step": step, "cases": told(many)} for step, many in limits.by_step(found)]
    return {"words": list(words), "cases": found.cases, "late": told(late), "without": log.cases - found.cases,
            "median_s": seconds(found.quantile(0.5), late), "ninth_s": seconds(found.quantile(0.9), late),
            "waited": waits[:MOST_ROWS], "by": _late_by(log, found)}  # fmt: skip


def _late_by(log: EventLog, found: limits.Breaches) -> dict[str, list[dict[str, Any]]]:
    """Late cases among all with a limit, by each kind of case that the log knows."""
    told_by = {}
    for name, attribute in log.attributes.items():
        if attribute.kind != "label" or not 1 < len(attribute.labels) <= MOST_OFFICES:
            continue
        rows = []
        for code, label in enumerate(attribute.labels):
            of = found.has_limit & (attribute.values == code)
            late = int((of & found.late).sum())
            if is_told(int(of.sum())):
                rows.append({"label": label, "cases": int(of.sum()), "late": told(late)})
        told_by[name] = sorted(rows, key=lambda one: -one["cases"])
    return {name: rows for name, rows in told_by.items() if len(rows) > 1}
