"""The review of a process: all that is worked out from its log, as one document without small counts.

Its parts are plain values (JSON); activities and offices are numbers into the lists at its head. A count of cases that
is None is fewer than 8, and has no times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cityloom.insight.domain import handovers, rework, tables, trials
from cityloom.insight.domain.conformance import conformance
from cityloom.insight.domain.eventlog import EventLog, Instants
from cityloom.insight.domain.findings import Finding
from cityloom.insight.domain.follows import END, START, Follows, Steps
from cityloom.insight.domain.net import Net
from cityloom.insight.domain.proposals import Proposal, proposals
from cityloom.insight.domain.small import is_told, seconds, told
from cityloom.insight.domain.variants import Variants, variants
from cityloom.insight.domain.waiting import SHORT, Waiting, waiting

VERSION = 1
LEVELS = (0.5, 0.7, 0.8, 0.9, 0.95, 1.0)
"""The parts of all cases, the commonest ways first, of which maps are made."""
MOST_EDGES = 60
MOST_VARIANTS = 40
Step = Callable[[str], object]


@dataclass(frozen=True)
class Asked:
    """What a review is to be made with: steps after which others must act, the limit, and a model.

    `due` are the instants by case at which cases were due, `ended` at which they ended; `limit_words` says where both
    are from.
    """

    outside: tuple[str, ...] = ()
    short: int = SHORT
    due: Instants | None = None
    ended: Instants | None = None
    limit_words: tuple[str, ...] = ()
    net: Net | None = None
    net_words: str = ""


def review(log: EventLog, findings: Sequence[Finding], asked: Asked = Asked(), done: Step = lambda _: None
           ) -> dict[str, Any]:  # fmt: skip
    """The whole review; `done` is told the name of each part that is ready."""
    outside = {log.activities.index(one) for one in asked.outside if one in log.activities}
    ways, steps, split = variants(log), Steps(log), waiting(log, outside, asked.short)
    parts: dict[str, Callable[[], Any]] = {
        "figures": lambda: _figures(log, ways, steps, split),
        "findings": lambda: [one.as_json() for one in findings],
        "maps": lambda: maps(log, ways, steps),
        "variants": lambda: _variants(log, ways),
        "waiting": lambda: tables.waiting_table(log, split, asked.outside, asked.short),
        "bottlenecks": lambda: tables.bottlenecks(steps.all, split),
        "rework": lambda: tables.rework_table(rework.again(log), rework.between_steps(log), log),
        "handovers": lambda: tables.handover_table(handovers.handovers(log), rework.between_offices(log), log),
        "office_times": lambda: tables.office_table(log, split),
        "limits": lambda: tables.limit_table(log, asked.due, asked.ended, asked.limit_words),
        "conformance": lambda: _conformance(log, ways, asked),
        "proposals": lambda: [proposal_json(one) for one in proposals(log, split, steps)],
        "comparison": lambda: trials.comparison(log),
        "trials": lambda: trials.trials(log),
    }
    made: dict[str, Any] = {"version": VERSION, "activities": list(log.activities), "offices": list(log.offices)}
    for name, part in parts.items():
        made[name] = part()
        done(name)
    return made


def proposal_json(one: Proposal) -> dict[str, Any]:
    """A proposal as it is kept."""
    return asdict(one) | {"hours": round(one.hours, 1), "cases": told(one.cases)}


def _figures(log: EventLog, ways: Variants, steps: Steps, split: Waiting) -> dict[str, Any]:
    whole = log.last_at - log.first_at
    repeated = len(np.unique(log.case[_repeats(log)]))
    across = handovers.handovers(log)
    median, ninth = (np.quantile(whole, share) for share in (0.5, 0.9)) if log.cases else (0, 0)
    first, last = (int(log.at.min()), int(log.at.max())) if len(log) else (0, 0)
    return {
        "cases": log.cases, "events": len(log), "activities": len(log.activities), "offices": len(log.offices),
        "variants": len(ways), "first_s": first // 1_000_000, "last_s": last // 1_000_000,
        "median_s": seconds(median, log.cases), "ninth_s": seconds(ninth, log.cases),
        "mean_s": seconds(whole.mean() if log.cases else 0, log.cases), "repeated_cases": told(repeated),
        "commonest_cases": told(int(ways.count[0]) if len(ways) else 0), "passes": len(steps.before),
        "handovers": across.across, "handovers_of": across.known,
        "elapsed_h": round(float(split.elapsed.sum()) / 3.6e9, 1),
    }  # fmt: skip


def _repeats(log: EventLog) -> np.ndarray:
    key = log.case.astype(np.int64) * max(len(log.activities), 1) + log.activity
    _, place, count = np.unique(key, return_inverse=True, return_counts=True)
    return np.flatnonzero(count[place.reshape(-1)] > 1)


def maps(log: EventLog, ways: Variants, steps: Steps) -> list[dict[str, Any]]:
    """Maps of the commonest ways that cover each level of all cases; levels that are alike are one."""
    made, seen = [], set()
    for level in LEVELS:
        most = ways.commonest(level)
        if most not in seen:
            seen.add(most)
            found = steps.all if most == len(ways) else steps.of(ways.within(most))
            cases = int(ways.count[:most].sum())
            made.append({"level": level, "variants": most, "cases": cases, **_map(found)})
    return made


def _map(found: Follows) -> dict[str, Any]:
    """The arrows that may be told, the most frequent first; an activity that would stand alone keeps its best ones."""
    may = [at for at in range(len(found)) if is_told(int(found.cases[at]))]
    kept = set(may[:MOST_EDGES])
    for column in (found.source, found.target):
        best: dict[int, int] = {}
        for at in may:
            best.setdefault(int(column[at]), at)
        kept |= set(best.values())
    edges = [_edge(found, at) for at in sorted(kept)]
    drawn = sorted({edge[end] for edge in edges for end in ("source", "target")} - {START, END})
    nodes = [{"step": step, "count": int(found.count[found.target == step].sum())} for step in drawn]
    return {"nodes": nodes, "edges": edges, "few": len(found) - len(may), "left_out": len(may) - len(kept)}


def _edge(found: Follows, at: int) -> dict[str, Any]:
    cases = int(found.cases[at])
    timed = min(found.source[at], found.target[at]) >= 0
    return {
        "source": int(found.source[at]),
        "target": int(found.target[at]),
        "count": int(found.count[at]),
        "cases": told(cases),
        "hours": round(float(found.total[at]) / 3.6e9, 1),
        "median_s": seconds(found.median[at], cases) if timed else None,
        "ninth_s": seconds(found.ninth[at], cases) if timed else None,
    }


def _variants(log: EventLog, ways: Variants) -> dict[str, Any]:
    whole = log.last_at - log.first_at
    shown = [one for one in range(min(len(ways), MOST_VARIANTS)) if is_told(int(ways.count[one]))]
    rows = [
        {"steps": ways.steps(log, one).tolist()[:200], "cases": int(ways.count[one]),
         "median_s": seconds(np.quantile(whole[ways.of_case == one], 0.5), int(ways.count[one])),
         "ninth_s": seconds(np.quantile(whole[ways.of_case == one], 0.9), int(ways.count[one]))}
        for one in shown
    ]  # fmt: skip
    return {"rows": rows, "others": len(ways) - len(shown), "other_cases": int(ways.count[len(shown) :].sum())}


def _conformance(log: EventLog, ways: Variants, asked: Asked) -> dict[str, Any] | None:
    if asked.net is None:
        return None
    found = conformance(log, ways, asked.net)
    wrong = [{"step": step, "cases": told(cases)} for step, cases in found.not_allowed.items()]
    return {"model": asked.net_words, "played": found.played, "fitting": told(found.fitting), "steps": found.steps,
            "allowed": found.allowed, "unfinished": told(found.unfinished), "not_allowed": wrong[:20],
            "unknown": list(found.unknown)[:20]}  # fmt: skip
