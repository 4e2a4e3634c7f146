"""What a file says of people, in the form in which the keeper seals it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from cityloom.gate import actions as gate
from cityloom.registers.domain import person_columns, person_names
from cityloom.registers.domain.assumptions import NEEDS
from cityloom.registers.domain.checks import Values

_AGE_UNKNOWN = 30
"""In years: whose day of birth nobody knows is counted among adults."""


def to_seal(values: dict[str, Values], count: int, today: date) -> gate.PeopleBatch:
    """People in the keeper's form; a day of birth and a sex that the file does not say are those of the number."""
    numbers = values.get("national_id") or [""] * count
    births = values.get("birth_date") or [None] * count
    born = [(day or (person_columns.birth_in(number) if len(number) == 18 else "")).replace("-", "")
            for day, number in zip(births, numbers, strict=True)]  # fmt: skip
    sexes = values.get("sex") or [""] * count
    sex = [said or (person_columns.sex_in(number) if len(number) == 18 else "unknown")
           for said, number in zip(sexes, numbers, strict=True)]  # fmt: skip
    bits = np.array(_each_once(_need_bits, values.get("needs") or [""] * count), np.uint8)
    records = gate.people_records(
        name=_bytes(values["name"], person_columns.NAME_BYTES), national_id=_bytes(numbers, 18),
        phone=_bytes(values.get("phone") or [""] * count, person_columns.PHONE_BYTES), birth_date=_bytes(born, 8),
        need_note=person_names.need_notes(True)[bits],
    )  # fmt: skip
    traits = gate.traits_of(
        age=_ages(born, today), sex=np.array(_each_once(gate.SEXES.index, sex), np.int64),
        needs={need: bits >> bit & 1 == 1 for bit, need in enumerate(NEEDS)},
    )  # fmt: skip
    return gate.PeopleBatch(records, traits)


def _each_once(tell: Callable[[str], int], texts: Sequence[str]) -> list[int]:
    """What each text comes to, worked out once for those that are the same."""
    known = {text: tell(text) for text in set(texts)}
    return list(map(known.__getitem__, texts))


def _bytes(texts: Sequence[str], width: int) -> NDArray[np.bytes_]:
    return np.array(list(map(str.encode, texts)), f"S{width}")


def _need_bits(said: str) -> int:
    return sum(1 << NEEDS.index(need) for need in said.split(",")) if said else 0


def _ages(born: Sequence[str], today: date) -> NDArray[np.int64]:
    """Whole years, from days as YYYYMMDD."""
    days = np.array([int(day) if day else 0 for day in born], np.int64)
    now = today.year * 10_000 + today.month * 100 + today.day
    return np.where(days > 0, np.maximum(now - days, 0) // 10_000, _AGE_UNKNOWN)
