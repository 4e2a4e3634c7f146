"""What a `$filter` of observations says about their streams, times and results, and what is left to ask one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cityloom.signals.domain.sensorthings.expressions import Call, Literal, Node, Path
from cityloom.signals.domain.sensorthings.times import DAY_US

EARLIEST, LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999
_TURNED = {"eq": "eq", "ne": "ne", "gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}
_EXACT = 2**53
_KEY = re.compile(r"(\d{1,18})-(\d{1,18})\Z", re.ASCII)
ID = "@iot.id"
EXTENTS = ("phenomenonTime", "resultTime")


@dataclass(frozen=True)
class Narrowed:
    """Conditions that all have to hold: `of_stream` about the datastream (from there), instants with both ends,
    comparisons of the result with numbers, `key` as an id that is asked for, and the `rest`."""

    of_stream: Node | None = None
    first_us: int = EARLIEST
    last_us: int = LATEST
    results: tuple[tuple[str, float], ...] = ()
    key: tuple[int, int] | None = None
    never: bool = False
    rest: Node | None = None


def key_of(thing: int, at_us: int) -> str:
    """The id of an observation that is a stream and an instant."""
    return f"{thing}-{at_us}"


def parts_of(key: object) -> tuple[int, int] | None:
    """Stream and instant of such an id; None where it is none."""
    found = _KEY.match(key) if isinstance(key, str) else None
    return (int(found[1]), int(found[2])) if found else None


def narrowed(condition: Node | None) -> Narrowed:
    """Sort the conditions that are joined by `and`."""
    found = Narrowed()
    streams: list[Node] = []
    rest: list[Node] = []
    for one in _conjuncts(condition):
        if _is_of_stream(one):
            streams.append(_from_stream(one))
            continue
        more = _simple(one, found)
        if more is None:
            rest.append(one)
        else:
            found = more
    return Narrowed(_all(streams), found.first_us, found.last_us, found.results, found.key, found.never, _all(rest))


def looks_around(*conditions: Node | None) -> bool:
    """Whether an expression asks for other observations than the one at hand: by a relation, or by an extent."""
    paths = [path for one in conditions if one is not None for path in _paths(one)]
    return any("Observations" in path.steps or (len(path.steps) > 1 and path.steps[-1] in EXTENTS) for path in paths)


def asks_observations(*conditions: Node | None) -> bool:
    """Whether an expression asks each observation, and not just from when to when they are."""
    return any("Observations" in path.steps for one in conditions if one is not None for path in _paths(one))


def asks_extents(*conditions: Node | None) -> bool:
    """Whether an expression about other entities asks from when to when observations are."""
    return any(path.steps[-1] in EXTENTS for one in conditions if one is not None for path in _paths(one))


def plain_ids(condition: Node | None) -> Node | None:
    """The same for the tables, whose ids are numbers: `id eq '5'` means 5; what is in columns is not there."""
    if not isinstance(condition, Call):
        return condition
    arguments = tuple(plain_ids(one) or one for one in condition.arguments)
    if condition.name in _TURNED and any(isinstance(one, Path) and one.steps[-1] == ID for one in arguments):
        arguments = tuple(_number(one) for one in arguments)
    return Call(condition.name, arguments)


def _number(node: Node) -> Node:
    if not isinstance(node, Literal) or node.kind != "string":
        return node
    text = str(node.value)
    if parts_of(text) is not None:
        return Literal("number", -1)
    return Literal("number", int(text)) if text.isascii() and text.isdigit() and len(text) < 19 else node


def _conjuncts(node: Node | None) -> Iterator[Node]:
    if isinstance(node, Call) and node.name == "and":
        for one in node.arguments:
            yield from _conjuncts(one)
    elif node is not None:
        yield node


def _all(nodes: list[Node]) -> Node | None:
    if not nodes:
        return None
    return nodes[0] if len(nodes) == 1 else Call("and", tuple(nodes))


def _paths(node: Node) -> Iterator[Path]:
    if isinstance(node, Path):
        yield node
    elif isinstance(node, Call):
        for one in node.arguments:
            yield from _paths(one)


def _is_of_stream(node: Node) -> bool:
    paths = list(_paths(node))
    ours = all(one.steps[0] == "Datastream" and len(one.steps) > 1 for one in paths)
    return bool(paths) and ours and not looks_around(node)


def _from_stream(node: Node) -> Node:
    if isinstance(node, Path):
        return Path(node.steps[1:])
    return Call(node.name, tuple(_from_stream(one) for one in node.arguments)) if isinstance(node, Call) else node


def _simple(node: Node, so_far: Narrowed) -> Narrowed | None:
    """The conditions with one more, where it is a comparison of a property with a value that columns can answer."""
    if not isinstance(node, Call) or node.name not in _TURNED:
        return None
    left, right = node.arguments
    word = node.name
    if isinstance(left, Literal):
        left, right, word = right, left, _TURNED[word]
    if not isinstance(left, Path) or not isinstance(right, Literal):
        return None
    if left.steps == ("phenomenonTime",):
        return _timely(word, right, so_far)
    if left.steps == ("result",):
        return _compared(word, right, so_far)
    if left.steps == (ID,) and word == "eq" and right.kind == "string" and parts_of(right.value):
        return _named(parts_of(right.value), so_far)
    return None


def _timely(word: str, value: Literal, so_far: Narrowed) -> Narrowed | None:
    if value.kind not in ("instant", "day") or word == "ne" or not isinstance(value.value, int):
        return None
    at = value.value * (DAY_US if value.kind == "day" else 1)
    first = {"gt": at + 1, "ge": at, "eq": at}.get(word, EARLIEST)
    last = {"lt": at - 1, "le": at, "eq": at}.get(word, LATEST)
    return Narrowed(
        None, max(first, so_far.first_us), min(last, so_far.last_us), so_far.results, so_far.key, so_far.never
    )


def _compared(word: str, value: Literal, so_far: Narrowed) -> Narrowed | None:
    number = value.value
    if value.kind != "number" or not isinstance(number, (int, float)) or abs(number) > _EXACT:
        return None
    results = (*so_far.results, (word, float(number)))
    return Narrowed(None, so_far.first_us, so_far.last_us, results, so_far.key, so_far.never)


def _named(key: tuple[int, int] | None, so_far: Narrowed) -> Narrowed:
    never = so_far.never or (so_far.key is not None and so_far.key != key)
    return Narrowed(None, so_far.first_us, so_far.last_us, so_far.results, key, never)
