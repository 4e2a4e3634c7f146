"""The types of a table's inputs and outputs, their literals in S-FEEL, and what comes in from a case."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from cityloom.cases.domain.decisions import regions
from cityloom.kernel.refused import Detail

NUMBER, STRING, BOOLEAN, DATE, INSTANT = "number", "string", "boolean", "date", "date and time"
TYPES = (NUMBER, STRING, BOOLEAN, DATE, INSTANT)
LONGEST_TEXT = 1_000
_LONGEST_NUMBER = 40
_ALIASES = {"datetime": INSTANT, "dateandtime": INSTANT, "date and time": INSTANT, "integer": NUMBER, "long": NUMBER,
            "double": NUMBER, "decimal": NUMBER}  # fmt: skip
_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class Wrong(ValueError):  # noqa: N818 - it becomes a refusal where the row and column are known
    """What is wrong with a literal, a cell or a value, in words that can be translated."""

    def __init__(self, words: Detail) -> None:
        super().__init__(str(words))
        self.words = words


@dataclass(frozen=True)
class Typed:
    """One type: values as they are compared inside."""

    name: str

    @property
    def is_discrete(self) -> bool:
        """Whether a value has a next one."""
        return self.name in (BOOLEAN, DATE)

    @property
    def universe(self) -> regions.Region:
        """All its values."""
        return regions.between((0, 0, regions.BEFORE), (0, 2, regions.BEFORE)) if self.name == BOOLEAN else (
            regions.EVERYTHING)  # fmt: skip

    def inside(self, value: Any) -> Any:
        """A value of a case as it is compared; numbers are exact.

        Raises: Wrong.
        """
        found = _INSIDE[self.name](value)
        if found is None:
            raise Wrong(Detail("{value} is no {limit}", _shown(value), self.name))
        return found

    def literal(self, inside: Any) -> str:
        """A compared value as S-FEEL writes it."""
        return _LITERALS[self.name](inside)

    def outside(self, inside: Any) -> Any:
        """A compared value as JSON writes it."""
        return _OUTSIDE[self.name](inside)


def typed(name: str) -> Typed | None:
    """The type of a name, as DMN or a modeller writes it."""
    plain = name.strip().removeprefix("feel:")
    plain = _ALIASES.get(plain.lower(), plain)
    return Typed(plain) if plain in TYPES else None


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        return None
    text = str(value)
    if len(text) > _LONGEST_NUMBER or (isinstance(value, str) and not _PLAIN.fullmatch(text)):
        return None
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) and len(value) <= LONGEST_TEXT else None


def _boolean(value: Any) -> int | None:
    return int(value) if isinstance(value, bool) else None


def _date(value: Any) -> int | None:
    if isinstance(value, datetime) or not isinstance(value, (date, str)):
        return None
    try:
        return (value if isinstance(value, date) else date.fromisoformat(value)).toordinal()
    except ValueError:
        return None


def _instant(value: Any) -> datetime | None:
    """An instant with its offset: without one nobody knows when it is."""
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else None


def _shown(value: Any) -> str:
    """The kind of what was given; never the value, which may be somebody's."""
    return {bool: "true or false", int: "a number", float: "a number", str: "a text", type(None): "nothing"}.get(
        type(value), "something else"
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _plain_number(number: Decimal) -> str:
    return f"{number:f}"


_INSIDE = {NUMBER: _number, STRING: _string, BOOLEAN: _boolean, DATE: _date, INSTANT: _instant}
_LITERALS = {
    NUMBER: _plain_number, STRING: _quoted, BOOLEAN: lambda value: "true" if value else "false",
    DATE: lambda value: f'date("{date.fromordinal(value).isoformat()}")',
    INSTANT: lambda value: f'date and time("{value.isoformat()}")',
}  # fmt: skip
_OUTSIDE = {
    NUMBER: lambda value: int(value) if value == value.to_integral_value() else float(value), STRING: str,
    BOOLEAN: bool, DATE: lambda value: date.fromordinal(value).isoformat(), INSTANT: lambda value: value.isoformat(),
}  # fmt: skip
