"""Numbers that Chinese offices give to people, organisations, areas and phones: what is wrong with each of many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cityloom.registers.domain.components import CLASSES

Codes = NDArray[np.uint32]
Faults = NDArray[np.uint8]
"""For each value the place of its fault in FAULTS; 0 where there is none."""

FAULTS = ("", "shape", "no_such_date", "checksum", "no_such_area", "no_such_class")
_SHAPE, _DATE, _CHECKSUM, _AREA, _CLASS = 1, 2, 3, 4, 5
_ZERO = ord("0")
_PERSON_WEIGHTS = np.array([2 ** (17 - place) % 11 for place in range(17)], np.int64)
_PERSON_SIGNS = "10X98765432"
CREDIT_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = np.array([3**place % 31 for place in range(17)], np.int64)
PROVINCES = (
    *range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82
)  # fmt: skip
"""The first two digits of an area. Source: GB/T 2260."""
_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def resident_id_faults(values: Sequence[str]) -> Faults:
    """What is wrong with resident identity numbers: 18 signs, an area, a date of birth, a check sign.

    Source: GB 11643-1999.
    """
    signs, fits = _signs(values, 18)
    digits, are_digits = _digits(signs[:, :17])
    last_fits = _are_digits(signs[:, 17]) | (signs[:, 17] == ord("X"))
    faults = np.where(fits & are_digits & last_fits, 0, _SHAPE).astype(np.uint8)
    wanted = np.array([ord(sign) for sign in _PERSON_SIGNS])[(digits * _PERSON_WEIGHTS).sum(axis=1) % 11]
    _mark(faults, ~np.isin(digits[:, 0] * 10 + digits[:, 1], PROVINCES), _AREA)
    _mark(faults, ~_are_dates(_number(digits[:, 6:10]), _number(digits[:, 10:12]), _number(digits[:, 12:14])), _DATE)
    _mark(faults, wanted != signs[:, 17], _CHECKSUM)
    return faults


def credit_code_faults(values: Sequence[str]) -> Faults:
    """What is wrong with unified social credit codes: 18 signs of an alphabet of 31, the last one a check sign.

    Source: GB 32100-2015.
    """
    signs, fits = _signs(values, 18)
    places = np.full(128, -1, np.int64)
    places[[ord(sign) for sign in CREDIT_SIGNS]] = np.arange(31)
    numbers = np.where(signs < 128, places[np.minimum(signs, 127)], -1)
    faults = np.where(fits & (numbers >= 0).all(axis=1), 0, _SHAPE).astype(np.uint8)
    wanted = -(np.maximum(numbers[:, :17], 0) * _CREDIT_WEIGHTS).sum(axis=1) % 31
    _mark(faults, wanted != numbers[:, 17], _CHECKSUM)
    return faults


def credit_code_sign(start: str) -> str:
    """The check sign that belongs behind the first 17 signs of a unified social credit code."""
    numbers = np.array([CREDIT_SIGNS.index(sign) for sign in start])
    return CREDIT_SIGNS[int(-(numbers * _CREDIT_WEIGHTS).sum() % 31)]


def resident_id_sign(start: str) -> str:
    """The check sign that belongs behind the first 17 digits of a resident identity number."""
    return _PERSON_SIGNS[int((np.array([int(sign) for sign in start]) * _PERSON_WEIGHTS).sum() % 11)]


def division_faults(values: Sequence[str]) -> Faults:
    """What is wrong with codes of administrative areas: 6 digits, or 9 with the township, or 12 with the community.

    A level that is not named is all zeros, and then so is every level below it.
    Source: GB/T 2260, GB/T 10114, and the statistical codes of 12 digits.
    """
    signs, _fits = _signs(values, 12, shorter=True)
    lengths = (signs != 0).sum(axis=1)
    known = signs != 0
    right = np.isin(lengths, (6, 9, 12)) & (_are_digits(signs) | ~known).all(axis=1) & _fits
    digits = np.where(known & _are_digits(signs), signs.astype(np.int64) - _ZERO, 0)
    levels = np.stack([_number(digits[:, first:last]) for first, last in _LEVELS], axis=1)
    ends = np.array([last for _first, last in _LEVELS])
    gaps = ((levels[:, :-1] == 0) & (levels[:, 1:] != 0) & (ends[1:] <= lengths[:, None])).any(axis=1)
    faults = np.where(right & ~gaps, 0, _SHAPE).astype(np.uint8)
    _mark(faults, ~np.isin(levels[:, 0], PROVINCES), _AREA)
    return faults


_LEVELS = ((0, 2), (2, 4), (4, 6), (6, 9), (9, 12))


def division_above(code: str) -> str:
    """The area around an area, in as many digits; empty for a province."""
    for first, last in reversed(_LEVELS[1:]):
        if len(code) >= last and int(code[first:last]):
            return code[:first] + "0" * (len(code) - first)
    return ""


def mobile_faults(values: Sequence[str]) -> Faults:
    """What is wrong with Chinese mobile numbers: 11 digits, the first 1, the second 3 to 9."""
    signs, fits = _signs(values, 11)
    right = _are_digits(signs).all(axis=1) & (signs[:, 0] == ord("1")) & (signs[:, 1] >= ord("3"))
    return np.where(fits & right, 0, _SHAPE).astype(np.uint8)


def component_faults(values: Sequence[str]) -> Faults:
    """What is wrong with components' numbers: 16 digits, of which 6 are the area, 4 the class and 6 the serial number.

    The last two digits of the class may be a city's own; a serial number begins at 1.
    Source: GB/T 30428.2-2013.
    """
    signs, fits = _signs(values, 16)
    digits, are_digits = _digits(signs)
    faults = np.where(fits & are_digits & (_number(digits[:, 10:]) > 0), 0, _SHAPE).astype(np.uint8)
    _mark(faults, ~np.isin(digits[:, 0] * 10 + digits[:, 1], PROVINCES), _AREA)
    _mark(faults, ~np.isin(_number(digits[:, 6:8]), list(map(int, CLASSES))), _CLASS)
    _mark(faults, _number(digits[:, 8:10]) == 0, _CLASS)
    return faults


def _signs(values: Sequence[str], width: int, *, shorter: bool = False) -> tuple[Codes, NDArray[np.bool_]]:
    """The code points of texts, and which have as many as wanted."""
    texts = np.array(values, f"U{width + 1}").reshape(-1)
    signs = np.ascontiguousarray(texts).view(np.uint32).reshape(len(texts), width + 1)
    lengths_fit = (signs[:, width] == 0) & (shorter | (signs[:, width - 1] != 0))
    return signs[:, :width], lengths_fit


def _are_digits(signs: Codes) -> NDArray[np.bool_]:
    return (signs >= _ZERO) & (signs <= _ZERO + 9)


def _digits(signs: Codes) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    right = _are_digits(signs)
    return np.where(right, signs.astype(np.int64) - _ZERO, 0), right.all(axis=1)


def _number(digits: NDArray[np.int64]) -> NDArray[np.int64]:
    return digits @ (10 ** np.arange(digits.shape[1] - 1, -1, -1))


def _are_dates(
    year: NDArray[np.int64], month: NDArray[np.int64], day: NDArray[np.int64]
) -> NDArray[np.bool_]:  # fmt: skip
    is_leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    month_fits = (month >= 1) & (month <= 12)
    days = _DAYS[np.where(month_fits, month, 0)] + (is_leap & (month == 2))
    return month_fits & (year >= 1800) & (day >= 1) & (day <= days)


def _mark(faults: Faults, wrong: NDArray[np.bool_], fault: int) -> None:
    """Note a fault where no earlier one stands."""
    faults[(faults == 0) & wrong] = fault
