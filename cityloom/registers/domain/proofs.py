"""What needs no second look: SQL that tells which rows of a file are beyond doubt good, and what their values are.

`Checks` alone says what is right. Here stands only what follows from it for rows as offices usually write them; a row
of which this cannot be told goes through `Checks`, and so does each row of a file that asks for what is not known here.
The SQL is DuckDB's. Nothing here has to do with the proofs of the log.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import date, timedelta
from typing import Any

from cityloom.registers.domain.identifiers import CREDIT_SIGNS, PROVINCES
from cityloom.registers.domain.kinds import UNITS, Field
from cityloom.registers.domain.mapping import OWN_NUMBER, Column, Demand, FileMapping
from cityloom.registers.domain.person_columns import NAME_BYTES

_MOST_CODES = 200
_KNOWN = {
    Field: {"name", "kind", "required", "personal", "words", "choices", "unit", "low", "high", "longest", "not_future",
            "refers_to", "shape", "code_list"},
    Demand: {"field", "required", "one_of", "between", "at_most_days_old", "must_refer", "is_note"},
    FileMapping: {"source", "register", "columns", "ignore", "covers_everything", "as_of", "valid_from", "is_gcj02",
                  "is_lat_first", "zone", "path", "wanted", "empty", "most_bad", "demands", "text", "lines",
                  "compare_within"},
    Column: {"name", "field", "unit", "form", "codes"},
}  # fmt: skip
"""What this module has an answer to; a file that uses more is checked row by row."""


@dataclass(frozen=True)
class Term:
    """A field in SQL: its value, when that is certain, and the value as a text that is never NULL."""

    value: str
    certain: str
    text: str


@dataclass(frozen=True)
class Proof:
    """The fields of a file by name; the texts of its columns are called t0, t1 and so on.

    `shared` are columns that the terms are told in: DuckDB would work out again what stands in several places of one.
    """

    terms: Mapping[str, Term]
    is_shifted: bool = False
    shared: Mapping[str, str] = field(default_factory=dict)

    @property
    def certain(self) -> str:
        """Whether a row needs no second look: as a CASE, in which DuckDB asks no more of a row that has failed, and
        nothing of an empty value."""
        parts = [*(term.certain for term in self.terms.values()), *_agreeing(self.terms)]
        return f"CASE WHEN {' AND '.join(f'({part})' for part in parts)} THEN true ELSE false END"

    def digest(self, key: bytes) -> str:
        """What `checks.digests` gives for the row's values, as an unsigned number; empty where they are shifted yet."""
        if self.is_shifted:
            return ""
        texts = ", ".join(self.terms[name].text for name in sorted(self.terms))
        return f"('0x' || left(sha256({_said(key.hex())} || chr(10) || concat_ws(chr(31), {texts})), 16))::UBIGINT"


def proof_of(mapping: FileMapping, header: Sequence[str], today: date) -> Proof | None:
    """The proof for a file with this header, whose columns' texts are called t0, t1; None where there is none."""
    things: list[Any] = [mapping, *mapping.columns, *(column.field for column in mapping.columns), *mapping.demands]
    words = [*mapping.empty, *(word for column in mapping.columns for word in column.codes or ())]
    if not all(map(_is_known, things)) or not all(map(str.isprintable, words)):
        return None
    terms: dict[str, Term] = {}
    shared: dict[str, str] = {}
    for column in mapping.columns:
        text = f"t{header.index(column.name)}"
        term = _term(column, text, mapping, today)
        if term is None:
            return None
        terms[column.field.name] = term
        shared |= _shared(column, text)
    return Proof(terms, mapping.is_gcj02, shared)


def _shared(column: Column, text: str) -> dict[str, str]:
    if column.field.kind == "date":
        return {f"{text}_day": _day(column.form, text)}
    return {f"{text}_sign": _sign(text)} if _SIGNS.get(column.field.kind) is _is_resident_id else {}


def _agreeing(terms: Mapping[str, Term]) -> Iterator[str]:
    """That a person's day of birth and sex are those of the identity number. Source: GB 11643-1999."""
    if "national_id" not in terms:
        return
    number = terms["national_id"].text
    if "birth_date" in terms:
        born = terms["birth_date"].text
        yield f"{number} = '' OR {born} = '' OR replace({born}, '-', '') = substr({number}, 7, 8)"
    if "sex" in terms:
        told = f"CASE WHEN substr({number}, 17, 1) IN ('1', '3', '5', '7', '9') THEN 'male' ELSE 'female' END"
        sex = terms["sex"].text
        yield f"{number} = '' OR {sex} NOT IN ('male', 'female') OR {sex} = {told}"


def _is_known(thing: Any) -> bool:
    """Whether it asks for nothing that this module has never heard of."""
    return all(field.name in _KNOWN[type(thing)] or getattr(thing, field.name) == _default(field)
               for field in fields(thing))  # fmt: skip


