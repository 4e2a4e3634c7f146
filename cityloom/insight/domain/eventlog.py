"""An event log in columns: what was done in which case, by which office, and when. Nothing in it names a person.

Source: IEEE 1849-2023 (XES) for cases, activities and attributes; W. van der Aalst, Process Mining, 2016, chapter 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int32]
Instants = NDArray[np.int64]
"""Microseconds since 1970 in UTC."""
Flags = NDArray[np.bool_]
UNKNOWN = np.iinfo(np.int64).min
"""The instant that a log does not say."""
NONE = -1
"""The code of an office, or of a label, that a log does not say."""
SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR


@dataclass(frozen=True)
class CaseAttribute:
    """One value a case: codes into `labels` (`NONE` where there is none), or numbers (NaN), or instants (`UNKNOWN`)."""

    values: NDArray[Any]
    labels: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """`label` (int32 codes), `number` (float64) or `instant` (int64 microseconds)."""
        return {"i4": "label", "f8": "number", "i8": "instant"}[self.values.dtype.str[1:]]

    def of(self, cases: NDArray[Any]) -> CaseAttribute:
        """The values of some cases, chosen by index or by flag."""
        return CaseAttribute(self.values[cases], self.labels)


@dataclass(frozen=True)
class EventLog:
    """Events sorted by case, then time of completion, then as they stood in the log; each case has one at least.

    `case` is the index of the case in `case_ids` (non-decreasing, without gaps), `activity` one of `activities`, and
    `office` one of `offices`: a unit, a role or a group, or `NONE`. `at` is when a step was completed, `started_at`
    when it was begun, `UNKNOWN` where the log does not say; never later than `at`.
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

    def __post_init__(self) -> None:
        lengths = {len(column) for column in (self.case, self.activity, self.office, self.at, self.started_at)}
        attributes = {len(one.values) for one in self.attributes.values()}
        if lengths != {len(self.case)} or not attributes <= {len(self.case_ids)}:
            raise ValueError("The columns of an event log are of one length, an attribute has a value for each case.")
        if len(self.case) and (self.case[0], self.case[-1]) != (0, len(self.case_ids) - 1):
            raise ValueError("Each case of an event log has an event.")

    def __len__(self) -> int:
        return len(self.case)

    @property
    def cases(self) -> int:
        """How many cases there are."""
        return len(self.case_ids)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where each case begins, and behind the last one the number of events."""
        return np.searchsorted(self.case, np.arange(self.cases + 1))

    @cached_property
    def first_at(self) -> Instants:
        """When each case was first touched: the start or else the completion of its first step."""
        first = self.starts[:-1]
        return np.where(self.started_at[first] == UNKNOWN, self.at[first], self.started_at[first])

    @cached_property
    def last_at(self) -> Instants:
        """When the last step of each case was completed."""
        return self.at[self.starts[1:] - 1]

    @cached_property
    def follows(self) -> Flags:
        """For each event but the last: whether the next one is of the same case."""
        return self.case[1:] == self.case[:-1]

    def of_cases(self, wanted: Flags) -> EventLog:
        """The same log with only the cases that are flagged; codes keep their meaning."""
        kept = wanted[self.case]
        renumbered = (np.cumsum(wanted, dtype=np.int32) - 1).astype(np.int32)
        return replace(
            self, case=renumbered[self.case[kept]], activity=self.activity[kept], office=self.office[kept],
            at=self.at[kept], started_at=self.started_at[kept],
            case_ids=[self.case_ids[one] for one in np.flatnonzero(wanted)],
            attributes={name: one.of(wanted) for name, one in self.attributes.items()},
        )  # fmt: skip


def sorted_log(
    case: NDArray[Any], activity: NDArray[Any], office: NDArray[Any], at: Instants,
    started_at: Instants | None = None, *,
    case_ids: Sequence[str], activities: Sequence[str], offices: Sequence[str],
    attributes: Mapping[str, CaseAttribute] | None = None,
) -> EventLog:  # fmt: skip
    """A log of events in any order; cases without an event are left out."""
    order = np.lexsort((at, case)) if _is_unsorted(case, at) else np.arange(len(case))
    begun = np.full(len(case), UNKNOWN) if started_at is None else started_at
    used = np.bincount(case, minlength=len(case_ids)) > 0
    renumbered = (np.cumsum(used) - 1).astype(np.int32)
    return EventLog(
        renumbered[case[order]], activity[order].astype(np.int32), office[order].astype(np.int32), at[order],
        begun[order],
        case_ids=case_ids if used.all() else [case_ids[one] for one in np.flatnonzero(used)],
        activities=activities, offices=offices,
        attributes={name: one.of(used) for name, one in (attributes or {}).items()},
    )  # fmt: skip


def _is_unsorted(case: NDArray[Any], at: Instants) -> bool:
    later = case[1:] > case[:-1]
    same = case[1:] == case[:-1]
    return not bool((later | (same & (at[1:] >= at[:-1]))).all())
