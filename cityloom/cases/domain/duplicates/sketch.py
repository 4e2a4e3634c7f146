"""What is kept of a report's words to compare it with others: 256 small numbers, from which no sentence can be read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.cases.domain.marks import is_chinese, marks_of, numbers_of

WIDTH = 256
MOST_NUMBERS = 4
_LARGEST = 127


@dataclass(frozen=True)
class Sketch:
    """`words`: int8, shape (256,), signed sums of the weights of the marks; `numbers`: the smallest of the text.

    `script` is 1 for Chinese, 2 for letters, 0 where there are no words; words of two scripts are not compared.
    """

    words: NDArray[np.int8]
    numbers: NDArray[np.int32]
    script: int


def sketch_of(text: str, idf: NDArray[np.float32]) -> Sketch:
    """The sketch of a text; `idf` says how much a mark weighs, by its bucket."""
    marks = np.unique(marks_of(text))
    weights = idf[marks % len(idf)]
    sign = np.where((marks >> 31) & 1, 1.0, -1.0)
    sums = np.bincount((marks >> 8) % WIDTH, weights=weights * sign, minlength=WIDTH)
    largest = np.abs(sums).max()
    words = np.round(sums * (_LARGEST / largest)).astype(np.int8) if largest else np.zeros(WIDTH, np.int8)
    numbers = np.zeros(MOST_NUMBERS, np.int32)
    found = sorted(numbers_of(text))[:MOST_NUMBERS]
    numbers[: len(found)] = [number % (2**31 - 1) for number in found]
    return Sketch(words, numbers, (1 if is_chinese(text) else 2) if largest else 0)


def likeness(one: NDArray[np.int8], others: NDArray[np.int8]) -> NDArray[np.float64]:
    """The cosine of one sketch with others, shape (n, 256); 0 where there are no words."""
    first, rest = one.astype(np.float32), others.astype(np.float32)
    lengths = np.sqrt((first**2).sum()) * np.sqrt((rest**2).sum(axis=1))
    return np.asarray(rest @ first / np.maximum(lengths, 1e-9), dtype=float)
