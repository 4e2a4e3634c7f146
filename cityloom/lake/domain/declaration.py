"""A dataset as a steward writes it down: YAML, checked against its JSON Schema before anything is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from cityloom.kernel.refused import Refused
from cityloom.lake.domain.dataset import Column, Dataset

LARGEST_BYTES = 256 * 1024
ORIGIN = (Column("key", "text"), Column("load", "integer"), Column("row", "integer"))
"""What every fact from a file says: the key of its thing as the department writes it, the load, and the row."""


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a declaration."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "dataset.schema.json").read_text("utf-8"))
    return found


def read(text: str) -> Dataset:
    """A dataset from its YAML.

    Raises: Refused `lake.declaration` with the place of what is wrong, and what `Dataset.check` refuses.
    """
    from jsonschema import Draft202012Validator  # takes a while to import

    says = _document(text)
    errors = sorted(Draft202012Validator(schema()).iter_errors(says), key=lambda one: list(map(str, one.path)))
    if errors:
        where = ".".join(map(str, errors[0].absolute_path)) or "it"
        raise _wrong(f"{where}: {errors[0].message}"[:300])
    own = tuple(_column(name, one) for name, one in says["columns"].items())
    dataset = Dataset(
        says["dataset"], says["title"], (*ORIGIN, *own),
        register=says.get("register", ""), each=says.get("each", "day"), keep_days=says.get("keep_days", 0),
        counts_as=says.get("counts_as", ""),
    )  # fmt: skip
    dataset.check()
    return dataset


def _document(text: str) -> Any:
    if len(text.encode(errors="replace")) > LARGEST_BYTES or "&" in text or "*" in text:
        raise _wrong("it is too large, or uses anchors")
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise _wrong(f"line {mark.line + 1 if mark else 1} is no YAML") from error


def _column(name: str, says: Mapping[str, Any]) -> Column:
    return Column(name, says["kind"], says.get("unit", ""), says.get("sensitivity", "internal"), says.get("source", ""),
                  says.get("personal", False), tuple(says.get("codes", ())))  # fmt: skip


def _wrong(what: str) -> Refused:
    return Refused("lake.declaration", "The declaration of a dataset does not fit: {value}. `cityloom lake schema` "
                   "prints what fits.", value=what)  # fmt: skip
