"""What a file says of people, in the form in which the keeper seals it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from cityloom.gate import actions as gate
from cityloom.kernel.texts import packed
from cityloom.registers.domain import person_columns, person_names
from cityloom.registers.domain.assumptions import NEEDS
from cityloom.registers.domain.checks import Values

_AGE_UNKNOWN = 30
"""In years: whose day of birth nobody knows is counted among adults."""
_NUMBER_BYTES, _DAY_BYTES = 18, 10
_DAY_DIGITS = [0, 1, 2, 3, 5, 6, 8, 9]
"""Where they stand in a day as YYYY-MM-DD."""
_TENS = 10 ** np.arange(7, -1, -1, dtype=np.int64)
_UNKNOWN, _FEMALE, _MALE = map(gate.SEXES.index, ("unknown", "female", "male"))


def to_seal(values: dict[str, Values], count: int, today: date) -> gate.PeopleBatch:
    """People in the keeper's form; a day of birth and a sex that the file does not say are those of the number."""
    nothing = [""] * count
    number = packed(values.get("national_id") or nothing, _NUMBER_BYTES)
    is_whole = number[:, -1] != 0
    born = _born(values.get("birth_date"), number, is_whole)
    is_odd = number[:, 16] & 1 == 1  # a digit's byte is odd where the digit is
    told = np.where(is_whole, np.where(is_odd, _MALE, _FEMALE), _UNKNOWN)
    sexes = np.array(_each_once(_sex, values.get("sex") or nothing), np.int64)
    bits = np.array(_each_once(_need_bits, values.get("needs") or nothing), np.uint8)
    records = gate.people_records(
        name=_column(packed(values["name"], person_columns.NAME_BYTES)), national_id=_column(number),
        phone=_column(packed(values.get("phone") or nothing, person_columns.PHONE_BYTES)), birth_date=_column(born),
        need_note=person_names.need_notes(True)[bits],
    )  # fmt: skip
    traits = gate.traits_of(
        age=_ages(born, today), sex=np.where(sexes < 0, told, sexes),
        needs={need: bits >> bit & 1 == 1 for bit, need in enumerate(NEEDS)},
    )  # fmt: skip
    return gate.PeopleBatch(records, traits)


def _born(
    said: Values | None, number: NDArray[np.uint8], is_whole: NDArray[np.bool_]
) -> NDArray[np.uint8]:  # fmt: skip
    """Days of birth as digits, YYYYMMDD, uint8 (n, 8); zeros where nobody knows it."""
    by_number = np.where(is_whole[:, None], number[:, 6:14], np.uint8(0))
    if said is None:
        return by_number
    days = packed([day or "" for day in said], _DAY_BYTES)[:, _DAY_DIGITS]
    return np.where(days[:, :1] != 0, days, by_number)


def _column(rows: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    return np.ascontiguousarray(rows).view(f"S{rows.shape[1]}").reshape(-1)


def _each_once(tell: Callable[[str], int], texts: Sequence[str]) -> list[int]:
    """What each text comes to, worked out once for those that are the same."""
    known = {text: tell(text) for text in set(texts)}
    return list(map(known.__getitem__, texts))


def _sex(said: str) -> int:
    """A sex as its place in the keeper's list; below zero where nothing is said."""
    return gate.SEXES.index(said) if said else -1


def _need_bits(said: str) -> int:
    return sum(1 << NEEDS.index(need) for need in said.split(",")) if said else 0


def _ages(born: NDArray[np.uint8], today: date) -> NDArray[np.int64]:
    """Whole years, from days as digits YYYYMMDD."""
    days = (born & 0xF).astype(np.int64) @ _TENS
    now = today.year * 10_000 + today.month * 100 + today.day
    return np.where(days > 0, np.maximum(now - days, 0) // 10_000, _AGE_UNKNOWN)
