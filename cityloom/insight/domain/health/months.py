"""Months as whole numbers (year x 12 + month - 1), their words and their days."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cityloom.kernel.refused import Refused

Ints = NDArray[np.int64]
_MONTH = re.compile(r"(\d{4})-(\d{2})(-\d{2}([T ].*)?)?")
_BAD = "A month is written as 2026-03; {value} is none."


def month_of(word: str) -> int:
    """The number of a month that is written as 2026-03 or as a day of it. Raises: Refused `insight.bad_month`."""
    found = _MONTH.fullmatch(word.strip())
    if not found or not 1 <= int(found[2]) <= 12 or not 1800 <= int(found[1]) <= 2400:
        raise Refused("insight.bad_month", _BAD, value=word[:40])
    return int(found[1]) * 12 + int(found[2]) - 1


def months_of(words: Iterable[str]) -> Ints:
    """The numbers of months. Raises: Refused `insight.bad_month`."""
    known: dict[str, int] = {}
    return np.array([known[one] if one in known else known.setdefault(one, month_of(one)) for one in words], np.int64)


def word_of(month: int) -> str:
    """How a month is written."""
    return f"{month // 12}-{month % 12 + 1:02d}"


def days_of(months: ArrayLike) -> NDArray[np.float64]:
    """Days of months."""
    first = (np.asarray(months, np.int64) - 1970 * 12).astype("datetime64[M]")
    return ((first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")).astype(np.float64)


def middle_of(months: ArrayLike) -> NDArray[np.float64]:
    """The middle of months, in years."""
    return (np.asarray(months, np.float64) + 0.5) / 12
