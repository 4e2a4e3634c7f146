"""Matters of reports as facts: joined, split, merged, each with who and why, so that each can be taken back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cityloom.cases.domain.duplicates.joining import MOST_MEMBERS
from cityloom.kernel.refused import Refused

_WHY = "Say why in a sentence: whoever reported it will read it."
_FULL = "A matter has at most {limit} reports here; this would make {value}. Open a matter for the cause."
_NOT_IN = "The report {value} is not in the matter {limit}, so it cannot be taken out of it."
_ITSELF = "The matter {value} cannot be merged with itself; choose another."


@dataclass(frozen=True)
class Fact:
    """What was said of reports: `what` is `joined`, `split` or `merged`; all of `reports` are in `matter` after it."""

    what: str
    reports: tuple[str, ...]
    matter: str
    by: str
    reason: str
    at: datetime


def matters_of(facts: Iterable[Fact]) -> dict[str, str]:
    """The matter of each report after these facts, in their order."""
    return {report: fact.matter for fact in facts for report in fact.reports}


def members(now: Mapping[str, str], matter: str) -> list[str]:
    """The reports of a matter, in the order in which they came."""
    return [report for report, held in now.items() if held == matter]


def joined(now: Mapping[str, str], report: str, matter: str, by: str, reason: str, at: datetime) -> Fact:
    """A report that belongs to a matter, or with its own name, to none that was known.

    Raises: Refused `cases.matter_full`.
    """
    _check_room(len(members(now, matter)) + 1)
    return Fact("joined", (report,), matter, by, reason, at)


def split(now: Mapping[str, str], reports: Iterable[str], matter: str, new: str, by: str, reason: str, at: datetime
          ) -> Fact:  # fmt: skip
    """Reports that are taken out of a matter and are one of their own.

    Raises: Refused `cases.matter_why`, `cases.not_in_matter`.
    """
    out = tuple(dict.fromkeys(reports))
    for report in out:
        if now.get(report) != matter:
            raise Refused("cases.not_in_matter", _NOT_IN, value=report[:40], limit=matter)
    return Fact("split", out, new, by, _why(reason), at)


def merged(now: Mapping[str, str], matter: str, into: str, by: str, reason: str, at: datetime) -> Fact:
    """All reports of a matter, which are about another one.

    Raises: Refused `cases.matter_why`, `cases.matter_itself`, `cases.matter_full`.
    """
    if matter == into:
        raise Refused("cases.matter_itself", _ITSELF, value=matter)
    moved = tuple(members(now, matter))
    _check_room(len(moved) + len(members(now, into)))
    return Fact("merged", moved, into, by, _why(reason), at)


def kept_apart(facts: Iterable[Fact]) -> frozenset[tuple[str, str]]:
    """Reports and matters that somebody has said do not belong together; nothing joins them again by itself."""
    now: dict[str, str] = {}
    apart: set[tuple[str, str]] = set()
    for fact in facts:
        if fact.what == "split":
            apart |= {(report, now[report]) for report in fact.reports if report in now}
        apart -= {(report, fact.matter) for report in fact.reports}
        now |= dict.fromkeys(fact.reports, fact.matter)
    return frozenset(apart)


def _check_room(count: int) -> None:
    if count > MOST_MEMBERS:
        raise Refused("cases.matter_full", _FULL, value=count, limit=MOST_MEMBERS)


def _why(reason: str) -> str:
    words = " ".join(reason.split())
    if len(words) < 8:
        raise Refused("cases.matter_why", _WHY)
    return words[:300]
