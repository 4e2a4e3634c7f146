"""Where records of two sources say different things of a field: first in SQL, and of what is left exactly."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import connection
from django.utils.crypto import salted_hmac

from cityloom.registers.domain.facts import Noted
from cityloom.registers.domain.kinds import REGISTERS, Field
from cityloom.registers.domain.sameness import plain
from cityloom.registers.domain.survivorship import FieldRule, Rules, is_compared, is_same
from cityloom.registers.models import RECORDS

_DEGREE_M = 111_400.0  # a degree of latitude or longitude is never longer
_NUMBERS = ("number", "whole", "money")
Count = tuple[int, str]
"""The other source's number and a field."""


@dataclass(frozen=True)
class Sides:
    """In SQL, records `a` beside records `b` of other sources, from FROM on; `begin` stands before all, with values."""

    text: str
    values: Sequence[object]
    begin: str = ""


@dataclass(frozen=True)
class Differing:
    """What is compared in a register, by rules."""

    register: str
    rules: Rules

    @cached_property
    def fields(self) -> list[tuple[Field, FieldRule]]:
        """The fields that are compared, each with its rule; a place is one of them."""
        register = REGISTERS[self.register]
        kept = {each.name for each in RECORDS[register.name]._meta.concrete_fields}
        pairs = [(each, self.rules.of(register.name, each.name)) for each in register.fields
                 if each.name in kept and is_compared(register, each)]  # fmt: skip
        return [(each, rule) for each, rule in pairs if rule.compare]

    @property
    def field_names(self) -> list[str]:
        """The names of the fields that are compared."""
        return [each.name for each, _rule in self.fields]

    @property
    def table(self) -> str:
        """The table of the register's records."""
        return RECORDS[self.register]._meta.db_table

    def found(self, sides: Sides, differ: Counter[Count]) -> list[Noted]:
        """Where both sides disagree; `differ` counts how often they do."""
        columns = [f"{side}.{name}" for side in "ab" for name in ("key", "id", "source_id", *self._names)]
        with connection.cursor() as cursor:
            cursor.execute(f"{sides.begin}SELECT {', '.join(columns)}{sides.text} AND ({self._may_differ})",
                           sides.values)  # fmt: skip
            found = [noted for row in cursor.fetchall() for noted in self._noted(row)]
        differ.update((noted.other_source, noted.field) for noted in found)
        return found

    def count(self, sides: Sides, compared: Counter[Count]) -> None:
        """Count for how many entries both sides say something."""
        sums = ", ".join(f"sum(CASE WHEN {self._filled(each)} THEN 1 ELSE 0 END)" for each, _rule in self.fields)
        with connection.cursor() as cursor:
            cursor.execute(f"{sides.begin}SELECT b.source_id, {sums}{sides.text} GROUP BY b.source_id", sides.values)
            for other, *counts in cursor.fetchall():
                for name, count in zip(self.field_names, counts, strict=True):
                    compared[other, name] += count or 0

    @cached_property
    def _names(self) -> list[str]:
        names = self.field_names
        return [*names, "lat"] if "lon" in names else names

    def _filled(self, each: Field) -> str:
        """That both sides say something."""
        names = ("lon", "lat") if each.kind == "lon" else (each.name,)
        return " AND ".join(f"{side}.{name} {self._is_filled(name)}" for side in "ab" for name in names)

    def _is_filled(self, name: str) -> str:
        return "IS NOT NULL" if RECORDS[self.register]._meta.get_field(name).null else "<> ''"

    @cached_property
    def _may_differ(self) -> str:
        return " OR ".join(f"({self._filled(each)} AND {_differs(each, rule)})" for each, rule in self.fields)

    def _noted(self, row: Sequence[Any]) -> Iterator[Noted]:
        width = len(self._names) + 3
        one, other = row[:width], row[width:]
        first, second = (dict(zip(self._names, side[3:], strict=True)) for side in (one, other))
        other_key = "" if one[0] == other[0] else other[0]
        for each, rule in self.fields:
            here, there = _said(each, first), _said(each, second)
            if here is not None and there is not None and not is_same(each.kind, rule, here, there):
                said = _digest(rule, (one[2], here), (other[2], there))
                yield Noted(one[0], each.name, one[2], one[1], other[2], other[1], said, other_key)


def _differs(each: Field, rule: FieldRule) -> str:
    """In SQL: what is surely the same drops out; the exact question is asked of the rest."""
    if each.kind == "lon":
        near = rule.within_m / _DEGREE_M / 1.5
        return f"(abs(a.lon - b.lon) > {near!r} OR abs(a.lat - b.lat) > {near!r})"
    if each.kind in _NUMBERS:
        apart = f"abs(a.{each.name} - b.{each.name})"
        return f"{apart} > {float(rule.tolerance)!r} + {float(rule.share)!r} * abs(a.{each.name})"
    return f"a.{each.name} <> b.{each.name}"


def _said(each: Field, values: dict[str, Any]) -> Any:
    if each.kind == "lon":
        place = (values["lon"], values["lat"])
        return None if None in place else place
    value = values[each.name]
    return None if value in ("", None) else value


def _digest(rule: FieldRule, *sides: tuple[int, Any]) -> int:
    """64 bits that change when either side says something else: a plain digest would confirm a guessed value."""
    key = bytes.fromhex(salted_hmac("cityloom.registers.disagreement", "", algorithm="sha256").hexdigest())
    told = [(source, plain(value, rule.ignore) if isinstance(value, str) else repr(value))
            for source, value in sorted(sides, key=lambda side: side[0])]  # fmt: skip
    return int.from_bytes(hashlib.blake2b(repr(told).encode(), digest_size=8, key=key).digest(), "big", signed=True)
