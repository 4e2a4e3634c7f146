"""What stewards write in YAML: read with the line of everything, and never more than was meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import yaml

from cityloom.kernel.refused import Refused

LARGEST_BYTES = 512 * 1024
_DEEPEST = 12
_OPENS = (yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken, yaml.BlockSequenceStartToken,
          yaml.BlockMappingStartToken)  # fmt: skip
_CLOSES = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)
Place = tuple[str | int, ...]
Kind = Literal["mapping", "rules"]
_TOO_LARGE = {
    "mapping": "A mapping has at most {limit} bytes; this is another file.",
    "rules": "Rules on sources have at most {limit} bytes; this is another file.",
}
_UNREADABLE = {
    "mapping": "The mapping cannot be read at line {limit}: {value}.",
    "rules": "The rules on sources cannot be read at line {limit}: {value}.",
}
_UNFIT = {
    "mapping": "Line {limit} of the mapping does not fit: {value}.",
    "rules": "Line {limit} of the rules on sources does not fit: {value}.",
}
_BEGINS = {
    "mapping": "a mapping begins with names and values, as in `source: housing`",
    "rules": "rules begin with names and values, as in `cityloom: 1`",
}


def document_of(text: str, kind: Kind) -> tuple[dict[str, Any], dict[Place, int]]:
    """What is written, and the line of each place in it.

    Raises: Refused `registers.<kind>_too_large`, `registers.<kind>_unreadable`.
    """
    if len(text.encode()) > LARGEST_BYTES:
        raise Refused(f"registers.{kind}_too_large", _TOO_LARGE[kind], limit=LARGEST_BYTES)
    try:
        return _read(text, kind)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _unreadable(error.problem or "this is no YAML", line, kind) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _unreadable("this is no YAML", 1, kind) from error


def _read(text: str, kind: Kind) -> tuple[dict[str, Any], dict[Place, int]]:
    depth = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        depth += isinstance(token, _OPENS) - isinstance(token, _CLOSES)
        if depth > _DEEPEST:  # the library's time grows with the square of the depth
            raise _unreadable("it is too deep", token.start_mark.line + 1, kind)
        if isinstance(token, (yaml.AliasToken, yaml.AnchorToken, yaml.TagToken)):
            raise _unreadable("anchors, aliases and tags are not used here", token.start_mark.line + 1, kind)
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    lines: dict[Place, int] = {}
    _walk(node, (), lines, kind)
    document = _value(node)
    if not isinstance(document, dict):
        raise _unreadable(_BEGINS[kind], 1, kind)
    return document, lines


def _unreadable(what: str, line: int, kind: Kind) -> Refused:
    return Refused(f"registers.{kind}_unreadable", _UNREADABLE[kind], value=what, limit=line)


def _walk(node: yaml.Node | None, place: Place, lines: dict[Place, int], kind: Kind) -> None:
    """Note the line of everything, and refuse a name that stands twice."""
    if node is None or len(place) > _DEEPEST:
        raise _unreadable("it is empty, or too deep", 1, kind)
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*place, str(key.value))
            if here in lines:
                raise _unreadable(f"{key.value} stands here twice", key.start_mark.line + 1, kind)
            _walk(value, here, lines, kind)
            lines[here] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _walk(value, (*place, number), lines, kind)


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


def unfit(error: Any, lines: Mapping[Place, int], kind: Kind) -> Refused:
    """What a JSON Schema does not allow, with its line and what was probably meant."""
    place = tuple(error.absolute_path)
    words = error.message
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = list(error.schema.get("properties", {}))
        unknown = next(name for name in error.instance if name not in known)
        place, words = (*place, unknown), f"there is no {meant(unknown, known)}"
    elif error.validator == "enum":
        words = f"there is no {meant(str(error.instance), [str(one) for one in error.validator_value])}"
    elif error.validator == "required":
        words = f"it lacks {error.message.split(' is a ')[0]}"
    return wrong(place, words, lines, kind)


def wrong(place: Place, words: str, lines: Mapping[Place, int], kind: Kind = "mapping") -> Refused:
    """What does not fit at a place, with its line."""
    where = ".".join(map(str, place))
    return Refused(f"registers.{kind}_unfit", _UNFIT[kind], limit=_line(place, lines),
                   value=f"{where + ': ' if where else ''}{words}"[:400])  # fmt: skip


def _line(place: Place, lines: Mapping[Place, int]) -> int:
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


def meant(word: str, known: Sequence[str]) -> str:
    """A wrong word with what was probably meant, or what there is."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    if near:
        return f"{word[:80]} (did you mean {near[0]}?)"
    return f"{word[:80]} (there are: {', '.join(known)[:300]})"
