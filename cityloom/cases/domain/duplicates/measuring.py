"""How well duplicates are found in reports whose matters are known, beside the rule of 50 m and category."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cityloom.cases.domain.duplicates import pairs
from cityloom.cases.domain.duplicates.features import Compared, compared
from cityloom.cases.domain.duplicates.forest import Forest
from cityloom.cases.domain.duplicates.index import OpenReports
from cityloom.cases.domain.duplicates.joining import JOINS, pairs_judged
from cityloom.cases.domain.duplicates.pairs import Floats, Report

NEAR_M = 50.0
SHOWN = (0.5, 0.7, 0.8, 0.85, 0.9)
Stream = tuple[Sequence[Report], Sequence[int], Sequence[float]]
"""Reports in the order of their times, their matters, and until when each is open."""
Best = Callable[[OpenReports, Report], tuple[int, float]]


@dataclass(frozen=True)
class Judged:
    """Precision, recall and F1 over pairs of reports that are said to be one matter, joining from `threshold` on.

    `by_report` is the same over reports: of those that joined, how many joined a matter that most of its reports are
    of too; of those whose matter was open when they came, how many joined so.
    """

    rule: str
    threshold: float
    precision: float
    recall: float
    f1: float
    by_report: tuple[float, float, float]


def judged(stream: Stream, fitted: Floats, trees: Forest, threshold: float = JOINS) -> Judged:
    """What the scores make of reports as they come."""

    def best(known: OpenReports, report: Report) -> tuple[int, float]:
        return known.best(report, fitted, trees)

    return _run("cityloom", stream, best, threshold)


def judged_near(stream: Stream) -> Judged:
    """What the rule of FixMyStreet makes of them: the nearest within 50 m of the same category."""

    def best(known: OpenReports, report: Report) -> tuple[int, float]:
        others, held, _ = known.around(report)
        metres = np.hypot(others.x, others.y)
        metres[[other != report.category for other in others.category]] = np.inf
        nearest = int(metres.argmin()) if len(metres) else -1
        return (int(held[nearest]), 1.0) if nearest >= 0 and metres[nearest] <= NEAR_M else (-1, 0.0)

    return _run("50 m and category", stream, best, 0.5)


def _run(rule: str, stream: Stream, best: Best, threshold: float) -> Judged:
    true, found, members = stream[1], np.arange(len(stream[0])), defaultdict[int, Counter[int]](Counter)
    right = said = could = 0
    for row, known, still_open in _coming(stream):
        matter, chance = best(known, stream[0][row])
        could += still_open[true[row]] > 0
        if chance >= threshold:
            found[row], said = matter, said + 1
            right += members[matter][true[row]] == max(members[matter].values())
        members[int(found[row])][true[row]] += 1
        known.add(stream[0][row], int(found[row]))
    reports = _three(right, said, could)
    return Judged(rule, threshold, *pairs_judged(found.tolist(), list(true)), reports)


def _three(right: int, said: int, are: int) -> tuple[float, float, float]:
    precision, recall = right / said if said else 1.0, right / are if are else 1.0
    return precision, recall, 2 * precision * recall / (precision + recall) if right else 0.0


def _coming(stream: Stream) -> Iterator[tuple[int, OpenReports, Counter[int]]]:
    """Each report when it comes, what is open by then (to be added to by whoever asks), and of which matters."""
    reports, matters, ends_s = stream
    known, still_open = OpenReports(), Counter[int]()
    ends, closed = sorted(range(len(reports)), key=lambda row: ends_s[row]), 0
    for row, report in enumerate(reports):
        while closed < len(ends) and ends_s[ends[closed]] <= report.at_s:
            if ends[closed] < row:
                known.close(ends[closed])
                still_open[matters[ends[closed]]] -= 1
            closed += 1
        yield row, known, still_open
        still_open[matters[row]] += 1


def learnt(reports: Sequence[Report], matters: Sequence[int], ends_s: Sequence[float]) -> Floats:
    """Weights of pairs, fitted on reports whose matters are known; needs scikit-learn."""
    from sklearn.linear_model import LogisticRegression

    rows, same = [], []
    for row, known, _ in _coming((reports, matters, ends_s)):
        others, held, _ = known.around(reports[row])
        if len(held):
            rows.append(pairs.places(pairs.measures(reports[row], others)))
            same.append(held == matters[row])
        known.add(reports[row], matters[row])
    model = LogisticRegression(C=3.0, max_iter=1_000).fit(np.vstack(rows), np.concatenate(same))
    return np.concatenate([model.coef_[0], model.intercept_]).astype(float)


def learnt_trees(streams: Sequence[Stream], fitted: Floats) -> object:
    """Boosted trees of matters, fitted on reports whose matters are known; needs scikit-learn."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    found = [one for stream in streams for one in _all_compared(stream, fitted)]
    model = HistGradientBoostingClassifier(max_iter=160, max_leaf_nodes=10, learning_rate=0.06, min_samples_leaf=40,
                                           l2_regularization=5.0, early_stopping=False, random_state=0)  # fmt: skip
    return model.fit(np.vstack([one.features for one, _ in found]), np.concatenate([same for _, same in found]))


def _all_compared(stream: Stream, fitted: Floats) -> Iterator[tuple[Compared, np.ndarray]]:
    """Each report with the matters around it as they truly are, and which of them is its own."""
    reports, matters, _ = stream
    for row, known, _ in _coming(stream):
        others, held, _ = known.around(reports[row])
        if len(held):
            found = compared(reports[row], others, held, fitted)
            yield found, found.numbers == matters[row]
        known.add(reports[row], matters[row])
