"""Read what follows the question mark: `$filter`, `$expand` with options of its own, `$select` and the others.

Source: OGC 18-088, 9.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings import applying, times
from cityloom.signals.domain.sensorthings.applying import Applied
from cityloom.signals.domain.sensorthings.expressions import Node, Order, parse, parse_order

PAGE = 100
MOST_A_PAGE = 10_000
DEEPEST_EXPAND = 5
MOST_EXPANDS = 24
_MOST_SIGNS = 16_000
_LARGEST_SKIP = 2**53


@dataclass(frozen=True)
class Options:
    """What a request wants of a set; `pairs` are the names and values that it was read from."""

    filter: Node | None = None
    order: tuple[Order, ...] = ()
    top: int = PAGE
    skip: int = 0
    count: bool = False
    select: tuple[str, ...] = ()
    expand: dict[str, Options] = field(default_factory=dict)
    as_array: bool = False
    apply: Applied | None = None
    zone: str = "UTC"
    as_of: int | None = None
    pairs: tuple[tuple[str, str], ...] = ()


def read(pairs: Iterable[tuple[str, str]]) -> Options:
    """The options in names and values. Raises: Refused `signals.sta_option`, `.sta_query_long`, `.sta_expand_*`."""
    return _options(tuple(pairs), 0, [0])


def with_streams(options: Options, key: str) -> Options:
    """The same, with each observation's datastream known by its id."""
    select = (*options.select, "Datastream") if options.select else ()
    return replace(options, select=select, expand={**options.expand, "Datastream": Options(select=(key,))})


def _options(pairs: tuple[tuple[str, str], ...], depth: int, counted: list[int]) -> Options:
    size = sum(len(name) + len(value) for name, value in pairs)
    if size > _MOST_SIGNS:
        raise Refused("signals.sta_query_long", "The options have {value} signs; send at most {limit}.", value=size,
                      limit=_MOST_SIGNS)  # fmt: skip
    found = Options(pairs=pairs)
    seen: set[str] = set()
    for raw, value in pairs:
        name = raw.strip()
        if name in seen or (depth and name in _WHOLE):
            raise _bad(name, value)
        seen.add(name)
        found = _with(found, name, value.strip(), depth, counted)
    return found


def _with(found: Options, name: str, value: str, depth: int, counted: list[int]) -> Options:
    if name == "$expand":
        return replace(found, expand=_expanded(value, depth, counted))
    reader = _READERS.get(name)
    if reader is None:
        raise _bad(name, value)
    return replace(found, **reader(value))


def _bad(name: str, value: str) -> Refused:
    return Refused("signals.sta_option", "The option {value} is not known or cannot have this value; see the list of"
                   " options in the reference.", value=f"{name}={value}"[:60])  # fmt: skip


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 17 and int(value) < _LARGEST_SKIP):
        raise _bad(name, value)
    return int(value)


def _chosen(name: str, value: str, choices: dict[str, bool]) -> bool:
    if value not in choices:
        raise _bad(name, value)
    return choices[value]


def _selected(value: str) -> tuple[str, ...]:
    names = tuple("@iot.id" if part.strip() == "id" else part.strip() for part in value.split(","))
    if not all(names):
        raise _bad("$select", value)
    return names


def _expanded(value: str, depth: int, counted: list[int]) -> dict[str, Options]:
    """Each relation that is to be inlined with its options; `A/B` is `A($expand=B)`."""
    if depth >= DEEPEST_EXPAND:
        raise Refused("signals.sta_expand_deep", "$expand is nested more than {limit} deep; ask for less at once.",
                      limit=DEEPEST_EXPAND)  # fmt: skip
    found: dict[str, Options] = {}
    for part in _split(value, ","):
        counted[0] += 1
        if counted[0] > MOST_EXPANDS:
            raise Refused("signals.sta_expand_many", "$expand names more than {limit} relations; ask for less at once.",
                          limit=MOST_EXPANDS)  # fmt: skip
        name, inner = _one(part.strip(), depth, counted)
        found[name] = _united(found[name], inner) if name in found else inner
    return found


def _one(part: str, depth: int, counted: list[int]) -> tuple[str, Options]:
    head, bracket, rest = part.partition("(")
    name, slash, below = head.partition("/")
    if slash:
        text = below + bracket + rest
        return name.strip(), Options(expand=_expanded(text, depth + 1, counted), pairs=(("$expand", text),))
    if bracket and not rest.endswith(")"):
        raise _bad("$expand", part)
    if not bracket:
        return name.strip(), Options()
    pairs = (piece.partition("=") for piece in _split(rest[:-1], ";") if piece.strip())
    return name.strip(), _options(tuple((key, value) for key, _, value in pairs), depth + 1, counted)


def _united(first: Options, second: Options) -> Options:
    """`A/B,A/C` asks for both under one A."""
    return replace(first, expand={**first.expand, **second.expand})


def _split(text: str, sign: str) -> list[str]:
    """The pieces between signs that stand in no brackets and no quotes."""
    pieces, depth, quoted, start = [], 0, False, 0
    for at, one in enumerate(text):
        if one == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif one == "(":
            depth += 1
        elif one == ")":
            depth -= 1
        elif one == sign and depth == 0:
            pieces.append(text[start:at])
            start = at + 1
    if quoted or depth:
        raise _bad("$expand", text)
    return [*pieces, text[start:]]


_WHOLE = ("$apply", "timezone", "$as_of")
"""Of a request, and not of what it inlines."""
_TRUTHS = {"true": True, "false": False}
_FORMATS = {"dataArray": True, "default": False}
_READERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "$filter": lambda value: {"filter": parse(value)},
    "$orderby": lambda value: {"order": tuple(parse_order(value))},
    "$top": lambda value: {"top": min(_number("$top", value), MOST_A_PAGE)},
    "$skip": lambda value: {"skip": _number("$skip", value)},
    "$count": lambda value: {"count": _chosen("$count", value, _TRUTHS)},
    "$select": lambda value: {"select": _selected(value)},
    "$resultFormat": lambda value: {"as_array": _chosen("$resultFormat", value, _FORMATS)},
    "$as_of": lambda value: {"as_of": times.microseconds_of(value.replace(" ", "+"))},
    "$apply": lambda value: {"apply": applying.read(value)},
    "timezone": lambda value: {"zone": value},
    "resultFormat": lambda value: {"as_array": _chosen("resultFormat", value, _FORMATS)},
}
