"""What a kind of study reads and what may be asked of it, as a text of Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cityloom.insight.studies.kinds import InputSpec, Kind

_DEEPEST = 4
_BOUNDS = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than"}


def described(one: Kind) -> str:
    """A kind in English."""
    return "\n".join(_lines(one)) + "\n"


def _lines(one: Kind) -> Iterator[str]:
    yield from (f"## {one.name}: {one.title}", "", one.about, "", "It reads:", "")
    for spec in one.inputs:
        yield from _input(spec)
    yield from ("", "The question:", "")
    yield from _schema(one.schema, 0)
    if not one.schema.get("properties"):
        yield "* nothing more is asked"


def _input(spec: InputSpec) -> Iterator[str]:
    needed = "" if spec.needed else " (may be left out)"
    key = ", ".join(f"`{name}`" for name in spec.key)
    yield f"* `{spec.name}`{needed}: {spec.title}. A row is named by {key}."
    for columns, more in ((spec.columns, ""), (spec.optional, ", may be left out")):
        for name, about in columns.items():
            kind = "words" if name in spec.words else "numbers"
            yield f"  * `{name}` ({kind}{more}): {about}"
    if spec.also:
        others = "; ".join(f"`{name}`: {', '.join(also)}" for name, also in spec.also.items())
        yield f"  * read as well under the names of other tools: {others}"


def _schema(schema: Mapping[str, Any], depth: int) -> Iterator[str]:
    needed = schema.get("required", ())
    for name, says in schema.get("properties", {}).items():
        about = says.get("description", "")
        facts = [_type(says), "needed" if name in needed else ""]
        facts += [f"{word} {says[key]}" for key, word in _BOUNDS.items() if key in says]
        facts += [f"one of {', '.join(map(str, says['enum']))}"] if "enum" in says else []
        facts += [f"by default {says['default']}"] if says.get("default", "") != "" else []
        said = ", ".join(filter(None, facts))
        yield f"{'  ' * depth}* `{name}`" + (f" ({said})" if said else "") + (f": {about}" if about else "")
        if depth < _DEEPEST:
            yield from _schema(says, depth + 1)
            yield from _schema(says.get("items", {}) if isinstance(says.get("items"), dict) else {}, depth + 1)


def _type(says: Mapping[str, Any]) -> str:
    words = {"object": "names with values", "array": "a list", "string": "text", "integer": "a whole number",
             "number": "a number", "boolean": "true or false"}  # fmt: skip
    found = says.get("type", "")
    return " or ".join(words.get(one, one) for one in ([found] if isinstance(found, str) else found) if one)
