"""What departments' files say, as it is told to others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True)
class Origin:
    """Where a fact is from: the department, its file, the load, and when it became known."""

    source: str
    file: str
    load: int
    known_at: datetime | None


@dataclass(frozen=True)
class Fact:
    """What a source says of an entry: values by field, since when it is true, and from which row.

    `is_sealed`: the row names people, who are sealed. `is_current`: the source has said nothing newer.
    """

    key: str
    values: Mapping[str, Any]
    valid_from: date
    is_gone: bool
    is_current: bool
    is_sealed: bool
    row: int
    origin: Origin
    record: int


@dataclass(frozen=True)
class LoadFacts:
    """A load: its file, what became of its rows, and how many still wait for a correction."""

    number: int
    source: str
    register: str
    file: str
    file_digest: str
    as_of: date
    state: str
    rows: int
    counts: Mapping[str, int]
    notes: Sequence[Sequence[Any]]
    waiting: int
    started_at: datetime
    finished_at: datetime | None
    mapping: str
    returns: int
