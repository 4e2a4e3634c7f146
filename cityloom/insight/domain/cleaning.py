"""Events as they were read become a log: each fault is counted, and handled by one rule that is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.eventlog import (
    DAY,
    NONE,
    UNKNOWN,
    CaseAttribute,
    Codes,
    EventLog,
    Flags,
    Instants,
    sorted_log,
)  # fmt: skip
from cityloom.insight.domain.findings import Finding, sorted_findings

_COMPLETE = frozenset({"", "complete", "completed", "finish", "finished", "end", "closed"})
_START = frozenset({"start", "started", "begin", "resume_start"})
_DAYS_ONLY = 0.9
_LONGEST_NAME = 160


@dataclass(frozen=True)
class RawEvents:
    """Events in the order of their file; codes are `NONE` and instants `UNKNOWN` where the file says nothing.

    `transition` says of each event by code what `transitions` call it; without one, all are completions. `noted` is
    what the reading found already.
    """

    case: Codes
    activity: Codes
    office: Codes
    at: Instants
    started_at: Instants
    case_ids: Sequence[str]
    activities: Sequence[str]
    offices: Sequence[str]
    attributes: Mapping[str, CaseAttribute] = field(default_factory=dict)
    transition: Codes | None = None
    transitions: Sequence[str] = ()
    noted: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(self.case)

    def of(self, kept: NDArray[Any]) -> RawEvents:
        """Some of the events, chosen by index or by flag."""
        columns = {name: getattr(self, name)[kept] for name in ("case", "activity", "office", "at", "started_at")}
        transition = None if self.transition is None else self.transition[kept]
        return replace(self, **columns, transition=transition)


def cleaned(raw: RawEvents) -> tuple[EventLog, list[Finding]]:
    """The log, and what was found in its data; a log of nothing has no cases."""
    found = list(raw.noted)
    for step in (_without_gaps, _paired, _timed, _once):
        raw, more = step(raw)
        found += more
    found += _order(raw)
    log = sorted_log(raw.case, raw.activity, raw.office, raw.at, raw.started_at, case_ids=raw.case_ids,
                     activities=list(map(plain, raw.activities)), offices=list(map(plain, raw.offices)),
                     attributes=raw.attributes)  # fmt: skip
    return log, sorted_findings(found + _told(log))


def plain(text: str) -> str:
    """A name without control characters, of bounded length: it goes into databases and pages."""
    return "".join(one if one.isprintable() else " " for one in text)[:_LONGEST_NAME].strip()


def _without_gaps(raw: RawEvents) -> tuple[RawEvents, list[Finding]]:
    """Events of no case, and those that say no step, are left out."""
    no_case, no_step = raw.case == NONE, (raw.activity == NONE) & (raw.case != NONE)
    found = [Finding("no_case", int(no_case.sum()), len(raw)), Finding("no_step", int(no_step.sum()), len(raw))]
    return raw.of(~(no_case | no_step)), found


def _paired(raw: RawEvents) -> tuple[RawEvents, list[Finding]]:
    """The nth start of a step in a case belongs to its nth completion; other transitions are left out."""
    if raw.transition is None:
        return raw, []
    kinds = np.array([_kind(one) for one in raw.transitions] + ["complete"])[raw.transition]
    if not (kinds == "complete").any():
        return raw, []
    done, begun, other = (np.flatnonzero(kinds == kind) for kind in ("complete", "start", "other"))
    started_at, matched = raw.started_at.copy(), 0
    if len(begun):
        match = _nth_of_nth(raw, begun, done)
        matched = int((match != NONE).sum())
        found = match != NONE
        started_at[done[found]] = raw.at[begun[match[found]]]
    names = tuple(sorted({raw.transitions[one] for one in np.unique(raw.transition[other])}))
    return replace(raw, started_at=started_at).of(done), [
        Finding("other_transitions", len(other), len(raw), names),
        Finding("not_completed", len(begun) - matched, len(raw)),
    ]  # fmt: skip


def _kind(transition: str) -> str:
    low = transition.strip().lower()
    return "complete" if low in _COMPLETE else "start" if low in _START else "other"


def _nth_of_nth(raw: RawEvents, begun: NDArray[Any], done: NDArray[Any]) -> NDArray[Any]:
    """For each completion the place in `begun` of its start, or `NONE`."""
    wide = max(len(raw.activities), 1)

    def keyed(rows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        key = raw.case[rows].astype(np.int64) * wide + raw.activity[rows]
        order = np.lexsort((np.arange(len(rows)), raw.at[rows], key))
        key = key[order]
        first = np.r_[True, key[1:] != key[:-1]] if len(key) else np.zeros(0, bool)
        nth = np.arange(len(key)) - np.maximum.accumulate(np.where(first, np.arange(len(key)), 0))
        return order, np.stack([key, nth])

    (start_order, starts), (done_order, dones) = keyed(begun), keyed(done)
    deep = int(max(starts[1].max(initial=0), dones[1].max(initial=0))) + 1
    of_starts, of_dones = starts[0] * deep + starts[1], dones[0] * deep + dones[1]
    place = np.minimum(np.searchsorted(of_starts, of_dones), len(of_starts) - 1)
    match = np.full(len(done), NONE, np.int64)
    match[done_order] = np.where(of_starts[place] == of_dones, start_order[place], NONE)
    return match


def _timed(raw: RawEvents) -> tuple[RawEvents, list[Finding]]:
    """A step without an end was done at its start, one without both is left out; no start is later than its end."""
    only_start = (raw.at == UNKNOWN) & (raw.started_at != UNKNOWN)
    at = np.where(only_start, raw.started_at, raw.at)
    none = at == UNKNOWN
    backwards = (raw.started_at != UNKNOWN) & ~none & (raw.started_at > at)
    started_at = np.where(backwards | only_start, UNKNOWN, raw.started_at)
    days = int((at[~none] % DAY == 0).sum())
    total = int((~none).sum())
    found = [Finding("no_time", int(none.sum()), len(raw)),
             Finding("ends_before_start", int(backwards.sum()), len(raw)),
             Finding("days_only", days if days >= _DAYS_ONLY * max(total, 1) else 0, total)]  # fmt: skip
    return replace(raw, at=at, started_at=started_at).of(~none), found


def _once(raw: RawEvents) -> tuple[RawEvents, list[Finding]]:
    """Of events that agree in case, step, office and both times, the first is kept."""
    if not len(raw):
        return raw, [Finding("duplicates", 0, 0)]
    columns = (raw.started_at, raw.office, raw.activity, raw.at, raw.case)
    order = np.lexsort(columns)
    same = np.ones(len(raw) - 1, bool)
    for column in columns:
        ordered = column[order]
        same &= ordered[1:] == ordered[:-1]
    kept = np.ones(len(raw), bool)
    kept[order[1:][same]] = False
    return raw.of(kept), [Finding("duplicates", int(same.sum()), len(raw))]


def _order(raw: RawEvents) -> list[Finding]:
    """Events that stand before an earlier one of their case; the log sorts them."""
    order = np.argsort(raw.case, kind="stable")
    case, at = raw.case[order], raw.at[order]
    wrong = (case[1:] == case[:-1]) & (at[1:] < at[:-1])
    return [Finding("out_of_order", int(wrong.sum()), len(raw))]


def _told(log: EventLog) -> list[Finding]:
    same = log.follows & (log.at[1:] == log.at[:-1])
    unknown = int((log.office == NONE).sum())
    return [Finding("same_instant", int(same.sum()), len(log)),
            Finding("repeats", int(cases_with_repeats(log).sum()), log.cases),
            Finding("office_unknown", unknown, len(log))]  # fmt: skip


def cases_with_repeats(log: EventLog) -> Flags:
    """Which cases come through a step more than once."""
    key = np.sort(log.case.astype(np.int64) * max(len(log.activities), 1) + log.activity)
    again = key[1:][key[1:] == key[:-1]] // max(len(log.activities), 1)
    flags = np.zeros(log.cases, bool)
    flags[again] = True
    return flags
