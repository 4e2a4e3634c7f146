"""What a city writes for its cases in YAML: read with the line of everything, and never more than was meant."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from cityloom.kernel.refused import Detail, Refused

LARGEST_BYTES = 512 * 1024
_DEEPEST = 12
_LONGEST_SHOWN = 80
_OPENS = (yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken, yaml.BlockSequenceStartToken,
          yaml.BlockMappingStartToken)  # fmt: skip
_CLOSES = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)
Place = tuple[str | int, ...]
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,15})")
_DECIMAL = re.compile(r"-?[0-9]{1,15}\.[0-9]{1,15}")
_TYPES = {
    "object": Detail("names with values are wanted here"),
    "array": Detail("a list is wanted here"),
    "string": Detail("a text is wanted here"),
    "boolean": Detail("true or false is wanted here"),
    "integer": Detail("a whole number is wanted here"),
    "number": Detail("a number is wanted here"),
}
_UNMET = {
    "minimum": "it is less than {limit}",
    "maximum": "it is more than {limit}",
    "const": "only {limit} is known here",
    "minLength": "it has fewer signs than {limit}",
    "maxLength": "it has more signs than {limit}",
    "minItems": "it has fewer parts than {limit}",
    "maxItems": "it has more parts than {limit}",
    "minProperties": "it has fewer parts than {limit}",
    "maxProperties": "it has more parts than {limit}",
    "pattern": "{value} is not written as {limit}",
    "uniqueItems": "something stands here twice",
}


class Written:
    """A document and the line of each place in it; `what` names the kind of document in the codes of refusals."""

    def __init__(self, what: str, document: dict[str, Any], lines: Mapping[Place, int]) -> None:
        self.what = what
        self.document = document
        self.lines = lines

    def wrong(self, place: Place, words: Detail) -> Refused:
        """A refusal of what does not fit at a place."""
        where = ".".join(map(str, place))[:_LONGEST_SHOWN]
        value = Detail("{value}: {limit}", where, words) if where else words
        return Refused(f"cases.{self.what}_unfit", "Line {limit} of the file does not fit: {value}.",
                       limit=self._line(place), value=value)  # fmt: skip

    def _line(self, place: Place) -> int:
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read(text: str, what: str, schema: Path) -> Written:
    """What is written, if it fits its JSON Schema.

    Raises: Refused `cases.<what>_too_large`, `cases.<what>_unreadable`, `cases.<what>_unfit`.
    """
    written = _document_of(text, what)
    error = next(iter(sorted(_validator(schema).iter_errors(written.document), key=_depth)), None)
    if error is not None:
        raise written.wrong(*_unmet(error))
    return written


def _depth(error: Any) -> list[str]:
    return list(map(str, error.absolute_path))


@cache
def _validator(schema: Path) -> Any:
    from jsonschema import Draft202012Validator  # takes a while to import

    return Draft202012Validator(json.loads(schema.read_text("utf-8")))


def _document_of(text: str, what: str) -> Written:
    if len(text.encode("utf-8", "replace")) > LARGEST_BYTES:
        raise Refused(f"cases.{what}_too_large", "A file of this kind has at most {limit} bytes; this is another file.",
                      limit=LARGEST_BYTES)  # fmt: skip
    try:
        _bound(text, what)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _unreadable(what, _no_yaml(error.problem or ""), line) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _unreadable(what, Detail("this is no YAML"), 1) from error
    if not isinstance(node, yaml.MappingNode):
        raise _unreadable(what, Detail("a file begins with names and values, as in {limit}", limit=f"{what}: name"), 1)
    lines: dict[Place, int] = {}
    return Written(what, _value(node, (), lines, what), lines)


def _bound(text: str, what: str) -> None:
    """Refuse what could grow when it is read: aliases, tags and depth."""
    depth = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        depth += isinstance(token, _OPENS) - isinstance(token, _CLOSES)
        if depth > _DEEPEST:  # the library's time grows with the square of the depth
            raise _unreadable(what, Detail("it is too deep"), token.start_mark.line + 1)
        if isinstance(token, (yaml.AliasToken, yaml.AnchorToken, yaml.TagToken)):
            raise _unreadable(what, Detail("anchors, aliases and tags are not used here"), token.start_mark.line + 1)


def _unreadable(what: str, words: Detail, line: int) -> Refused:
    return Refused(f"cases.{what}_unreadable", "Line {limit} of the file cannot be read: {value}.",
                   limit=line, value=words)  # fmt: skip


def _no_yaml(problem: str) -> Detail:
    """What the library says most often, in words that can be translated."""
    if problem.startswith("mapping values are not allowed"):
        return Detail("a colon stands where no name is expected; put a text that has one into quotes")
    if problem.startswith("found character") and "\\t" in problem:
        return Detail("a tab stands where spaces are wanted")
    if problem.startswith(("expected <block end>", "could not find expected ':'")):
        return Detail("it stands further left or right than its neighbours, or lacks its colon")
    if problem.startswith(("expected ',' or", "found unexpected end of stream")):
        return Detail("a bracket, brace or quotation mark is not closed")
    return Detail("this is no YAML")


def _value(node: yaml.Node, place: Place, lines: dict[Place, int], what: str) -> Any:
    """What is written, with numbers and true or false where they are meant; YAML's own rules make a day of a text."""
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _member(key, value, place, lines, what) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_value(value, (*place, number), lines, what) for number, value in enumerate(node.value)]
    return node.value if node.style is not None else _plain(node.value)


def _member(key: yaml.Node, value: yaml.Node, place: Place, lines: dict[Place, int], what: str) -> Any:
    here = (*place, str(key.value))
    if here in lines:
        raise _unreadable(what, Detail("{value} stands here twice", str(key.value)[:40]), key.start_mark.line + 1)
    lines[here] = key.start_mark.line + 1
    return _value(value, here, lines, what)


def _plain(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def _unmet(error: Any) -> tuple[Place, Detail]:
    """The place of a broken rule of the schema, and what it wants. The library's own words are in English."""
    place = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = next(name for name in error.instance if name not in known)
        return (*place, unknown), Detail("there is no {value}", _shown(unknown, known))
    return place, _why(error, error.validator_value)


def _why(error: Any, wanted: Any) -> Detail:
    if error.validator == "enum":
        return Detail("there is no {value}", _shown(error.instance, wanted))
    if error.validator == "required":
        return Detail("it lacks {value}", next(name for name in wanted if name not in error.instance))
    if error.validator == "type":
        return _TYPES[wanted if isinstance(wanted, str) else wanted[0]]
    if wanted == 1 and error.validator in ("minLength", "minItems", "minProperties"):
        return Detail("it is empty")
    words = _UNMET.get(error.validator, "{value} does not fit here")
    return Detail(words, str(error.instance)[:_LONGEST_SHOWN], wanted)


def _shown(found: Any, known: Any) -> Detail:
    return Detail("{value} (there are: {limit})", str(found)[:_LONGEST_SHOWN], ", ".join(map(str, known))[:300])