def _default(field: Any) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _term(column: Column, text: str, mapping: FileMapping, today: date) -> Term | None:
    kind = column.field.kind
    if column.form == OWN_NUMBER:
        return None
    if kind in _SIGNS or kind == "key":
        term = _code(column.field, text, mapping.empty)
    elif kind == "text":
        term = _text(column.field, text, mapping.empty)
    elif kind == "choice":
        term = _choice(column, text, mapping.empty)
    elif kind == "date":
        term = _date(column, text, mapping.empty, today)
    elif kind in ("number", "whole", "money", "lon", "lat"):
        term = _number(column, text, mapping.empty)
    elif kind in _PEOPLE:
        term = _person(kind, text, mapping.empty)
    elif kind == "needs":
        term = _choice(column, text, mapping.empty)
    else:
        return None
    if term is None:
        return None
    wanted = [_demanded(demand, column.field, term, today) for demand in mapping.demands_on(column.field.name)]
    required = [f"{term.text} <> ''"] if column.field.required else []
    return Term(term.value, " AND ".join([f"({term.certain})", *required, *wanted]), term.text)


def _said(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _among(words: Sequence[str] | frozenset[str]) -> str:
    return "(" + ", ".join(map(_said, sorted(words))) + ")"


def _emptied(text: str, empty: frozenset[str]) -> str:
    return f"CASE WHEN {text} IN {_among(empty)} THEN '' ELSE {text} END" if empty else text


def _code(field: Field, text: str, empty: frozenset[str]) -> Term:
    """A code in plain letters, without spaces."""
    value = _emptied(f"upper({text})", empty)
    is_right = _SIGNS.get(field.kind, lambda text: f"strlen({text}) <= 64")(text)
    nothing = f"upper({text}) IN {_among(empty | {''})}"
    return Term(value, f"regexp_full_match({text}, '[!-~]*') AND ({nothing} OR ({is_right}))", value)


def _is_in_china(value: str) -> str:
    return f"left({value}, 2) IN {_among([f'{province:02d}' for province in PROVINCES])}"


def _is_credit_code(text: str) -> str:
    """Small letters stand one round behind capital ones, so that they count for the same. Source: GB 32100-2015."""
    both = CREDIT_SIGNS + CREDIT_SIGNS.lower()
    places = [f"(instr('{both}', substr({text}, {place + 1}, 1)) - 1)" for place in range(18)]
    total = " + ".join(f"{sign} * {3**place % 31}" for place, sign in enumerate(places[:17]))
    return f"regexp_full_match({text}, '[{both}]{{18}}') AND (31 - ({total}) % 31) % 31 = {places[17]} % 31"


def _is_resident_id(text: str) -> str:
    """Source: GB 11643-1999."""
    return (f"regexp_full_match({text}, '[0-9]{{17}}[0-9Xx]') AND {_is_in_china(text)}"
            f" AND TRY_STRPTIME(substr({text}, 7, 8), '%Y%m%d') >= TIMESTAMP '1800-01-01'"
            f" AND {text}_sign = upper(substr({text}, 18, 1))")  # fmt: skip


def _sign(text: str) -> str:
    """The check sign for seventeen digits, from the number that they are; NULL where they are none.

    A digit is what a power of ten leaves, less ten times what the next one does; so each power is asked for once, and
    has the weight of its own digit less ten times that of the digit before it.
    """
    number = f"(TRY_CAST(left({text}, 17) AS BIGINT) % {10**17})"  # what is no such number must not overflow
    weights = [2, *((2 ** (place + 1) - 10 * 2**place) % 11 for place in range(1, 17))]
    total = " + ".join(f"{number} // {10**place} * {weight}" for place, weight in enumerate(weights))
    return f"substr('10X98765432', (abs({total}) % 11)::INTEGER + 1, 1)"


def _is_division(value: str) -> str:
    """Source: GB/T 2260, GB/T 10114."""
    levels = [f"substr({value}, {first}, {signs})" for first, signs in ((3, 2), (5, 2), (7, 3), (10, 3))]
    zero = ("'00'", "'00'", "'000'", "'000'")
    gaps = " AND ".join(
        f"NOT ({above} = {zero[place]} AND {below} NOT IN ('', {zero[place + 1]}))"
        for place, (above, below) in enumerate(itertools.pairwise(levels))
    )
    return f"regexp_full_match({value}, '[0-9]{{6}}([0-9]{{3}}){{0,2}}') AND {_is_in_china(value)} AND {gaps}"


_SIGNS = {
    "person_id": _is_resident_id,
    "credit_code": _is_credit_code, "resident_id": _is_resident_id, "division": _is_division,
    "mobile": lambda value: f"regexp_full_match({value}, '1[3-9][0-9]{{9}}')",
}  # fmt: skip
_WORD = r"[^\pC\pZ\x{FFFD}]+"


def _text(field: Field, text: str, empty: frozenset[str]) -> Term:
    """Words with one space between two, of signs that can be seen."""
    value = _emptied(text, empty)
    seen = f"regexp_full_match({text}, '(?:{_WORD}(?: {_WORD})*)?')"
    return Term(value, f"{seen} AND length({text}) <= {field.longest}", value)


_SPELT = r"[!-~]+(?: [!-~]+)*|[\x{{4e00}}-\x{{9fff}}]+"
_PEOPLE = {
    "person_name": f"regexp_full_match({{0}}, '{_SPELT}') AND strlen({{0}}) <= {NAME_BYTES}",
    "phone": "regexp_full_match({0}, '[0-9]{{5,15}}')",
}  # fmt: skip


def _person(kind: str, text: str, empty: frozenset[str]) -> Term:
    """What is kept of people as it is written."""
    value = _emptied(text, empty)
    return Term(value, f"{text} = '' OR ({_PEOPLE[kind].format(text)})", value)


def _choice(column: Column, text: str, empty: frozenset[str]) -> Term | None:
    codes = {word: meaning for word, meaning in (column.codes or {}).items() if word == word.strip() and word}
    if len(codes) > _MOST_CODES:
        return None
    nothing = _among(empty | {""})
    cases = " ".join(f"WHEN {_said(word)} THEN {_said(meaning)}" for word, meaning in codes.items())
    value = f"CASE WHEN {text} IN {nothing} THEN ''" + (f" ELSE CASE {text} {cases} END END" if cases else " END")
    return Term(f"coalesce({value}, '')", f"({value}) IS NOT NULL", f"coalesce({value}, '')")


_DAY_PARTS = (("YYYY", 4), ("MM", 2), ("DD", 2))
_TIME = r"(?:[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?"


def _date(column: Column, text: str, empty: frozenset[str], today: date) -> Term:
    """A day in the mapping's form, its month and day in two digits."""
    shape = re.escape(column.form)
    for name, signs in _DAY_PARTS:
        shape = shape.replace(name, f"[0-9]{{{signs}}}")
    day = f"{text}_day"
    nothing = f"{text} IN {_among(empty | {''})}"
    latest = f" AND {day} <= '{today.isoformat()}'" if column.field.not_future else ""
    is_day = (f"regexp_full_match({text}, '{shape}{_TIME}') AND TRY_CAST({day} AS DATE) IS NOT NULL"
              f" AND {day} >= '1600-01-01'{latest}")  # fmt: skip
    value = f"CASE WHEN {nothing} THEN NULL ELSE {day} END"
    return Term(value, f"{nothing} OR ({is_day})", f"coalesce({value}, '')")


def _day(form: str, text: str) -> str:
    """A day as YYYY-MM-DD."""
    if form == "YYYY-MM-DD":
        return f"left({text}, 10)"
    return " || '-' || ".join(f"substr({text}, {form.index(name) + 1}, {signs})" for name, signs in _DAY_PARTS)


def _number(column: Column, text: str, empty: frozenset[str]) -> Term:
    """A number in plain digits; what would have to be rounded at half is left to `Checks`."""
    field = column.field
    factor = UNITS.get(field.unit, {}).get(column.unit, 1)
    nothing = f"{text} IN {_among(empty | {''})}"
    number = f"TRY_CAST({text} AS DOUBLE)" + ("" if factor == 1 else f" * CAST('{factor!r}' AS DOUBLE)")
    limits = [f"{number} >= {field.low!r}" if field.low is not None else "true",
              f"{number} <= {field.high!r}" if field.high is not None else "true"]  # fmt: skip
    if field.kind in ("whole", "money"):
        up = f"CASE WHEN {number} - floor({number}) > 0.5 THEN 1 ELSE 0 END"
        value = f"TRY_CAST(floor({number}) AS BIGINT)" + (f" + {up}" if field.kind == "money" else "")
        limits.append(f"{number} - floor({number}) {'<> 0.5' if field.kind == 'money' else '= 0'}")
        limits.append(f"abs({number}) < 4e15")
    else:
        value = number
        limits.append(f"({number} = 0 OR abs({number}) BETWEEN 0.001 AND 1e12)")
    is_number = f"regexp_full_match({text}, '[-+]?[0-9]{{1,15}}(\\.[0-9]{{1,12}})?') AND " + " AND ".join(limits)
    value = f"CASE WHEN {nothing} THEN NULL ELSE {value} END"
    return Term(value, f"{nothing} OR ({is_number})", f"coalesce(CAST({value} AS VARCHAR), '')")


def _demanded(demand: Demand, field: Field, term: Term, today: date) -> str:
    """That a value keeps to a rule of the mapping, also to one that only notes: a note is `Checks`' to make."""
    wanted = ["true"]
    if demand.one_of is not None:
        is_text = field.kind in (*_SIGNS, "key", "text", "choice", "date")
        words = all(map(str.isprintable, demand.one_of))
        wanted.append(f"{term.text} IN {_among(demand.one_of)}" if is_text and words else "false")
    if demand.between and field.kind in ("number", "whole", "money", "lon", "lat"):
        wanted.append(f"{term.value} BETWEEN {float(demand.between[0])!r} AND {float(demand.between[1])!r}")
    if demand.at_most_days_old is not None:
        oldest = (today - timedelta(days=demand.at_most_days_old)).isoformat()
        wanted.append(f"{term.text} >= '{oldest}'" if field.kind == "date" else "false")
    filled = " AND ".join(wanted)
    return f"({term.text} <> '' AND {filled})" if demand.required else f"({term.text} = '' OR ({filled}))"
