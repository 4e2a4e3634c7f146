"""Write made-up reports as people write: in haste, in dialect, with slips, in two languages, or saying nothing."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cityloom.cases.domain.madeup.wordings import Vocabulary, vocabulary

VAGUE, MIXED, TWO, DIALECT, MISSING, SLIPS, CONFUSED = 0.05, 0.05, 0.03, 0.12, 0.12, 0.4, 0.12
"""How often a text says nothing of its matter, mixes languages, tells of a second matter, is in dialect, lacks words,
has slips of the fingers, or (in Chinese) has a wrong sign of the same sound."""
_SLIPS_AT_MOST = 0.05  # of the signs of a text


@dataclass(frozen=True)
class Matter:
    """What a text is to speak of; `thing` and `trouble` are places in the lists, `mark` is a number on the thing."""

    category: str
    thing: int | None = None
    trouble: int | None = None
    street: int | None = None
    number: int = 0
    mark: str = ""
    others: Sequence[str] = ()


def text_of(matter: Matter, language: str, part: str, rng: np.random.Generator) -> str:
    """A report's words; `part` says of which vocabulary."""
    words = vocabulary(language, part)
    if rng.random() < VAGUE:
        return _slipped(_one(words.around["vague"], rng) + _where(matter, words, rng), language, rng)
    wording = _wording(matter, language, part, rng)
    if matter.others and rng.random() < TWO:
        other = Matter(_one(matter.others, rng))
        wording += (", also " if language == "en" else "，还有") + _wording(other, language, part, rng)
    frame = _one(words.around["frames"], rng)
    text = frame.format(w=wording, p=_place(matter, words, rng), t=_one(words.around["times"], rng))
    return _worn(text, words, language, rng)


def _wording(matter: Matter, language: str, part: str, rng: np.random.Generator) -> str:
    other = "zh" if language == "en" else "en"
    second = vocabulary(other if rng.random() < MIXED else language, part)
    told = _nth(second.troubles[matter.category], matter.trouble, rng)
    thing = _nth(vocabulary(language, part).things[matter.category], matter.thing, rng)
    mark = matter.mark and (f" no {matter.mark}" if language == "en" else f"（编号{matter.mark}）")
    return f"{thing}{mark} {told}" if language == "en" else f"{thing}{mark}{told}"


def _place(matter: Matter, words: Vocabulary, rng: np.random.Generator) -> str:
    street = _nth(words.around["streets"], matter.street, rng)
    number = matter.number or int(rng.integers(1, 200))
    return _one(words.around["places"], rng).format(n=number, s=street, l=_one(words.around["landmarks"], rng))


def _where(matter: Matter, words: Vocabulary, rng: np.random.Generator) -> str:
    return f" {_place(matter, words, rng)}" if rng.random() < 0.5 else ""


def _worn(text: str, words: Vocabulary, language: str, rng: np.random.Generator) -> str:
    if rng.random() < DIALECT:
        text = _replaced(text, words.dialect, language, 1.0, rng)
    if words.confused and rng.random() < CONFUSED:
        text = _replaced(text, words.confused, language, 0.6, rng)
    if rng.random() < MISSING:
        text = _shortened(text, language, rng)
    return _slipped(text, language, rng)


def _replaced(text: str, table: dict[str, str], language: str, share: float, rng: np.random.Generator) -> str:
    if language == "en":
        return " ".join(table.get(word, word) if rng.random() < share else word for word in text.split(" "))
    for found, instead in table.items():
        if found in text and rng.random() < share:
            text = text.replace(found, instead, 1)
    return text


def _shortened(text: str, language: str, rng: np.random.Generator) -> str:
    parts = text.split(" ") if language == "en" else list(text)
    for _ in range(int(rng.integers(1, 3))):
        if len(parts) > 4:
            parts.pop(int(rng.integers(len(parts))))
    return (" " if language == "en" else "").join(parts)


def _slipped(text: str, language: str, rng: np.random.Generator) -> str:
    """The text with signs left out, doubled, swapped or hit beside; numbers stay as they are."""
    if rng.random() >= SLIPS:
        return text
    signs = list(text)
    share = rng.random() * _SLIPS_AT_MOST * (1.0 if language == "en" else 0.4)
    for at in np.flatnonzero(rng.random(len(signs)) < share).tolist():
        if not signs[at].isdigit():
            signs[at] = _slip(signs, at, language, rng)
    return "".join(signs)


def _slip(signs: list[str], at: int, language: str, rng: np.random.Generator) -> str:
    kind = int(rng.integers(4 if language == "en" else 2))
    if kind == 3:
        return string.ascii_lowercase[int(rng.integers(26))]
    if kind == 2 and at and not signs[at - 1].isdigit():
        signs[at - 1], before = signs[at], signs[at - 1]
        return before
    return "" if kind else signs[at] * 2


def _one(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


def _nth(choices: Sequence[str], at: int | None, rng: np.random.Generator) -> str:
    return _one(choices, rng) if at is None else choices[at % len(choices)]
