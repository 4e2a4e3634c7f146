"""Small words for templates."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django import template
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language, gettext

register = template.Library()
_CODE = re.compile(r"[a-z]+(-[a-z]+)*")
_CHINESE = re.compile("[\u4e00-\u9fff]+")


@register.filter
def translated(word: object) -> str:
    """A word from a table (a state, a role, a kind) in the reader's language; English makes words of a code."""
    text = str(word or "")
    known = gettext(text) if text else ""
    return known.replace("-", " ").capitalize() if known == text and _CODE.fullmatch(text) else known


@register.filter
def city_name(name: object) -> str:
    """A city's name in the reader's script where it has two; that a city is made up is said in a banner of its own."""
    whole = str(name or "").removesuffix(" (synthetic)")
    chinese = "".join(_CHINESE.findall(whole))
    latin = " ".join(_CHINESE.sub(" ", whole).split())
    return (chinese or whole) if (get_language() or "").startswith("zh") else (latin or whole)


@register.filter
def listed(items: Iterable[object]) -> str:
    """Several words as one text, with the marks of the reader's language between them."""
    return gettext(", ").join(map(str, items))


@register.filter
def clock_time(instant: object) -> str:
    """An instant as date and time to the second, in the city's time zone; a dash where there is none."""
    return date_format(localtime(instant), "Y-m-d H:i:s") if instant else "–"  # type: ignore[arg-type]


@register.filter
def duration(seconds: float) -> str:
    """Seconds as `+m:ss`."""
    minutes, rest = divmod(abs(int(seconds)), 60)
    return f"{'-' if seconds < 0 else '+'}{minutes}:{rest:02}"
