"""Apply a JSON Patch. Source: RFC 6902 (operations), RFC 6901 (pointers)."""

from __future__ import annotations

import copy
from typing import Any

from cityloom.kernel.refused import Refused

MOST_OPERATIONS = 200
MOST_VALUES = 100_000


def patched(document: dict[str, Any], operations: object) -> dict[str, Any]:
    """The document after all operations, or none: a patch that fails changes nothing.

    Raises: Refused `signals.sta_patch`.
    """
    if not isinstance(operations, list) or len(operations) > MOST_OPERATIONS:
        raise _refused("a list of at most 200 operations is expected")
    found: Any = copy.deepcopy(document)
    for operation in operations:
        if not isinstance(operation, dict):
            raise _refused(str(operation))
        found = _applied(found, operation)
        if operation.get("op") == "copy" and _values(found) > MOST_VALUES:  # each copy can double the document
            raise _refused("it would become too large")
    if not isinstance(found, dict):
        raise _refused("the whole document cannot be replaced by that")
    return found


def _refused(value: str) -> Refused:
    return Refused("signals.sta_patch", "The JSON Patch cannot be applied ({value}); nothing was changed. See RFC"
                   " 6902.", value=value[:80])  # fmt: skip


def _applied(document: Any, operation: dict[str, Any]) -> Any:
    name, path = str(operation.get("op")), _pointer(operation.get("path"))
    if name in ("add", "replace", "test") and "value" not in operation:
        raise _refused(f"{name} without a value")
    if name in ("copy", "move"):
        return _brought(document, name, _pointer(operation.get("from")), path)
    if name == "remove":
        return _without(document, path)
    if name == "test":
        if not _same(_at(document, path), operation["value"]):
            raise _refused(f"test of {operation['path']}")
        return document
    if name not in ("add", "replace"):
        raise _refused(name)
    if name == "replace":
        _at(document, path)
    return _put(document, path, copy.deepcopy(operation["value"]), insert=name == "add")


def _brought(document: Any, name: str, source: list[str], path: list[str]) -> Any:
    """With what lies at `source` at `path`, moved or copied there."""
    value = copy.deepcopy(_at(document, source))
    if name == "move" and path == source:
        return document
    if name == "move" and path[: len(source)] == source:
        raise _refused("move into itself")
    return _put(_without(document, source) if name == "move" else document, path, value, insert=True)


def _pointer(text: object) -> list[str]:
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise _refused(f"pointer {text}")
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _at(document: Any, path: list[str]) -> Any:
    for part in path:
        document = _child(document, part)
    return document


def _child(parent: Any, part: str) -> Any:
    if isinstance(parent, dict) and part in parent:
        return parent[part]
    if isinstance(parent, list) and _is_index(part, len(parent) - 1):
        return parent[int(part)]
    raise _refused(f"nothing at {part}")


def _put(document: Any, path: list[str], value: Any, *, insert: bool) -> Any:
    if not path:
        return value
    parent, last = _at(document, path[:-1]), path[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list) and insert and (last == "-" or _is_index(last, len(parent))):
        parent.insert(len(parent) if last == "-" else int(last), value)
    elif isinstance(parent, list) and not insert and _is_index(last, len(parent) - 1):
        parent[int(last)] = value
    else:
        raise _refused(f"nothing at {last}")
    return document


def _without(document: Any, path: list[str]) -> Any:
    if not path:
        raise _refused("the whole document cannot be removed")
    parent, last = _at(document, path[:-1]), path[-1]
    _child(parent, last)
    del parent[last if isinstance(parent, dict) else int(last)]
    return document


def _is_index(part: str, most: int) -> bool:
    return part.isascii() and part.isdigit() and (part == "0" or part[0] != "0") and len(part) < 9 and int(part) <= most


def _values(document: Any) -> int:
    """How many values there are, counted no further than needed."""
    open_, count = [document], 0
    while open_ and count <= MOST_VALUES:
        one = open_.pop()
        count += 1
        open_.extend(one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
    return count


def _same(first: Any, second: Any) -> bool:
    """Equal as JSON: true is not 1."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_same, first, second))
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_same(first[key], second[key]) for key in first)
    return bool(first == second)
