"""Made-up texts with their categories, to train and to test who reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cityloom.cases.domain.madeup.wordings import LANGUAGES, TRAIN
from cityloom.cases.domain.madeup.writing import Matter, text_of
from cityloom.kernel import ids

CHINESE = 0.6
WRONG = 0.015
"""How many of the training texts carry somebody else's category, as in a city's own records."""


@dataclass(frozen=True)
class Texts:
    """Made-up texts and their categories, in one order."""

    texts: list[str]
    categories: list[str]


def texts(count: int, categories: Sequence[str], seed: int, part: str) -> Texts:
    """Made-up reports in English and Chinese; some categories are ten times as frequent as others."""
    rng = ids.seeded(seed, "made-up texts", part)
    order = ids.seeded(seed, "made-up categories").permutation(len(categories))
    often = 1.0 / (1.0 + order / (len(categories) / 9.0))
    chosen = rng.choice(len(categories), size=count, p=often / often.sum())
    said, told = [], []
    for number in chosen.tolist():
        language, category = LANGUAGES[int(rng.random() < CHINESE)], categories[number]
        said.append(text_of(Matter(category, others=categories), language, part, rng))
        is_wrong = part == TRAIN and rng.random() < WRONG
        told.append(categories[int(rng.integers(len(categories)))] if is_wrong else category)
    return Texts(said, told)
