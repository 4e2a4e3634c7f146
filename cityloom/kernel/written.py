"""What people write in YAML: read with the line of everything, and never more than was meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from cityloom.kernel.refused import Detail

_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where the library was built with it
_DEEPEST = 12
_LONGEST_SHOWN = 80
_LONGEST_PLACE = 200
_OPENS = (yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken, yaml.BlockSequenceStartToken,
          yaml.BlockMappingStartToken)  # fmt: skip
_CLOSES = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)
Place = tuple[str | int, ...]
NO_YAML = Detail("this is no YAML")
TYPES = {
    "object": Detail("names with values are wanted here"), "array": Detail("a list is wanted here"),
    "string": Detail("a text is wanted here"), "boolean": Detail("true or false is wanted here"),
    "integer": Detail("a whole number is wanted here"), "number": Detail("a number is wanted here"),
}
_UNMET = {
    "minimum": "it is less than {limit}", "maximum": "it is more than {limit}", "const": "only {limit} is known here",
    "exclusiveMinimum": "it is not more than {limit}", "minLength": "it has fewer signs than {limit}",
    "maxLength": "it has more signs than {limit}", "minItems": "it has fewer parts than {limit}",
    "maxItems": "it has more parts than {limit}", "minProperties": "it has fewer parts than {limit}",
    "maxProperties": "it has more parts than {limit}", "pattern": "{value} is not written as {limit}",
    "oneOf": "it needs one of {limit}, and not both", "uniqueItems": "something stands here twice",
}
_FEWER = ("minLength", "minItems", "minProperties")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,15})")
_DECIMAL = re.compile(r"-?[0-9]{1,15}\.[0-9]{1,15}")


class Fault(Exception):  # noqa: N818 - whoever reads makes a refusal of it, in the words of what is read
    """Something in a text that cannot be read: what, and in which line."""

    def __init__(self, what: Detail, line: int) -> None:
        super().__init__(str(what))
        self.what = what
        self.line = line


@dataclass(frozen=True)
class Document:
    """What is written, and the line of each place in it."""

    says: dict[str, Any]
    lines: Mapping[Place, int]

    def line(self, place: Place) -> int:
        """The line of a place, or of the deepest part of it that is written."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read(text: str, *, begins: Detail) -> Document:
    """What a text says; `begins` says how such a text begins, for one that is no mapping.

    Raises: Fault.
    """
    try:
        return _read(text, begins, _FAST)
    except (yaml.YAMLError, ValueError, RecursionError):
        return _said_why(text, begins)


def unmet(error: Any, document: Document) -> Fault:
    """What a JSON Schema does not allow, with its line and what was probably meant."""
    place = tuple(error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = list(error.schema.get("properties", {}))
        unknown = next(name for name in error.instance if name not in known)
        return wrong((*place, unknown), Detail("there is no {value}", meant(unknown, known)), document)
    return wrong(place, why(error), document)


def wrong(place: Place, words: Detail, document: Document) -> Fault:
    """What does not fit at a place."""
    where = ".".join(map(str, place))[:_LONGEST_PLACE]
    return Fault(Detail("{value}: {limit}", where, words) if where else words, document.line(place))


def why(error: Any) -> Detail:
    """What a value is not. The library's own words are in English."""
    wanted = error.validator_value
    if error.validator == "enum":
        return Detail("there is no {value}", meant(str(error.instance), [str(one) for one in wanted]))
    if error.validator == "required":
        return Detail("it lacks {value}", next(name for name in wanted if name not in error.instance))
    if error.validator == "type":
        return TYPES[wanted]
    if error.validator == "oneOf":
        wanted = ", ".join(name for one in wanted for name in one.get("required", ()))
    if wanted == 1 and error.validator in _FEWER:
        return Detail("it is empty")
    return Detail(_UNMET[error.validator], str(error.instance)[:_LONGEST_SHOWN], wanted)


def meant(word: str, known: Sequence[str]) -> Detail:
    """A wrong word with what was probably meant, or what there is."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    if near:
        return Detail("{value} (did you mean {limit}?)", word[:_LONGEST_SHOWN], near[0])
    return Detail("{value} (there are: {limit})", word[:_LONGEST_SHOWN], ", ".join(known)[:300])


def _said_why(text: str, begins: Detail) -> Document:
    """Read with the slower reader, whose words for what is wrong are known here."""
    try:
        return _read(text, begins, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Fault(no_yaml(error.problem or ""), line) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Fault(NO_YAML, 1) from error


def no_yaml(problem: str) -> Detail:
    """What the library says most often, in words that can be translated."""
    if problem.startswith("mapping values are not allowed"):
        return Detail("a colon stands where no name is expected; put a text that has one into quotes")
    if problem.startswith("found character") and "\\t" in problem:
        return Detail("a tab stands where spaces are wanted")
    if problem.startswith(("expected <block end>", "could not find expected ':'")):
        return Detail("it stands further left or right than its neighbours, or lacks its colon")
    if problem.startswith(("expected ',' or", "found unexpected end of stream")):
        return Detail("a bracket, brace or quotation mark is not closed")
    return NO_YAML


def _read(text: str, begins: Detail, loader: Any) -> Document:
    depth = 0
    for token in yaml.scan(text, Loader=loader):
        depth += isinstance(token, _OPENS) - isinstance(token, _CLOSES)
        if depth > _DEEPEST:  # the library's time grows with the square of the depth
            raise Fault(Detail("it is too deep"), token.start_mark.line + 1)
        if isinstance(token, (yaml.AliasToken, yaml.AnchorToken, yaml.TagToken)):
            raise Fault(Detail("anchors, aliases and tags are not used here"), token.start_mark.line + 1)
    node = yaml.compose(text, Loader=loader)
    lines: dict[Place, int] = {}
    _walk(node, (), lines)
    says = _value(node)
    if not isinstance(says, dict):
        raise Fault(begins, 1)
    return Document(says, lines)


def _walk(node: yaml.Node | None, place: Place, lines: dict[Place, int]) -> None:
    """Note the line of everything, and refuse a name that stands twice."""
    if node is None or len(place) > _DEEPEST:
        raise Fault(Detail("it is empty, or too deep"), 1)
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*place, str(key.value))
            if here in lines:
                raise Fault(Detail("{value} stands here twice", key.value), key.start_mark.line + 1)
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
    if node is None or node.style:
        return text
    if text in ("true", "false"):
        return text == "true"
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text
