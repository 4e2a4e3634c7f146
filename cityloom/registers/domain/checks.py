"""Rows of a department's file become values of a register; what is wrong with a row is found, never guessed right."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import repeat
from typing import Any

import numpy as np

from cityloom.registers.domain import dates, gcj02, identifiers, person_columns, shapes
from cityloom.registers.domain.kinds import UNITS
from cityloom.registers.domain.mapping import OWN_NUMBER, Column, Demand, FileMapping
from cityloom.registers.domain.proofs import Proof, proof_of

_NUMBER = re.compile(r"[-+]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?|[-+]?[0-9]*\.?[0-9]+([eE][-+]?[0-9]{1,3})?")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd]")
_CACHED = 100_000
_KEY_LONGEST = 64
_BEGINS, _ENDS = "registered_on", "ended_on"
_RAGGED = ("", "ragged")
_SIGNS: dict[str, Callable[[Sequence[str]], identifiers.Faults]] = {
    "credit_code": identifiers.credit_code_faults, "resident_id": identifiers.resident_id_faults,
    "division": identifiers.division_faults, "mobile": identifiers.mobile_faults,
    "component": identifiers.component_faults,
}  # fmt: skip
_CODED = frozenset({*_SIGNS, "key", "person_id"})
Values = list[Any]


@dataclass(frozen=True)
class Verdict:
    """What only the whole file can tell: by row number what is wrong with its key; keys that lead nowhere, or round."""

    repeated: Mapping[int, str] = field(default_factory=dict)
    dangling: Mapping[str, frozenset[str]] = field(default_factory=dict)
    cyclic: frozenset[str] = frozenset()


@dataclass
class Checked:
    """A batch of rows: values by field, and by place in the batch what is wrong: (field, rule).

    `notes` counts what breaks a rule that only notes. `filled` counts what fields hold that are not among the values,
    and `said` are digests of the values, where whoever read the rows had them at hand. `doubtful` are the places of the
    rows that no proof vouches for, where one was looked for.
    """

    values: dict[str, Values]
    faults: dict[int, list[tuple[str, str]]]
    notes: Counter[tuple[str, str]]
    count: int
    filled: Counter[str] = field(default_factory=Counter)
    said: list[int] | None = None
    doubtful: list[int] | None = None

    @property
    def good(self) -> list[int]:
        """The places of rows with nothing wrong."""
        right = np.ones(self.count, np.bool_)
        right[list(self.faults)] = False
        return np.flatnonzero(right).tolist()


class Checks:
    """Checks batches of one file by one mapping."""

    def __init__(
        self, mapping: FileMapping, header: Sequence[str], today: date, verdict: Verdict | None = None
    ) -> None:  # fmt: skip
        self._mapping = mapping
        self._today = today.isoformat()
        self._day = today
        self._verdict = verdict or Verdict()
        self._places = [(column, header.index(column.name)) for column in mapping.columns]
        self._header = tuple(header)
        self._width = len(header)
        self._caches: dict[str, tuple[dict[str, Any], dict[str, str]]] = {}

    def check(self, numbers: Sequence[int], rows: Sequence[Sequence[str]], faults: Mapping[int, str]) -> Checked:
        """Check a batch: the rows' numbers, their texts, and what was wrong with some when they were read."""
        return self.judge(self.read(rows, faults), numbers)

    def read(self, rows: Sequence[Sequence[str]], faults: Mapping[int, str]) -> Checked:
        """Check each value for itself."""
        found: dict[int, list[tuple[str, str]]] = {place: [("", rule)] for place, rule in faults.items()}
        even = self._evened(rows, found)
        out = Checked({}, found, Counter(), len(rows))
        texts = list(zip(*even, strict=True)) if even else [()] * self._width
        for column, place in self._places:
            cleaned = self._cleaned(column, texts[place])
            out.values[column.field.name] = self._read(column, cleaned, out)
        for place, name, rule in person_columns.disagreements(out.values):
            _blame(out, place, name, rule)
        return out

    def judge(self, out: Checked, numbers: Sequence[int]) -> Checked:
        """Add what one field says against another, and what the whole file says; values that were not asked for miss.

        Rows that `proofs` vouched for come here too, so it holds for all.
        """
        self._look_across(out, numbers)
        for place, blamed in out.faults.items():
            if _RAGGED in blamed:  # which value belongs to which column is anybody's guess
                out.faults[place] = [_RAGGED]
        return out

    @property
    def proof(self) -> Proof | None:
        """What of the same can be told of many rows at once."""
        return proof_of(self._mapping, self._header, self._day)

    @property
    def across(self) -> set[str]:
        """The fields that `judge` reads where a file is looked at and nothing is written."""
        register = self._mapping.register
        names = {register.key, register.owner, _BEGINS, _ENDS, *person_columns.COMPARED,
                 *(f.name for f in register.fields if f.refers_to)}  # fmt: skip
        return names & {column.field.name for column in self._mapping.columns}

    def _evened(
        self, rows: Sequence[Sequence[str]], found: dict[int, list[tuple[str, str]]]
    ) -> Sequence[Sequence[str]]:
        """Rows of one width; those of another are noted, and stand in as empty."""
        uneven = [place for place, row in enumerate(rows) if len(row) != self._width]
        if not uneven:
            return rows
        even = list(rows)
        for place in uneven:
            even[place] = [""] * self._width
            found.setdefault(place, []).append(_RAGGED)
        return even

    def _cleaned(self, column: Column, texts: Sequence[str]) -> list[str]:
        """Without spaces around; codes in plain letters; what means nothing is empty."""
        cleaned = list(map(str.strip, texts))
        if column.field.kind in _CODED:
            joined = "".join(cleaned)
            is_plain = joined.isascii() and " " not in joined
            cleaned = list(map(str.upper, cleaned)) if is_plain else [plain(text) for text in cleaned]
        empty = self._mapping.empty
        return [("" if text in empty else text) for text in cleaned] if empty else cleaned

    def _read(self, column: Column, texts: list[str], out: Checked) -> Values:
        kind, name = column.field.kind, column.field.name
        faults: dict[int, str] = {}
        if column.form == OWN_NUMBER:
            values: Values = [f"{self._mapping.source}:{text}" if text else "" for text in texts]
            faults = {place: "too_long" for place, value in enumerate(values) if len(value) > _KEY_LONGEST}
        elif kind in _SIGNS:
            values = texts
            found = _SIGNS[kind](texts)
            wrong = np.flatnonzero(found).tolist()
            faults = {place: identifiers.FAULTS[found[place]] for place in wrong if texts[place]}
        elif kind in person_columns.READ:
            values, faults = person_columns.READ[kind](texts)
            faults |= {place: "bad_characters" for place, value in enumerate(values) if _UNSEEN.search(value)}
        elif kind == "needs":
            values, faults = person_columns.needs(texts, column.codes or {})
        elif kind in ("text", "key"):
            longest = _KEY_LONGEST if kind == "key" else column.field.longest
            values = texts = self._spoken(texts, faults)
            if max(map(len, texts), default=0) > longest:
                faults |= {place: "too_long" for place, text in enumerate(texts) if len(text) > longest}
        elif kind == "geometry":
            values = self._shapes(column, texts, faults, out)
        else:
            values = self._read_each(column, texts, faults)
        if column.field.required and "" in texts:
            faults |= {place: "required" for place, text in enumerate(texts) if not text}
        for place, rule in faults.items():
            out.faults.setdefault(place, []).append((name, rule))
        for demand in self._mapping.demands_on(name):
            self._demand(demand, values, out)
        return values

    def _shapes(self, column: Column, texts: list[str], faults: dict[int, str], out: Checked) -> Values:
        """Geometries as WKB in WGS 84, longitude first."""
        given = shapes.read(texts, column.field.shape, is_gcj02=self._mapping.is_gcj02,
                            is_lat_first=self._mapping.is_lat_first)  # fmt: skip
        faults |= given.faults
        if given.repaired:
            out.notes[column.field.name, "repaired"] += given.repaired
        return given.wkb

    def _spoken(self, texts: list[str], faults: dict[int, str]) -> list[str]:
        """Texts in one line; those with signs that nobody can see are noted."""
        joined = "".join(texts)
        if joined.isprintable() and "  " not in joined and "\ufffd" not in joined:
            return texts
        spoken = [" ".join(text.split()) for text in texts]
        faults |= {place: "bad_characters" for place, text in enumerate(spoken) if _UNSEEN.search(text)}
        return spoken

    def _read_each(self, column: Column, texts: list[str], faults: dict[int, str]) -> Values:
        """Dates, numbers and codes: each different text is read once."""
        values, wrong = self._caches.setdefault(column.name, ({}, {}))
        if len(values) > _CACHED:
            values.clear()
            wrong.clear()
        different = set(texts)
        for text in different - values.keys():
            values[text], rule = self._value(column, text)
            if rule:
                wrong[text] = rule
        if not wrong.keys().isdisjoint(different):
            faults |= {place: wrong[text] for place, text in enumerate(texts) if text in wrong}
        return list(map(values.__getitem__, texts))

    def _value(self, column: Column, text: str) -> tuple[Any, str]:
        kind = column.field.kind
        if kind == "choice":
            codes = column.codes or {}
            return ("", "") if not text else (codes[text], "") if text in codes else ("", "unknown_code")
        if not text:
            return None, ""
        if kind == "instant":
            return dates.instant(text, column.form, self._mapping.zone)
        if kind == "date":
            day, fault = dates.read(text, column.form)
            late = column.field.not_future and day > self._today
            return (day or None), fault or ("future" if late else "")
        return _number(column, text)

    def _demand(self, demand: Demand, values: Values, out: Checked) -> None:
        """What the mapping's own rules ask."""
        oldest = (self._day - timedelta(days=demand.at_most_days_old or 0)).isoformat()
        for place, value in enumerate(values):
            rule = ""
            if value in ("", None):
                rule = "required" if demand.required else ""
            elif demand.one_of is not None and value not in demand.one_of:
                rule = "not_allowed"
            elif demand.between and isinstance(value, (int, float)):
                rule = "" if demand.between[0] <= value <= demand.between[1] else "out_of_range"
            elif demand.at_most_days_old is not None and isinstance(value, str) and value < oldest:
                rule = "too_old"
            if rule:
                _blame(out, place, demand.field, rule, demand.is_note)

    def _look_across(self, out: Checked, numbers: Sequence[int]) -> None:
        values, register = out.values, self._mapping.register
        for place, (begin, end) in enumerate(zip(values.get(_BEGINS, ()), values.get(_ENDS, ()), strict=False)):
            if begin and end and end < begin:
                _blame(out, place, _ENDS, "ends_before_it_begins")
        if self._verdict.repeated:
            for place, number in enumerate(numbers):
                if number in self._verdict.repeated:
                    _blame(out, place, register.key, self._verdict.repeated[number])
        for name, lost in self._verdict.dangling.items():
            strict = any(demand.must_refer and not demand.is_note for demand in self._mapping.demands_on(name))
            _blame_all(out, values[name], lost, (name, "unknown_reference"), is_note=not strict)
        if self._verdict.cyclic:
            _blame_all(out, values[register.key], self._verdict.cyclic, (register.owner, "cycle"))
        if self._mapping.is_gcj02 and "lon" in values:
            _shift_back(values)


