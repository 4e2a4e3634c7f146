"""Marks of a text: hashed runs of its signs, so that Chinese needs no dictionary and a slip spoils few."""

from __future__ import annotations

import re
import unicodedata
import zlib

import numpy as np
from numpy.typing import NDArray

LONGEST = 4_000
"""More signs than this of a text are not read (the limit of Open311 for a description)."""
_PIECES = re.compile(r"[\u3400-\u9fff]+|[^\W\d_\u3400-\u9fff]+")
_NUMBERS = re.compile(r"\d{1,9}")
_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = (3, 4, 5)
_SIGNS = (1, 2, 3)


def plain(text: str) -> str:
    """The text in one width and one case, of bounded length."""
    return unicodedata.normalize("NFKC", text[:LONGEST]).lower()


def marks_of(text: str) -> NDArray[np.uint32]:
    """A number for each run of signs: one to three Chinese signs, three to five letters of a word, the word itself.

    Numbers are left out: where a thing is says nothing of what it is.
    """
    found: list[str] = []
    for piece in _PIECES.findall(plain(text)):
        if "\u3400" <= piece[0] <= "\u9fff":
            found += [piece[at : at + n] for n in _SIGNS for at in range(len(piece) - n + 1)]
        else:
            word = f" {piece} "
            found += [word[at : at + n] for n in _LATIN for at in range(len(word) - n + 1)] + [word]
    return np.array([zlib.crc32(run.encode()) for run in found], dtype=np.uint32)


def numbers_of(text: str) -> frozenset[int]:
    """The numbers that stand in a text: of houses, lamps, lines."""
    return frozenset(int(number) for number in _NUMBERS.findall(plain(text)))


def is_chinese(text: str) -> bool:
    """Whether Chinese signs weigh more than other letters."""
    signs = plain(text)
    return 3 * len(_HAN.findall(signs)) > sum(sign.isalpha() for sign in signs)
