"""Words of the incident room."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext

from cityloom.emergency.display import FIGURES, HANDLING, LANES

register = template.Library()


@register.filter
def figure_name(key: str) -> str:
    """What a count of a plan is called."""
    return gettext(FIGURES[key]) if key in FIGURES else key.replace("_", " ")


@register.filter
def lane_name(state: str) -> str:
    """What a column of the board is called."""
    return gettext(LANES.get(state, state))


@register.filter
def part_name(key: str) -> str:
    """What a part of the document, or a language, is called."""
    return gettext(HANDLING.get(key, key))


@register.filter
def signed(number: int) -> str:
    """A difference with its sign."""
    return f"{number:+,}".replace("-", "\u2212")
