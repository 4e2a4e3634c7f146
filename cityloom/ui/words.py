"""Refusals in the reader's language."""

from __future__ import annotations

import re

from django.utils.translation import gettext

from cityloom.kernel.refused import Refused

_JOINTS = re.compile(r"(, | or | and | \(there are: | \(did you mean )")
_MEANT = frozenset({" (there are: ", " (did you mean "})
_MARKS = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Controls, and marks that would turn the sentence around a value."""


def sentence_of(refusal: Refused) -> str:
    """A refusal's sentence, translated, with its value and limit translated word by word where they are known."""
    text = gettext(refusal.template)
    for name, value in (("value", refusal.value), ("limit", refusal.limit)):
        text = text.replace(f"{{{name}}}", _translated(unmarked(str(value))))
    return text


def unmarked(text: str) -> str:
    """What somebody typed, as it may stand in a sentence: a field keeps it as it is, prose does not."""
    return _MARKS.sub("", text)


def _translated(words: str) -> str:
    parts = _JOINTS.split(words)
    if any(part in _MEANT for part in parts):  # words that somebody has to write as they stand, in a file or a mapping
        return "".join(gettext(part) if place % 2 else part for place, part in enumerate(parts))
    return "".join(gettext(part) if part else "" for part in parts)
