"""Refusals in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.utils.translation import get_language, gettext

from cityloom.kernel.refused import Detail, InLanguages, Refused

_JOINTS = re.compile(r"(, | or | and )")
_MARKS = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Controls, and marks that would turn the sentence around a value."""


def sentence_of(refusal: Refused) -> str:
    """A refusal's sentence, translated, with its value and limit translated word by word where they are known."""
    return _sentence(refusal, _translated)


def _sentence(said: Refused | Detail, known: Callable[[str], str]) -> str:
    """What a detail holds stays as it is: words that somebody has to write as they stand, in a file or a mapping."""
    text = gettext(said.template)
    for name, value in (("value", said.value), ("limit", said.limit)):
        words = _sentence(value, str) if isinstance(value, Detail) else _words(value, known)
        text = text.replace(f"{{{name}}}", words)
    return text


def _words(value: object, known: Callable[[str], str]) -> str:
    if isinstance(value, InLanguages):
        return unmarked(value.said_in(get_language() or "en"))
    return known(unmarked(str(value)))


def unmarked(text: str) -> str:
    """What somebody typed, as it may stand in a sentence: a field keeps it as it is, prose does not."""
    return _MARKS.sub("", text)


def _translated(words: str) -> str:
    return "".join(gettext(part) if part else "" for part in _JOINTS.split(words))
