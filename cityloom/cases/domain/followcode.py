"""The secret of somebody who follows a case, as they read it out, write it down and type it in."""

from __future__ import annotations

import re

from cityloom.kernel.refused import Refused

_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: neither I, L, O nor U, which are taken for others or make words."""
LENGTH, _GROUP = 20, 4
_ALIKE = str.maketrans("ILO", "110")
_BETWEEN = re.compile(r"[\s\-–—.·]+")


def code_of(chance: bytes) -> str:
    """A code of 100 random bits, of at least 13 bytes."""
    number = int.from_bytes(chance[:13], "big") >> 4
    return "".join(_SIGNS[(number >> shift) & 31] for shift in range(5 * (LENGTH - 1), -1, -5))


def shown(code: str) -> str:
    """A code in groups: `7K2M-Q9TR-…`."""
    return "-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))


def heard(text: str) -> str:
    """The code that somebody gives, with or without dashes, in small letters too.

    Raises: Refused `cases.no_code`.
    """
    code = _BETWEEN.sub("", text[:80]).upper().translate(_ALIKE)
    if len(code) != LENGTH or set(code) - set(_SIGNS):
        raise Refused("cases.no_code", "This is no code of a report: it has {limit} letters and digits, as in {value}.",
                      limit=LENGTH, value="7K2M-Q9TR-…")  # fmt: skip
    return code
