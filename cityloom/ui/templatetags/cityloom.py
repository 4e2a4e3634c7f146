"""Small words for templates."""

from __future__ import annotations

import re

from django import template
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext

register = template.Library()
_CODE = re.compile(r"[a-z]+(-[a-z]+)*")


@register.filter
def translated(word: object) -> str:
    """A word from a table (a state, a role, a kind) in the reader's language; English makes words of a code."""
    text = str(word or "")
    known = gettext(text) if text else ""
    return known.replace("-", " ").capitalize() if known == text and _CODE.fullmatch(text) else known


@register.filter
def clock_time(instant: object) -> str:
    """An instant as date and time to the second, in the city's time zone; a dash where there is none."""
    return date_format(localtime(instant), "Y-m-d H:i:s") if instant else "–"  # type: ignore[arg-type]


@register.filter
def duration(seconds: float) -> str:
    """Seconds as `+m:ss`, with tenths in the first minute."""
    if abs(seconds) < 60:
        return f"{seconds:+.1f} s"
    minutes, rest = divmod(abs(int(seconds)), 60)
    return f"{'-' if seconds < 0 else '+'}{minutes}:{rest:02}"
