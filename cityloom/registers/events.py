"""Facts that the registers publish."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class ZonePlanPublished:
    """The city is divided into these work zones from a day on (as in 2027-01-31)."""

    plan_id: str
    valid_from: str
    zones: int
    cells_moved: int
    published_at: datetime


@dataclass(frozen=True)
class FileLoaded:
    """A department's file is known; `register` is `lake:NAME` for facts, `counts` what became of its rows."""

    load: int
    register: str
    source: str
    rows: int
    set_aside: int
    loaded_at: datetime


@dataclass(frozen=True)
class RecordsDisagree:
    """What a load brought into a register is not what other sources say; `by_field` counts the entries, no values.

    `found` are those that nobody had noted before, or that a decision no longer covers. Where entries were joined and
    no load brought it, `load` is 0 and `source` is empty.
    """

    load: int
    register: str
    source: str
    found: int
    by_field: dict[str, int]
    found_at: datetime
