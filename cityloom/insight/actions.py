"""What others have insight do: review a process from its log."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from cityloom.cases import queries as cases
from cityloom.insight.eventlogs.columns import Columns
from cityloom.insight.reviewing import making
from cityloom.insight.reviewing.making import Made, Wanted
from cityloom.registers import queries as registers

__all__ = ["Columns", "Made", "Wanted", "review_casetype", "review_file"]


def review_file(*, path: Path, wanted: Wanted) -> Made:
    """Review the process of a file, at once; nothing is kept.

    Raises: Refused, as `making.of_file`.
    """
    return making.of_file(path, wanted)


def review_casetype(*, casetype: str, since: date | None, until: date | None, wanted: Wanted) -> Made:
    """Review the city's own cases of a type, at once; nothing is kept.

    Raises: Refused `cases.no_such_type`, and as `making.of_history`.
    """
    return making.of_history(registers.lake_root(), cases.newest_casetype(casetype), since, until, wanted)
