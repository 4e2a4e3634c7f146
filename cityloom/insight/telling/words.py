"""Numbers of a study in the reader's words; a number that is not known says so."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from django.utils.formats import number_format
from django.utils.translation import gettext, gettext_noop

from cityloom.insight.domain.study.blocks import Number, Shown
from cityloom.ui.charts import number as plain_number

UNKNOWN = gettext_noop("not known")
NONE = "–"
"""Where no words are: nothing is missing that somebody could know."""
_HELD = re.compile(r"\{(\w+)\}")
_MOST = 1e15


def known(words: str) -> str:
    """Words in the reader's language, where they have a translation."""
    return gettext(words) if words.strip() else words


def said(value: float | str, how: Number | Shown) -> str:
    """A value as it is written."""
    if isinstance(value, str):
        return known(value) if value else NONE
    if not math.isfinite(value):
        return gettext(UNKNOWN)
    if how.form == "word":
        return f"{value:.0f}" if value == round(value) else f"{value:g}"
    if how.form == "percent":
        return f"{_digits(100 * value, how.places)} %"
    text = _digits(value, 0 if how.form == "whole" else how.places)
    return f"{text} {known(how.unit)}" if how.unit else text


def roughly(value: float | str) -> str:
    """A value whose form nobody said, with as many digits as tell something."""
    if isinstance(value, str):
        return known(value) if value else NONE
    return plain_number(value) if math.isfinite(value) and abs(value) < _MOST else gettext(UNKNOWN)


def filled(sentence: str, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """A sentence in the reader's language as pairs: (plain words, name of the value behind them)."""
    parts, last = [], 0
    text = known(sentence)
    for held in _HELD.finditer(text):
        if held[1] in values:
            parts.append((text[last : held.start()], held[1]))
            last = held.end()
    return [*parts, (text[last:], "")]


def _digits(value: float, places: int) -> str:
    if abs(value) >= _MOST:
        return f"{value:.6g}"
    shown = round(value, places) + 0.0  # no -0
    return number_format(shown, decimal_pos=places, use_l10n=True, force_grouping=True)
