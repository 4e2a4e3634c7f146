"""What a data steward writes about a purpose: read from a file, from what is in force, and compared."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any

import yaml

from cityloom.kernel.refused import Refused

MOST_BYTES = 40_000
_DEEPEST = 6
_WRITTEN = {
    "id": "basis", "max_subjects": "most_a_request", "max_a_day": "most_a_day", "max_a_day_each": "most_a_day_each",
    "second_above": "second_person_above",
}  # fmt: skip
_PAIRS = ("services", "title")


class _Plain(yaml.SafeLoader):
    """Takes an instant as the text that it is, and no alias, through which a small file can mean a huge one."""

    yaml_implicit_resolvers = {
        first: [one for one in known if one[0] != "tag:yaml.org,2002:timestamp"]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        return super().compose_node(parent, index)


def read_file(run: bytes) -> bytes:
    """A steward's file, JSON or YAML, as the JSON that the keeper reads.

    Raises: Refused `gate.bad_purpose`, `gate.purpose_too_large`.
    """
    if len(run) > MOST_BYTES:
        raise Refused("gate.purpose_too_large", "The file has {value} bytes, and a purpose at most {limit}; is it the"
                      " right file?", value=len(run), limit=MOST_BYTES)  # fmt: skip
    try:
        found = yaml.load(run.decode(), _Plain)  # noqa: S506 - a safe loader, made safer
        _check_depth(found)
        return json.dumps(found, ensure_ascii=False).encode()
    except (UnicodeDecodeError, yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise Refused("gate.bad_purpose", "The purpose cannot be read: {value}. Correct it and propose it again.",
                      value="it is neither JSON nor YAML") from error  # fmt: skip


def as_written(stored: Mapping[str, Any]) -> dict[str, Any]:
    """A purpose as the keeper stores it, in the words in which a steward writes it."""
    written = {_WRITTEN.get(name, name): value for name, value in stored.items() if name != "version"}
    return written | {name: dict(written.get(name, ())) for name in _PAIRS}


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What differs between two purposes as they are written: name, before, after; of long texts the lines that do."""
    pairs = [(name, in_words(old.get(name)), in_words(new.get(name))) for name in sorted({*old, *new})]
    return [(name, *_changed_lines(before, after)) for name, before, after in pairs if before != after]


def in_words(value: object) -> str:
    """A value of a document on one line, except a policy."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {one}" for name, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(str(one) for one in value)
    return "" if value is None else str(value).strip()


def _changed_lines(before: str, after: str) -> tuple[str, str]:
    if "\n" not in before or "\n" not in after:
        return before, after
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    return tuple("\n".join(one[2:] for one in lines if one.startswith(mark)) for mark in ("- ", "+ "))


def _check_depth(value: object, depth: int = 0) -> None:
    if depth > _DEEPEST:
        raise ValueError("too deep")
    if isinstance(value, Mapping):
        value = list(value.values())
    for one in value if isinstance(value, list) else ():
        _check_depth(one, depth + 1)
