"""Questions about cases and their types."""

from __future__ import annotations

from pathlib import Path

from cityloom.cases.domain.casetypes import drawing, reading
from cityloom.cases.domain.casetypes.casetype import CaseType


def casetype_of(text: str) -> CaseType:
    """The case type that somebody wrote.

    Raises: Refused `cases.type_too_large`, `cases.type_unreadable`, `cases.type_unfit`, each with the line.
    """
    return reading.casetype_of(text)


def shipped_type_files() -> dict[str, Path]:
    """The files of the types that come with the program, by name."""
    return reading.shipped()


def diagram_of(casetype: CaseType, language: str = "en") -> str:
    """The table of states of a type as a Mermaid diagram."""
    return drawing.mermaid(casetype, language)
