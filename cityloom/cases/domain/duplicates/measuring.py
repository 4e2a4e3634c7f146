"""How well duplicates are found in reports whose matters are known, beside the rule of 50 m and category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cityloom.cases.domain.duplicates import pairs
from cityloom.cases.domain.duplicates.index import OpenReports
from cityloom.cases.domain.duplicates.joining import JOINS, pairs_judged
from cityloom.cases.domain.duplicates.pairs import Floats, Report

NEAR_M = 50.0
SHOWN = (0.5, 0.7, 0.8, 0.9, 0.95)


@dataclass(frozen=True)
class Judged:
    """Precision, recall and F1 over pairs of reports that are said to be one matter, joining from `threshold` on."""

    rule: str
    threshold: float
    precision: float
    recall: float
    f1: float


def judged(reports: Sequence[Report], matters: Sequence[int], ends_s: Sequence[float], fitted: Floats,
           threshold: float = JOINS) -> Judged:  # fmt: skip
    """What the scores make of reports in the order of their times; a report is open until its matter ends."""

    def best(known: OpenReports, report: Report) -> tuple[int, float]:
        return known.best(report, fitted)

    return _run("cityloom", reports, matters, ends_s, best, threshold)


def judged_near(reports: Sequence[Report], matters: Sequence[int], ends_s: Sequence[float]) -> Judged:
    """What the rule of FixMyStreet makes of them: the nearest within 50 m of the same category."""

    def best(known: OpenReports, report: Report) -> tuple[int, float]:
        others, held, _ = known.around(report)
        metres = np.hypot(others.x, others.y)
        metres[[other != report.category for other in others.category]] = np.inf
        nearest = int(metres.argmin()) if len(metres) else -1
        return (int(held[nearest]), 1.0) if nearest >= 0 and metres[nearest] <= NEAR_M else (-1, 0.0)

    return _run("50 m and category", reports, matters, ends_s, best, 0.5)


def _run(rule, reports, matters, ends_s, best, threshold) -> Judged:  # type: ignore[no-untyped-def]
    known, found = OpenReports(), np.arange(len(reports))
    ends, closed = sorted(range(len(reports)), key=lambda row: ends_s[row]), 0
    for row, report in enumerate(reports):
        while closed < len(ends) and ends_s[ends[closed]] <= report.at_s:
            if ends[closed] < row:
                known.close(ends[closed])
            closed += 1
        matter, chance = best(known, report)
        found[row] = matter if chance >= threshold else row
        known.add(report, int(found[row]))
    return Judged(rule, threshold, *pairs_judged(found.tolist(), list(matters)))


def learnt(reports: Sequence[Report], matters: Sequence[int], ends_s: Sequence[float]) -> Floats:
    """Weights fitted on reports whose matters are known; needs scikit-learn."""
    from sklearn.linear_model import LogisticRegression

    known, rows, same = OpenReports(), [], []
    for row, report in enumerate(reports):
        others, held, where = known.around(report)
        is_open = np.array([ends_s[one] > report.at_s for one in where.tolist()], dtype=bool)
        if is_open.any():
            rows.append(pairs.places(pairs.measures(report, others))[is_open])
            same.append(held[is_open] == matters[row])
        known.add(report, matters[row])
    model = LogisticRegression(C=3.0, max_iter=1_000).fit(np.vstack(rows), np.concatenate(same))
    return np.concatenate([model.coef_[0], model.intercept_]).astype(float)
