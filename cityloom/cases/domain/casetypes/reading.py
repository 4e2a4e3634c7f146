"""Case types as a city writes them: YAML, held to a schema and to what the table of states needs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from cityloom.cases.domain.casetypes import lint
from cityloom.cases.domain.casetypes.casetype import (
    Access,
    CaseType,
    Category,
    Choice,
    Clock,
    Field,
    Result,
    Role,
    State,
    Stated,
    Step,
)  # fmt: skip
from cityloom.cases.domain.clocks.limits import limit_of
from cityloom.kernel import written
from cityloom.kernel.refused import Detail, Refused
from cityloom.kernel.written import Document

LARGEST_BYTES = 256 * 1024
_FOLDER = Path(__file__).parent
_LONGEST = {"text": 200, "long-text": 4000}
_BEGINS = Detail("a case type begins with names and values, as in {limit}", limit="`cityloom: 1`")


def shipped() -> dict[str, Path]:
    """The types that come with the program, by name."""
    return {path.stem.removeprefix("type_"): path for path in sorted(_FOLDER.glob("type_*.yaml"))}


def document_of(text: str) -> dict[str, Any]:
    """What a case type says, as plain values, once it is known to be one.

    Raises: Refused `cases.type_too_large`, `cases.type_unreadable`, `cases.type_unfit`, each with the line.
    """
    if len(text.encode()) > LARGEST_BYTES:
        raise Refused("cases.type_too_large", "A case type has at most {limit} bytes; this is another file.",
                      limit=LARGEST_BYTES)  # fmt: skip
    document = _read(text)
    try:
        _fit(document)
        lint.check(casetype_from(document.says), document)
    except written.Fault as fault:
        raise Refused("cases.type_unfit", "Line {limit} of the case type does not fit: {value}.",
                      value=fault.what, limit=fault.line) from fault  # fmt: skip
    return document.says


def casetype_of(text: str) -> CaseType:
    """The case type that is written.

    Raises: Refused, as `document_of`.
    """
    return casetype_from(document_of(text))


def casetype_from(says: Mapping[str, Any]) -> CaseType:
    """The case type of a document that was checked before."""
    amount, unit = says["keep"].split(" ")
    return CaseType(
        name=says["casetype"], version=says["version"], title=says["title"], about=says.get("about"),
        roles={row["role"]: Role(row["role"], row["title"], frozenset(row["held_by"])) for row in says["roles"]},
        states={row["state"]: _state(row) for row in says["states"]}, steps=tuple(map(_step, says["steps"])),
        access=_access(says["access"]), keep=(int(amount), unit),
        categories={row["category"]: _category(row) for row in says.get("categories", ())},
        form=tuple(map(_field, says.get("form", ()))), clocks=tuple(map(_clock, says.get("clocks", ()))),
        results={row["result"]: Result(row["result"], row["title"], row.get("is_against", False))
                 for row in says.get("results", ())},
        evidence=_stated(says, "evidence", "evidence"), conditions=_stated(says, "conditions", "condition"),
        grounds=_stated(says, "grounds", "ground"),
    )  # fmt: skip


def _read(text: str) -> Document:
    try:
        return written.read(text, begins=_BEGINS)
    except written.Fault as fault:
        raise Refused("cases.type_unreadable", "The case type cannot be read at line {limit}: {value}.",
                      value=fault.what, limit=fault.line) from fault  # fmt: skip


def _fit(document: Document) -> None:
    from jsonschema.exceptions import best_match  # takes a while to import

    error = best_match(_schema().iter_errors(document.says))
    if error is not None:
        raise written.unmet(error, document)
    for part, key in lint.NAMED:
        names = [row[key] for row in document.says.get(part, ())]
        twice = next((at for at, name in enumerate(names) if name in names[:at]), None)
        if twice is not None:
            raise written.wrong((part, twice, key), Detail("{value} stands here twice", names[twice]), document)


@cache
def _schema() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads((_FOLDER / "casetype.schema.json").read_text(encoding="utf-8")))


def _state(row: Mapping[str, Any]) -> State:
    shows = row.get("process_shows")
    return State(
        row["state"], row["title"], row["meaning"], row.get("ends", False), row.get("pauses", False),
        row.get("process", ""), frozenset(row.get("process_before", ())), row.get("process_then", ""),
        row.get("process_silence", ""), None if shows is None else frozenset(shows),
    )  # fmt: skip


def _step(row: Mapping[str, Any]) -> Step:
    return Step(
        row["step"], row["title"], tuple(row["from"]), row["to"], frozenset(row["who"]), row.get("reason", "optional"),
        tuple(row.get("results", ())), frozenset(row.get("other_than", ())), row.get("handled", False),
        row.get("assigns", False), row.get("refusal"), row.get("needs", ""),
    )  # fmt: skip


def _field(row: Mapping[str, Any]) -> Field:
    kind = row["kind"]
    return Field(
        row["field"], row["title"], kind, row.get("help"), row.get("required", False),
        row.get("sealed", False) or kind in _LONGEST, frozenset(row.get("categories", ())), row.get("least"),
        row.get("most"), row.get("longest", _LONGEST.get(kind, 200)), row.get("unit", ""), row.get("prefill", ""),
        row.get("by_register", False), tuple(Choice(one["choice"], one["title"]) for one in row.get("choices", ())),
    )  # fmt: skip


def _clock(row: Mapping[str, Any]) -> Clock:
    return Clock(
        row["clock"], row["title"], limit_of(row["limit"]), frozenset(row["until"]), frozenset(row.get("since", ())),
        row.get("remind"), limit_of(row["extend"]) if "extend" in row else None, row.get("extensions", 1),
        row.get("escalate_to", ""), row.get("deemed", ""), row.get("law", ""), frozenset(row.get("categories", ())),
    )  # fmt: skip


def _category(row: Mapping[str, Any]) -> Category:
    return Category(
        row["category"], row["title"], row.get("about"), row.get("group", ""), tuple(row.get("keywords", ())),
        row.get("unit", ""), {name: limit_of(limit) for name, limit in row.get("limits", {}).items()},
        row.get("table", ""),
    )  # fmt: skip


def _stated(says: Mapping[str, Any], part: str, key: str) -> tuple[Stated, ...]:
    return tuple(Stated(row[key], row["title"], row.get("help"), frozenset(row.get("categories", ())),
                        row.get("required", False)) for row in says.get(part, ()))  # fmt: skip


def _access(row: Mapping[str, Any]) -> Access:
    seen_by: Sequence[str] = row["seen_by"]
    return Access(frozenset(seen_by), frozenset(row.get("opened_by", seen_by)), row["confidentiality"],
                  row.get("map", False))  # fmt: skip
