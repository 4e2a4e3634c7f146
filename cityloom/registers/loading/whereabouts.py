"""What of the records of a table follows from their other columns."""

from __future__ import annotations

from typing import Any

from cityloom.registers.domain.whereabouts import Following
from cityloom.registers.models import SPOKEN, Record, ShapedRecord


def following(table: type[Record], register: str) -> Following:
    """What follows in the records of a register."""
    return Following(SPOKEN.get(register, ""), issubclass(table, ShapedRecord), hasattr(table, "cell"))


def columns_for(table: type[Record], register: str, columns: dict[str, Any]) -> dict[str, Any]:
    """The columns that follow from others."""
    return following(table, register).of(columns)
