"""What a steward writes about a department's file: read, and checked as far as it can be without the file."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from cityloom.kernel.refused import Refused
from cityloom.registers.domain import dates
from cityloom.registers.domain.kinds import REGISTERS, UNITS, Field, Register
from cityloom.registers.domain.tables import Wanted

LARGEST_BYTES = 512 * 1024
_DEEPEST = 12
_SET_ASIDE = "set-aside"
_HOW = ("format", "encoding", "delimiter", "sheet")
Place = tuple[str | int, ...]


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
    path: str = ""
    wanted: Wanted = field(default_factory=Wanted)
    empty: frozenset[str] = frozenset()
    most_bad: float = 0.5
    demands: tuple[Demand, ...] = ()
    text: str = ""
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


def read(text: str) -> FileMapping:
    """A mapping from its YAML.

    Raises: Refused `registers.mapping_*` with the line and the field of what is wrong, and what was probably meant.
    """
    document, lines = _document(text)
    error = next(iter(sorted(_validator().iter_errors(document), key=lambda found: list(map(str, found.path)))), None)
    if error is not None:
        raise _unfit(error, lines)
    register = REGISTERS[document["register"]]
    _check_key(document, register, lines)
    columns = tuple(_column(name, says, register, lines) for name, says in document["columns"].items())
    _check_fields(columns, document, register, lines)
    file = document.get("file", {})
    return FileMapping(
        source=document["source"], register=register, columns=columns, ignore=frozenset(document.get("ignore", ())),
        covers_everything=document.get("covers") == "everything", as_of=_day(document, lines),
        valid_from=document.get("valid_from", ""), is_gcj02=document.get("coordinates") == "gcj02",
        path=file.get("path", ""), wanted=Wanted(**{name: file.get(name, "") for name in _HOW}),
        empty=frozenset(file.get("empty", ())), most_bad=document.get("most_bad", 0.5),
        demands=tuple(_demands(document, register, lines)), text=text, lines=lines,
    )  # fmt: skip


def check_columns(mapping: FileMapping, header: Sequence[str]) -> None:
    """The file has every column that the mapping names, and the mapping says something of every column of the file.

    Raises: Refused `registers.column_missing`, `registers.column_new`.
    """
    present = set(header)
    for column in mapping.columns:
        if column.name not in present:
            line = mapping.lines.get(("columns", column.name), 0)
            raise Refused("registers.column_missing", "Line {limit} of the mapping names a column that the file does "
                          "not have: {value}", limit=line, value=_meant(column.name, header))  # fmt: skip
    known = {column.name for column in mapping.columns} | mapping.ignore
    if new := [name for name in header if name not in known]:
        raise Refused("registers.column_new", "The file has a column that the mapping does not know: {value}. Map it, "
                      "or name it under ignore.", value=", ".join(new)[:300])  # fmt: skip


def _document(text: str) -> tuple[dict[str, Any], dict[Place, int]]:
    if len(text.encode()) > LARGEST_BYTES:
        raise Refused("registers.mapping_too_large", "A mapping has at most {limit} bytes; this is another file.",
                      limit=LARGEST_BYTES)  # fmt: skip
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if isinstance(token, (yaml.AliasToken, yaml.AnchorToken, yaml.TagToken)):
                raise _unreadable("anchors, aliases and tags are not used here", token.start_mark.line + 1)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines: dict[Place, int] = {}
        _walk(node, (), lines)
        document = _value(node)
    except yaml.MarkedYAMLError as error:
        raise _unreadable(error.problem or "this is no YAML", error.problem_mark.line + 1 if error.problem_mark else 1
                          ) from error  # fmt: skip
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _unreadable("this is no YAML", 1) from error
    if not isinstance(document, dict):
        raise _unreadable("a mapping begins with names and values, as in `source: housing`", 1)
    return document, lines


def _unreadable(what: str, line: int) -> Refused:
    return Refused("registers.mapping_unreadable", "The mapping cannot be read at line {limit}: {value}.", value=what,
                   limit=line)  # fmt: skip


def _walk(node: yaml.Node | None, place: Place, lines: dict[Place, int]) -> None:
    """Note the line of everything, and refuse a name that stands twice."""
    if node is None or len(place) > _DEEPEST:
        raise _unreadable("it is empty, or too deep", 1)
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*place, str(key.value))
            if here in lines:
                raise _unreadable(f"{key.value} stands here twice", key.start_mark.line + 1)
            _walk(value, here, lines)
            lines[here] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _walk(value, (*place, number), lines)


def _value(node: yaml.Node | None) -> Any:
    """What is written, with numbers and true or false where they are meant; a name stays the text that it is.

    YAML's own rules would make a number of 001, a yes of Y, and a day of a text.
    """
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _value(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_value(value) for value in node.value]
    text = str(node.value) if node is not None else ""
    if node is None or node.style is not None:
        return text
    if text in ("true", "false"):
        return text == "true"
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,15})")
_DECIMAL = re.compile(r"-?[0-9]{1,15}\.[0-9]{1,15}")


def _unfit(error: Any, lines: Mapping[Place, int]) -> Refused:
    place = tuple(error.absolute_path)
    words = error.message
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = list(error.schema.get("properties", {}))
        unknown = next(name for name in error.instance if name not in known)
        place, words = (*place, unknown), f"there is no {_meant(unknown, known)}"
    elif error.validator == "enum":
        words = f"there is no {_meant(str(error.instance), [str(one) for one in error.validator_value])}"
    elif error.validator == "required":
        words = f"it lacks {error.message.split(' is a ')[0]}"
    where = ".".join(map(str, place))
    return Refused("registers.mapping_unfit", "Line {limit} of the mapping does not fit: {value}.",
                   limit=_line(place, lines), value=f"{where + ': ' if where else ''}{words}"[:400])  # fmt: skip


def _line(place: Place, lines: Mapping[Place, int]) -> int:
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


def _meant(wrong: str, known: Sequence[str]) -> str:
    """A wrong word with what was probably meant, or what there is."""
    near = difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    if near:
        return f"{wrong[:80]} (did you mean {near[0]}?)"
    return f"{wrong[:80]} (there are: {', '.join(known)[:300]})"


def _wrong(place: Place, words: str, lines: Mapping[Place, int]) -> Refused:
    return Refused("registers.mapping_unfit", "Line {limit} of the mapping does not fit: {value}.",
                   limit=_line(place, lines), value=f"{'.'.join(map(str, place))}: {words}"[:400])  # fmt: skip


def _check_key(document: Mapping[str, Any], register: Register, lines: Mapping[Place, int]) -> None:
    if document.get("key", register.key) != register.key:
        raise _wrong(("key",), f"entries of {register.name} are named by {register.key}", lines)


def _day(document: Mapping[str, Any], lines: Mapping[Place, int]) -> str:
    as_of = document.get("as_of", "")
    if as_of and dates.read(as_of, "YYYY-MM-DD")[1]:
        raise _wrong(("as_of",), "this is no day of the calendar, as in 2026-11-01", lines)
    return as_of


def _column(name: str, says: Mapping[str, Any], register: Register, lines: Mapping[Place, int]) -> Column:
    place = ("columns", name)
    if says["field"] not in register.names:
        raise _wrong((*place, "field"), f"{register.name} have no field {_meant(says['field'], register.names)}", lines)
    target = register.field(says["field"])
    form = says.get("form", "YYYY-MM-DD")
    if form not in dates.FORMS:
        raise _wrong((*place, "form"), f"there is no form {_meant(form, list(dates.FORMS))}", lines)
    unit = says.get("unit", "")
    if unit and unit not in UNITS.get(target.unit, {}):
        raise _wrong((*place, "unit"), f"{target.name} has no unit {_meant(unit, list(UNITS.get(target.unit, {})))}",
                     lines)  # fmt: skip
    if target.unit and not unit:
        raise _wrong(place, f"say the unit of {target.name}: {', '.join(UNITS[target.unit])}", lines)
    codes = says.get("codes")
    for written, meaning in (codes or {}).items():
        if target.choices and meaning not in target.choices:
            words = f"{target.name} cannot be {_meant(meaning, target.choices)}"
            raise _wrong((*place, "codes", written), words, lines)
    if target.kind == "choice" and codes is None:
        codes = {choice: choice for choice in target.choices}
    return Column(name, target, unit, form, codes)


def _check_fields(
    columns: Sequence[Column], document: Mapping[str, Any], register: Register, lines: Mapping[Place, int]
) -> None:  # fmt: skip
    mapped = [column.field.name for column in columns]
    if twice := [name for name in mapped if mapped.count(name) > 1]:
        raise _wrong(("columns",), f"two columns become {twice[0]}", lines)
    for needed in register.fields:
        if needed.required and needed.name not in mapped:
            raise _wrong(("columns",), f"no column becomes {needed.name}, which {register.name} need", lines)
    if ("lon" in mapped) != ("lat" in mapped):
        raise _wrong(("columns",), "a longitude needs a latitude, and the other way round", lines)
    since = document.get("valid_from", "")
    if since and since not in [column.field.name for column in columns if column.field.kind == "date"]:
        raise _wrong(("valid_from",), f"no column becomes a date called {_meant(since, mapped)}", lines)


def _demands(document: Mapping[str, Any], register: Register, lines: Mapping[Place, int]) -> Iterator[Demand]:
    for number, says in enumerate(document.get("rules", ())):
        if says["field"] not in register.names:
            raise _wrong(("rules", number, "field"), f"{register.name} have no field "
                         f"{_meant(says['field'], register.names)}", lines)  # fmt: skip
        between, one_of = says.get("between"), says.get("one_of")
        yield Demand(
            says["field"], says.get("required", False), frozenset(one_of) if one_of else None,
            (between[0], between[1]) if between else None, says.get("at_most_days_old"), says.get("must_refer", False),
            says.get("level", _SET_ASIDE) != _SET_ASIDE,
        )  # fmt: skip
