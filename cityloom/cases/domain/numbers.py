"""The number of a case as people say it: with a last digit that shows a slip of the tongue (ISO 7064, mod 11,10)."""

from __future__ import annotations

import re

from cityloom.kernel.refused import Refused

_WRITTEN = re.compile(r"(\d{1,18})-?(\d)")


def spoken(number: int) -> str:
    """`1042-7` for 1042."""
    return f"{number}-{_check(str(number))}"


def heard(text: str) -> int:
    """The number that somebody gives, with or without the dash.

    Raises: Refused `cases.number`.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None or _check(found[1]) != int(found[2]):
        raise Refused("cases.number", "{value} is no number of a case; look at each digit again, as in {limit}.",
                      value=text.strip()[:24], limit=spoken(1042))  # fmt: skip
    return int(found[1])


def _check(digits: str) -> int:
    product = 10
    for digit in digits:
        total = (product + int(digit)) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10
