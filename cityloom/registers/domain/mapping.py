"""What a steward writes about a department's file: read, and checked as far as it can be without the file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import cache
from pathlib import Path
from typing import Any

from cityloom.kernel.refused import Detail, Refused
from cityloom.registers.domain import dates
from cityloom.registers.domain.kinds import REGISTERS, UNITS, Field, Register
from cityloom.registers.domain.tables import Connected, Wanted
from cityloom.registers.domain.written import Place, document_of, meant, unfit, wrong

CORRECTIONS = "resident-corrections"
"""The source of what residents asked to have corrected and a steward granted; no file has it."""
_SET_ASIDE = "set-aside"
FACTS = "facts"
_HOW = ("format", "encoding", "delimiter", "sheet", "place")
OWN_NUMBER = "own-number"
"""The form of a key that is the department's own number: it stands behind the source's name and a colon."""


@dataclass(frozen=True)
class Column:
    """A column of the file and the field that it becomes; `codes` are None where the field is no choice."""

    name: str
    field: Field
    unit: str = ""
    form: str = "YYYY-MM-DD"
    codes: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Demand:
    """What a steward asks of a field beyond what it always has to be; with `is_note` it sets nothing aside."""

    field: str
    required: bool = False
    one_of: frozenset[str] | None = None
    between: tuple[float, float] | None = None
    at_most_days_old: int | None = None
    must_refer: bool = False
    is_note: bool = False


@dataclass(frozen=True)
class FileMapping:
    """A mapping that fits its schema and the register; `text` is as it was written."""

    source: str
    register: Register
    columns: tuple[Column, ...]
    ignore: frozenset[str] = frozenset()
    covers_everything: bool = False
    as_of: str = ""
    valid_from: str = ""
    is_gcj02: bool = False
    is_lat_first: bool = False
    path: str = ""
    pattern: str = ""
    wanted: Wanted = field(default_factory=Wanted)
    connected: Connected | None = None
    empty: frozenset[str] = frozenset()
    most_bad: float = 0.5
    compare_within: bool | None = None
    demands: tuple[Demand, ...] = ()
    text: str = ""
    zone: tzinfo = UTC
    lines: Mapping[Place, int] = field(default_factory=dict)

    @property
    def is_personal(self) -> bool:
        """Whether rows of the file tell anything about people."""
        return any(column.field.personal for column in self.columns)

    def demands_on(self, name: str) -> list[Demand]:
        """What is asked of a field."""
        return [demand for demand in self.demands if demand.field == name]


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a mapping."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "mapping.schema.json").read_text("utf-8"))
    return found


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator  # takes a while to import

    return Draft202012Validator(schema())


def read(text: str, datasets: Mapping[str, Register] | None = None) -> FileMapping:
    """A mapping from its YAML; `datasets` are those of the lake, as registers, for a file of facts.

    Raises: Refused `registers.mapping_*` with the line and the field of what is wrong, and what was probably meant.
    """
    document, lines = document_of(text, "mapping")
    error = next(iter(sorted(_validator().iter_errors(document), key=lambda found: list(map(str, found.path)))), None)
    if error is not None:
        raise unfit(error, lines, "mapping")
    register = _keyed(document, _register(document, datasets or {}, lines), lines)
    columns = tuple(_column(name, says, register, lines) for name, says in document["columns"].items())
    _check_fields(columns, document, register, lines)
    file = document.get("file", {})
    if document["source"] == CORRECTIONS:
        taken = Detail("{value} is for what residents ask for; name the department", CORRECTIONS)
        raise wrong(("source",), taken, lines)
    _check_table(document, lines)
    return FileMapping(
        source=document["source"], register=register, columns=columns, ignore=frozenset(document.get("ignore", ())),
        covers_everything=document.get("covers") == "everything", as_of=_day(document, lines),
        valid_from=document.get("valid_from", ""), is_gcj02=document.get("coordinates") == "gcj02",
        is_lat_first=document.get("axes") == "lat-lon",
        path=file.get("path", ""), pattern=file.get("pattern", ""),
        wanted=Wanted(**{name: file.get(name, "") for name in _HOW}), connected=_connected(document, columns, register),
        empty=frozenset(file.get("empty", ())), most_bad=document.get("most_bad", 0.5),
        compare_within=document.get("compare_within"),
        demands=tuple(_demands(document, register, lines)), text=text, lines=lines,
    )  # fmt: skip


def _check_table(document: Mapping[str, Any], lines: Mapping[Place, int]) -> None:
    """A table has no form of a file."""
    for name in document.get("file", {}) if "source_table" in document else ():
        if name != "empty":
            raise wrong(("file", name), Detail("a table of a database has no such thing; leave it out"), lines)


def _connected(document: Mapping[str, Any], columns: Sequence[Column], register: Register) -> Connected | None:
    """The table that is read instead of a file, its key's column first in its order."""
    says = document.get("source_table")
    keys = tuple(column.name for column in columns if column.field.name == register.key)
    return Connected(order=keys, **says) if says else None


def table_of(**says: str) -> Connected:
    """A table or query that is named outside of a mapping, as one names it.

    Raises: Refused `registers.table_unnamed`.
    """
    named = {name: text for name, text in says.items() if text}
    if not _validator().evolve(schema=schema()["properties"]["source_table"]).is_valid(named):
        raise Refused("registers.table_unnamed", "That names no table: give the name of a connection, as in market-db, "
                      "and either a table, as in public.companies, or a query, one SELECT.")  # fmt: skip
    return Connected(**named)


