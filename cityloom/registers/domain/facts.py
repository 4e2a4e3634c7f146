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


@dataclass(frozen=True)
class Noted:
    """That two sources say different things of a field, as who found it tells it.

    `said` is 64 bits that change when either says something else, under a key outside the database; 0 where nothing
    of the values may be kept. `other_key` is the key of the other source's entry, where both were joined.
    """

    key: str
    field: str
    source: int
    record: int
    other_source: int
    other_record: int
    said: int = 0
    other_key: str = ""


@dataclass(frozen=True)
class DisagreementFacts:
    """A disagreement: two sources and their records, the load that found it, and what was decided, when, why.

    `right` is empty where both may stand, or nothing is decided; `past` holds earlier decisions. `found_by` is 0 where
    joining two entries found it; `other_key` is then that of the second source's entry.
    """

    number: int
    register: str
    key: str
    field: str
    sources: tuple[str, str]
    records: tuple[int, int]
    found_by: int
    state: str
    right: str
    by: str
    at: datetime | None
    reason: str
    past: Sequence[Mapping[str, Any]]
    other_key: str = ""

    @property
    def keys(self) -> tuple[str, str]:
        """The keys under which the two sources know the entry."""
        return self.key, self.other_key or self.key

    @property
    def entry(self) -> str:
        """The entry's key, both of them where two were joined."""
        return f"{self.key} = {self.other_key}" if self.other_key else self.key


@dataclass(frozen=True)
class Rate:
    """Of how many entries a load's source and another both said something, and of how many different things."""

    load: int
    register: str
    source: str
    other: str
    field: str
    compared: int
    differing: int

    @property
    def share(self) -> float:
        """Which share disagrees."""
        return self.differing / self.compared if self.compared else 0.0

    @property
    def permille(self) -> float:
        """The same, per thousand."""
        return 1000 * self.share


@dataclass(frozen=True)
class RulesVersion:
    """A version of the rules on sources: what was written, by whom, when and why."""

    number: int
    text: str
    reason: str
    set_by: str
    set_at: datetime


@dataclass(frozen=True)
class FactsAbout:
    """What a dataset of the lake says of an entry: the latest facts first, each with `at` and its columns; units by
    column."""

    dataset: str
    title: str
    units: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]

    @property
    def heads(self) -> list[tuple[str, str]]:
        """The columns with their units."""
        return [(name, self.units.get(name, "")) for name in (self.rows[0] if self.rows else ())]


@dataclass(frozen=True)
class PersonFact:
    """That a source said something of a person: who and where, when and from which row; what it said is sealed.

    `is_current`: the source has said nothing newer; `holds`: of all sources this word is in force. `dwelling` is 0
    where the source knows none.
    """

    subject: int
    dwelling: int
    valid_from: date
    is_gone: bool
    is_current: bool
    holds: bool
    row: int
    origin: Origin
    record: int


@dataclass(frozen=True)
class CorrectionFacts:
    """A correction that somebody asked for: of which field, its state, and what was decided when and why.

    `key` is empty for the asker's own entry; `is_kept` says that what they wrote is not erased yet.
    """

    id: str
    register: str
    key: str
    field: str
    state: str
    asked_at: datetime
    decided_at: datetime | None
    reason: str
    load: int | None
    is_kept: bool


@dataclass(frozen=True)
class CorrectionWords:
    """What somebody wrote who asks for a correction: what the field should say, and how they know.

    `none` says that there is none of it any more, and `value` nothing.
    """

    value: str
    reason: str
    none: bool = False
