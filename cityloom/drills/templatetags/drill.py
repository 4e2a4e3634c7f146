"""Words of the pages about drills."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def clocked(seconds: float | None) -> str:
    """Seconds as minutes and seconds; a dash where there are none."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(abs(seconds)), 60)
    return f"{'−' if seconds < 0 else ''}{minutes}:{rest:02}"


@register.filter
def later(seconds: float | None) -> str:
    """A difference with its sign; a dash where there is nothing to compare."""
    if seconds is None:
        return "–"
    sign = "+" if seconds >= 0.5 else "−" if seconds <= -0.5 else "±"
    return f"{sign}{clocked(abs(seconds))}"