def plain(text: str) -> str:
    """A code in capital letters and digits of one width."""
    if text.isascii():
        return text.upper().replace(" ", "")
    return unicodedata.normalize("NFKC", text).upper().replace(" ", "")


def _number(column: Column, text: str) -> tuple[Any, str]:
    if not _NUMBER.fullmatch(text):
        return None, "not_a_number"
    value = float(text.replace(",", "")) * UNITS.get(column.field.unit, {}).get(column.unit, 1)
    low, high = column.field.low, column.field.high
    if (low is not None and value < low) or (high is not None and value > high):
        return None, "out_of_range"
    if column.field.kind == "money":
        return round(value), ""
    if column.field.kind == "whole":
        return (int(value), "") if value == int(value) else (None, "not_a_number")
    return value, ""


def _blame(out: Checked, place: int, name: str, rule: str, is_note: bool = False) -> None:
    if is_note:
        out.notes[name, rule] += 1
    elif (name, rule) not in out.faults.setdefault(place, []):
        out.faults[place].append((name, rule))


def _blame_all(
    out: Checked, values: Values, wrong: frozenset[str], fault: tuple[str, str], *, is_note: bool = False
) -> None:  # fmt: skip
    if wrong.isdisjoint(values):
        return
    for place, value in enumerate(values):
        if value in wrong:
            _blame(out, place, *fault, is_note)


def _shift_back(values: dict[str, Values]) -> None:
    known = [place for place, pair in enumerate(zip(values["lon"], values["lat"], strict=True)) if None not in pair]
    lon = np.array([values["lon"][place] for place in known], np.float64)
    lat = np.array([values["lat"][place] for place in known], np.float64)
    for place, east, north in zip(known, *(each.tolist() for each in gcj02.to_wgs84(lon, lat)), strict=True):
        values["lon"][place], values["lat"][place] = round(east, 7), round(north, 7)


def digests(values: Mapping[str, Values], count: int, key: bytes) -> list[int]:
    """For each row 64 bits of a keyed digest of all its values: whether two rows say the same, and nothing else."""
    start = hashlib.sha256(f"{key.hex()}\n".encode())
    made = []
    for row in zip(*(_texts(values[name]) for name in sorted(values)), strict=True) if values else repeat((), count):
        digest = start.copy()
        digest.update("\x1f".join(row).encode(errors="replace"))
        made.append(int.from_bytes(digest.digest()[:8], "big", signed=True))
    return made


def _texts(values: Values) -> list[str]:
    return [value if isinstance(value, str) else "" if value is None else repr(value) for value in values]
