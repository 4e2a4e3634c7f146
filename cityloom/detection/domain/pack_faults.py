"""What is wrong in a rule pack: in which line, and in words that can be translated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from cityloom.kernel.refused import Detail, Refused
from cityloom.kernel.written import TYPES

_UNREADABLE = "The rule pack cannot be read at line {limit}: {value}."
_UNFIT = "The rule pack does not fit: {value}."
_UNFIT_AT = "Line {limit} of the rule pack does not fit: {value}."
_SHOWN = 80
_UNMET = {
    "minimum": "it is less than {limit}", "maximum": "it is more than {limit}", "const": "only {limit} is known here",
    "exclusiveMinimum": "it is not more than {limit}", "minLength": "it has fewer signs than {limit}",
    "maxLength": "it has more signs than {limit}", "minItems": "it has fewer parts than {limit}",
    "maxItems": "it has more parts than {limit}", "minProperties": "it has fewer parts than {limit}",
    "pattern": "{value} is not written as {limit}",
}
_AS_WRITTEN = {
    "^[1-9][0-9]{0,4} (s|min|h|d)$": "5 min", "^[a-z][a-z0-9-]{0,39}$": "a-word", "^[a-z][a-z0-9_]{0,39}$": "a_word",
}
"""Of each pattern an example, which says more."""


def unreadable(what: Detail, line: int) -> Refused:
    """A refusal of what is no YAML, or more than is read."""
    return Refused("detection.pack_unreadable", _UNREADABLE, value=what, limit=line)


def unfit(where: str, words: Detail | str) -> Refused:
    """A refusal of what does not fit at a place such as `rules.0.when`; `located` adds its line."""
    refusal = Refused("detection.pack_unfit", _UNFIT, value=Detail("{value}: {limit}", where[:200], words))
    refusal.place = where  # type: ignore[attr-defined]
    return refusal


def located(refusal: Refused, text: str) -> Refused:
    """The same refusal with the line of its place."""
    place = getattr(refusal, "place", None)
    if place is None:
        return refusal
    return Refused(refusal.code, _UNFIT_AT, value=refusal.value, limit=line_of(text, place.split(".")))


def line_of(text: str, place: Sequence[str]) -> int:
    """The line of a place, or of the deepest part of it that is written."""
    node, line = yaml.compose(text, Loader=yaml.SafeLoader), 1
    for step in place:
        found = _within(node, step)
        if found is None:
            break
        line, node = found
    return line


def place_of(error: Any) -> list[Any]:
    """Where a rule of the schema is broken; for a name that there is not, at that name."""
    return [*error.absolute_path, *([_unknown(error)] if error.validator == "additionalProperties" else [])]


def why(error: Any) -> Detail:
    """What a value is not, by the rule of the schema that it breaks."""
    wanted = error.validator_value
    if error.validator == "additionalProperties":
        return Detail("{value} (there are: {limit})", _unknown(error)[:_SHOWN], ", ".join(error.schema["properties"]))
    if error.validator == "enum":
        return Detail("{value} (there are: {limit})", str(error.instance)[:_SHOWN], ", ".join(map(str, wanted)))
    if error.validator == "required":
        return Detail("it lacks {value}", next(name for name in wanted if name not in error.instance))
    if error.validator == "type":
        return TYPES[wanted]
    if wanted == 1 and error.validator in ("minLength", "minItems", "minProperties"):
        return Detail("it is empty")
    return Detail(_UNMET[error.validator], str(error.instance)[:_SHOWN], _AS_WRITTEN.get(str(wanted), wanted))


def _unknown(error: Any) -> str:
    return next(str(name) for name in error.instance if name not in error.schema["properties"])


def _within(node: yaml.Node | None, step: str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if str(key.value) == step:
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and step.isdecimal() and int(step) < len(node.value):
        inner = node.value[int(step)]
        return inner.start_mark.line + 1, inner
    return None
