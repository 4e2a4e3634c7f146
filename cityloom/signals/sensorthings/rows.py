"""What is read of an entity, and how a row becomes JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cityloom.signals.domain.sensorthings.entities import Entity, Property
from cityloom.signals.domain.sensorthings.times import text_of
from cityloom.signals.sensorthings.scopes import FEATURE_OF, extent

Read = Callable[[Sequence[Any]], dict[str, Any]]
_LARGEST_WHOLE = 2**53
KEY = "@iot.id"


@dataclass(frozen=True)
class Columns:
    """Which properties are wanted (None: all), and of which relations to one the other's id, under `>relation`."""

    properties: frozenset[str] | None = None
    keys: tuple[str, ...] = ()

    def of(self, entity: Entity, *, private_too: bool) -> tuple[str, Read]:
        """The columns as SQL, and what makes a dictionary of a row."""
        wanted = [one for one in entity.properties if self.properties is None or one.name in self.properties]
        pieces: list[str] = ["t0.id"]
        readers: list[tuple[str, int, Callable[..., Any], int]] = []
        for one in wanted:
            sql, make = _column(one, private_too=private_too)
            readers.append((one.name, len(pieces), make, len(sql)))
            pieces += sql
        for name in self.keys:
            relation = entity.relation_named(name)
            column = f"t0.{relation.column}" if relation else "NULL"
            if relation and relation.column == "feature_id" and entity.title == "Observation":
                column = FEATURE_OF.format("t0")
            readers.append((f">{name}", len(pieces), lambda key: key, 1))
            pieces.append(column)
        return ", ".join(pieces), lambda row: _dictionary(row, readers)


def _dictionary(row: Sequence[Any], readers: list[tuple[str, int, Callable[..., Any], int]]) -> dict[str, Any]:
    return {KEY: row[0]} | {name: make(*row[at : at + width]) for name, at, make, width in readers}


def _column(one: Property, *, private_too: bool) -> tuple[list[str], Callable[..., Any]]:
    column = f"t0.{one.column}"
    if one.kind == "text":
        return [column], _same
    if one.kind in ("object", "json", "unit", "place"):
        return [column], _json
    if one.kind == "instant":
        return [column], lambda us: None if us is None else text_of(us)
    if one.kind == "result":
        return [column, f"t0.{one.end}"], _result
    ends = list(extent("t0", one.name, private_too=private_too)) if one.kind == "extent" else [column, f"t0.{one.end}"]
    return ends, _interval if one.kind != "moment" else _moment


def _same(value: Any) -> Any:
    return value


def _json(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _result(number: float | None, text: str | None) -> Any:
    if number is None:
        return _json(text)
    return int(number) if number.is_integer() and abs(number) < _LARGEST_WHOLE else number


def _moment(start: int, end: int | None) -> str:
    return text_of(start) if end is None else f"{text_of(start)}/{text_of(end)}"


def _interval(start: int | None, end: int | None) -> str | None:
    return None if start is None or end is None else f"{text_of(start)}/{text_of(end)}"