def check_columns(mapping: FileMapping, header: Sequence[str], offered: frozenset[str] = frozenset()) -> None:
    """The file has every column that the mapping names, and the mapping says something of every column of the file.

    Nothing has to be said of what is only `offered`, as the middles of shapes are.

    Raises: Refused `registers.column_missing`, `registers.column_new`.
    """
    present = set(header)
    for column in mapping.columns:
        if column.name not in present:
            line = mapping.lines.get(("columns", column.name), 0)
            raise Refused("registers.column_missing", "Line {limit} of the mapping names a column that the file does "
                          "not have: {value}", limit=line, value=meant(column.name, header))  # fmt: skip
    known = {column.name for column in mapping.columns} | mapping.ignore | offered
    if new := [name for name in header if name not in known]:
        raise Refused("registers.column_new", "The file has a column that the mapping does not know: {value}. Map it, "
                      "or name it under ignore.", value=", ".join(new)[:300])  # fmt: skip


def _register(document: Mapping[str, Any], datasets: Mapping[str, Register], lines: Mapping[Place, int]) -> Register:
    if (document["register"] == FACTS) != ("dataset" in document):
        raise wrong(("register",), Detail("register: facts and dataset: NAME go together"), lines)
    if document["register"] != FACTS:
        return REGISTERS[document["register"]]
    if document["dataset"] not in datasets:
        unknown = Detail("the lake has no dataset {value}", meant(document["dataset"], list(datasets)))
        raise wrong(("dataset",), unknown, lines)
    return datasets[document["dataset"]]


def _keyed(document: Mapping[str, Any], register: Register, lines: Mapping[Place, int]) -> Register:
    """The register, with the key that the mapping names."""
    key = document.get("key", register.key)
    if key == register.key:
        return register
    if not register.other_key or key != register.other_key:
        keys = " or ".join(filter(None, (register.key, register.other_key)))
        raise wrong(("key",), Detail("entries of {value} are named by {limit}", register.name, keys), lines)
    return register.keyed_by(key)


def _day(document: Mapping[str, Any], lines: Mapping[Place, int]) -> str:
    as_of = document.get("as_of", "")
    if as_of and dates.read(as_of, "YYYY-MM-DD")[1]:
        raise wrong(("as_of",), Detail("this is no day of the calendar, as in 2026-11-01"), lines)
    return as_of


def _column(name: str, says: Mapping[str, Any], register: Register, lines: Mapping[Place, int]) -> Column:
    place = ("columns", name)
    if says["field"] not in register.names:
        raise wrong((*place, "field"), _no_field(says["field"], register), lines)
    target = register.field(says["field"])
    form = says.get("form", "YYYY-MM-DD")
    if form == OWN_NUMBER:
        if (target.kind, target.name) != ("credit_code", register.key):
            raise wrong((*place, "form"), Detail("{value} cannot be a department's own number", target.name), lines)
    elif form not in dates.FORMS:
        raise wrong((*place, "form"), Detail("there is no form {value}", meant(form, list(dates.FORMS))), lines)
    unit = says.get("unit", "")
    if unit and unit not in UNITS.get(target.unit, {}):
        units = meant(unit, list(UNITS.get(target.unit, {})))
        raise wrong((*place, "unit"), Detail("{limit} has no unit {value}", units, target.name), lines)
    if target.unit and not unit:
        units = ", ".join(UNITS[target.unit])
        raise wrong(place, Detail("say the unit of {value}: {limit}", target.name, units), lines)
    codes = says.get("codes")
    for written, meaning in (codes or {}).items():
        if target.choices and meaning not in target.choices:
            words = Detail("{limit} cannot be {value}", meant(meaning, target.choices), target.name)
            raise wrong((*place, "codes", written), words, lines)
    if target.kind in ("choice", "needs") and codes is None:
        codes = {choice: choice for choice in target.choices}
    return Column(name, target, unit, form, codes)


def _no_field(name: str, register: Register) -> Detail:
    return Detail("{limit} have no field {value}", meant(name, register.names), register.name)


def _check_fields(
    columns: Sequence[Column], document: Mapping[str, Any], register: Register, lines: Mapping[Place, int]
) -> None:  # fmt: skip
    mapped = [column.field.name for column in columns]
    if twice := [name for name in mapped if mapped.count(name) > 1]:
        raise wrong(("columns",), Detail("two columns become {value}", twice[0]), lines)
    for needed in register.fields:
        if needed.required and needed.name not in mapped:
            lacking = Detail("no column becomes {value}, which {limit} need", needed.name, register.name)
            raise wrong(("columns",), lacking, lines)
    if ("lon" in mapped) != ("lat" in mapped):
        raise wrong(("columns",), Detail("a longitude needs a latitude, and the other way round"), lines)
    since = document.get("valid_from", "")
    if since and since not in [column.field.name for column in columns if column.field.kind == "date"]:
        raise wrong(("valid_from",), Detail("no column becomes a date called {value}", meant(since, mapped)), lines)


def _demands(document: Mapping[str, Any], register: Register, lines: Mapping[Place, int]) -> Iterator[Demand]:
    for number, says in enumerate(document.get("rules", ())):
        if says["field"] not in register.names:
            raise wrong(("rules", number, "field"), _no_field(says["field"], register), lines)
        between, one_of = says.get("between"), says.get("one_of")
        yield Demand(
            says["field"], says.get("required", False), frozenset(one_of) if one_of else None,
            (between[0], between[1]) if between else None, says.get("at_most_days_old"), says.get("must_refer", False),
            says.get("level", _SET_ASIDE) != _SET_ASIDE,
        )  # fmt: skip
