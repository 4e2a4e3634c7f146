"""What is kept of a report's words to compare it with others: numbers under a key, from which no word can be read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cityloom.cases.domain.marks import is_chinese, marks_of, numbers_of

WIDTH = 256
MOST_NUMBERS = 4
LARGE = 1_000
"""From here on a number is hardly shared by chance: it is odd in a sketch, smaller ones are even."""
_LARGEST = 127
_PLACES = 1 << 18


@dataclass(frozen=True)
class Sketch:
    """`words`: int8, shape (256,), signed sums of the weights of the marks; `numbers`: of the smallest of the text.

    `script` is 1 for Chinese, 2 for letters, 0 where there are no words; words of two scripts are not compared.
    """

    words: NDArray[np.int8]
    numbers: NDArray[np.int32]
    script: int


def sketch_of(text: str, idf: NDArray[np.float32], key: bytes = b"") -> Sketch:
    """The sketch of a text under a key; `idf` says how much a mark weighs, by its bucket."""
    marks = np.unique(marks_of(text))
    weights, dealt = idf[marks % len(idf)], _dealt(key)[marks % _PLACES]
    sums = np.bincount(dealt & 0xFF, weights=np.where(dealt & 0x100, weights, -weights), minlength=WIDTH)
    largest = np.abs(sums).max()
    words = np.round(sums * (_LARGEST / largest)).astype(np.int8) if largest else np.zeros(WIDTH, np.int8)
    found = sorted(numbers_of(text))[:MOST_NUMBERS]
    numbers = np.zeros(MOST_NUMBERS, np.int32)
    numbers[: len(found)] = [hidden(number, key) for number in found]
    return Sketch(words, numbers, (1 if is_chinese(text) else 2) if largest else 0)


def hidden(number: int, key: bytes) -> int:
    """A number as it is kept: the same under the same key, and found by no guess without it."""
    said = hashlib.blake2b(b"%d" % number, digest_size=4, key=key[:64]).digest()
    kept = int.from_bytes(said, "little") & 0x7FFFFFFE | 2
    return kept | 1 if number >= LARGE else kept


def likeness(one: NDArray[np.int8], others: NDArray[np.int8]) -> NDArray[np.float64]:
    """The cosine of one sketch with others, shape (n, 256); 0 where there are no words."""
    first, rest = one.astype(np.float32), others.astype(np.float32)
    lengths = np.sqrt((first**2).sum()) * np.sqrt((rest**2).sum(axis=1))
    return np.asarray(rest @ first / np.maximum(lengths, 1e-9), dtype=float)


@lru_cache(maxsize=4)
def _dealt(key: bytes) -> NDArray[np.uint16]:
    """Where each mark is counted, and with which sign: drawn from the key, so that nobody else can try words out."""
    return np.frombuffer(hashlib.shake_256(b"sketch\n" + key).digest(2 * _PLACES), np.uint16)
