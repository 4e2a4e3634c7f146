"""Small words for the residents' pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from django import template
from django.utils.translation import get_language

register = template.Library()
Words = TypeVar("Words")


@register.filter
def in_language(words: Mapping[str, Words]) -> Words | str:
    """What is said in the reader's language, else in English, else in any."""
    wanted = "zh" if get_language() == "zh-hans" else "en"
    for beginning in (wanted, "en", ""):
        found = next((said for language, said in words.items() if language.lower().startswith(beginning)), None)
        if found is not None:
            return found
    return ""
