"""A dataset of the lake as a register, so that files of facts go through the same mapping, checks and quarantine."""

from __future__ import annotations

from cityloom.kernel.refused import Refused
from cityloom.lake.domain.dataset import Column, Dataset
from cityloom.lake.domain.declaration import ORIGIN
from cityloom.registers.domain.kinds import REGISTERS, UNITS, Field, FieldKind, Register

PREFIX = "lake:"
_KINDS: dict[str, FieldKind] = {"integer": "whole", "number": "number", "text": "text", "instant": "instant"}
_MOST_WHOLE = float(2**53)
_LONGEST_KEY = 40


def register_of(dataset: Dataset) -> Register:
    """What a file of facts is checked against: whose fact it is, when, perhaps where, and the dataset's columns."""
    taken = {column.name for column in ORIGIN}
    own = tuple(_field(column) for column in dataset.columns if column.name not in taken)
    place = (Field("lon", "lon", low=-180, high=180), Field("lat", "lat", low=-90, high=90))
    return Register(PREFIX + dataset.name, (_key(dataset), Field("at", "instant", required=True), *place, *own), "key")


def dataset_of(register: str) -> str:
    """The dataset that a load wrote to, "" where it wrote to a register."""
    return register.removeprefix(PREFIX) if register.startswith(PREFIX) else ""


def check_can_be_loaded(dataset: Dataset) -> None:
    """What tells about a person comes into the lake as a keyed number that the keeper computes, or not at all.

    Raises: Refused `lake.person_in_clear`.
    """
    about = REGISTERS.get(dataset.register)
    personal = [column.name for column in dataset.columns if column.kind == "bytes"]
    if about and about.field(about.key).personal:
        personal.append("key")
    if personal:
        raise Refused("lake.person_in_clear", "{value} of {limit} tells about people, and a file's values are not "
                      "sealed on their way into the lake; declare it pseudonymous, or load it into a register.",
                      value=personal[0], limit=dataset.name)  # fmt: skip


def _key(dataset: Dataset) -> Field:
    about = REGISTERS.get(dataset.register)
    kind = about.field(about.key).kind if about else "key"
    return Field("key", kind, required=True, refers_to=dataset.register if about else "")


def _field(column: Column) -> Field:
    if column.is_personal:  # as the department writes it; what is kept is the keeper's keyed number
        return Field(column.name, "text", personal=True, longest=_LONGEST_KEY)
    if column.kind == "flag":
        return Field(column.name, "choice", choices=("true", "false"))
    if column.codes:
        return Field(column.name, "choice", choices=column.codes)
    low = -_MOST_WHOLE if column.kind == "integer" else None
    high = _MOST_WHOLE if column.kind == "integer" else None
    unit = column.unit if column.unit in UNITS else ""
    return Field(column.name, _KINDS.get(column.kind, "text"), unit=unit, low=low, high=high, longest=1000)
