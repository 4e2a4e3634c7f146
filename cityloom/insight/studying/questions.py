"""Questions of studies as people write them: YAML, held to the schema of their kind, each fault with its line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cityloom.insight.studies.kinds import Kind, kind
from cityloom.kernel import written
from cityloom.kernel.refused import Detail, Refused

LARGEST_BYTES = 1 << 20
_BEGINS = Detail("a question begins with names and values, as in {limit}", limit="`kind: trend`")
_LARGE = "A question has at most {limit} bytes; this is another file. Put what is long into a table of its own."
_UNREADABLE = "The question cannot be read at line {limit}: {value}."
_UNFIT = "Line {limit} of the question does not fit: {value}."
_PARTS = ("kind", "question", "inputs")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_OTHER = Detail("it does not fit what is asked for here")


@dataclass(frozen=True)
class Asked:
    """A question that fits its kind; `files` are the names of its tables' files, as they are written."""

    kind: Kind
    question: Mapping[str, Any]
    files: Mapping[str, str]


def read(text: str) -> Asked:
    """The question that is written.

    Raises: Refused `insight.question_large`, `insight.question_unreadable`, `insight.question_unfit`,
    `insight.no_kind`, and what the kind itself refuses.
    """
    if len(text.encode(errors="replace")) > LARGEST_BYTES:
        raise Refused("insight.question_large", _LARGE, limit=f"{LARGEST_BYTES:,}")
    try:
        document = written.read(text, begins=_BEGINS)
    except written.Fault as fault:
        raise Refused("insight.question_unreadable", _UNREADABLE, value=fault.what, limit=fault.line) from fault
    try:
        return _asked(document)
    except written.Fault as fault:
        raise Refused("insight.question_unfit", _UNFIT, value=fault.what, limit=fault.line) from fault


def checked(one: Kind, question: Mapping[str, Any]) -> Mapping[str, Any]:
    """A question of a kind that was kept or made, once it fits.

    Raises: Refused `insight.question_unfit`, and what the kind itself refuses.
    """
    try:
        _check(one, written.Document({"question": dict(question)}, {}))
    except written.Fault as fault:
        raise Refused("insight.question_unfit", _UNFIT, value=fault.what, limit=fault.line) from fault
    return question


def as_text(name: str, question: Mapping[str, Any], files: Mapping[str, str]) -> str:
    """A question as a file."""
    whole = {"kind": name, "question": question, "inputs": files}
    return "\n".join(_lines(whole)) + "\n"


def _lines(value: Mapping[str, Any]) -> Iterator[str]:
    for key, one in value.items():
        name = key if _PLAIN.fullmatch(key) else json.dumps(key, ensure_ascii=False)
        if isinstance(one, Mapping) and one:
            yield f"{name}:"
            yield from (f"  {line}" for line in _lines(one))
        elif isinstance(one, (list, tuple)) and any(isinstance(part, Mapping) for part in one):
            yield f"{name}:"
            for part in one:
                yield from (f"  {'- ' if not at else '  '}{line}" for at, line in enumerate(_item(part)))
        else:
            yield f"{name}: {_flow(one)}"


def _item(part: object) -> list[str]:
    return list(_lines(part)) if isinstance(part, Mapping) and part else [_flow(part)]


def _flow(value: object) -> str:
    """A value in one line, its numbers without exponents."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key, ensure_ascii=False)}: {_flow(one)}" for key, one in
                               value.items()) + "}"  # fmt: skip
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value not in ("true", "false"):
        return value
    return json.dumps(value, ensure_ascii=False)


def _asked(document: written.Document) -> Asked:
    says = document.says
    for name in says:
        if name not in _PARTS:
            raise written.wrong((name,), Detail("there is no {value}", written.meant(name, _PARTS)), document)
    for name, types in (("kind", str), ("question", dict), ("inputs", dict)):
        if name not in says and name == "kind":
            raise written.wrong((), Detail("it lacks {value}", name), document)
        if not isinstance(says.get(name, types()), types):
            raise written.wrong((name,), written.TYPES["string" if types is str else "object"], document)
    one = kind(says["kind"])
    _check(one, document)
    known = [spec.name for spec in one.inputs]
    for name, file in says.get("inputs", {}).items():
        if name not in known:
            raise written.wrong(("inputs", name), Detail("there is no {value}", written.meant(name, known)), document)
        if not isinstance(file, str) or not file:
            raise written.wrong(("inputs", name), written.TYPES["string"], document)
    return Asked(one, says.get("question", {}), says.get("inputs", {}))


def _check(one: Kind, document: written.Document) -> None:
    from jsonschema import Draft202012Validator  # takes a while to import
    from jsonschema.exceptions import best_match

    question = document.says.get("question", {})
    error = best_match(Draft202012Validator(one.schema).iter_errors(question))
    if error is not None:
        place = ("question", *error.absolute_path)
        if error.validator == "additionalProperties" and isinstance(error.instance, dict):
            known = list(error.schema.get("properties", {}))
            unknown = next((name for name in error.instance if name not in known), "")
            raise written.wrong((*place, unknown), Detail("there is no {value}", written.meant(unknown, known)),
                                document)  # fmt: skip
        raise written.wrong(place, _why(error), document)
    one.check(question)


def _why(error: Any) -> Detail:
    try:
        return written.why(error)
    except (KeyError, TypeError, StopIteration):  # a rule whose words nobody has written
        return _OTHER
