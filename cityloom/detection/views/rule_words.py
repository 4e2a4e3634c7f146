"""A rule in words, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cityloom.detection.display import kind_word
from cityloom.detection.domain.pack import Condition


def titled(words: Mapping[str, str]) -> str:
    """A title in the reader's language, else in English."""
    return words.get((get_language() or "en").lower()) or words["en"]


def condition_words(condition: Condition) -> str:
    """When a condition begins to hold."""
    if condition.form in _TOGETHER:
        return _TOGETHER[condition.form](condition)
    words = _single(condition).format(
        what=kind_word(condition.kind), number=f"{condition.number:g}", unit=condition.unit,
        time=time_words(condition.number if condition.form in ("silent", "unchanged") else condition.within_s),
    )  # fmt: skip
    return _("{this}, and stays so for {time}").format(this=words, time=time_words(condition.for_s)) if (
        condition.for_s) else words  # fmt: skip


def time_words(seconds: float) -> str:
    """A duration as a rule is written: the largest unit that leaves nothing over."""
    for size, words in ((86_400, _("{count} d")), (3_600, _("{count} h")), (60, _("{count} min"))):
        if seconds >= size and seconds % size == 0:
            return words.format(count=f"{seconds / size:g}")
    return _("{count} s").format(count=f"{seconds:g}")


def _single(condition: Condition) -> str:
    if condition.form == "unusual":
        return {
            "up": _("{what} is {number} usual spreads or more above what is usual"),
            "down": _("{what} is {number} usual spreads or more below what is usual"),
            "either": _("{what} is {number} usual spreads or more away from what is usual"),
        }[condition.direction]
    return {
        "above": _("{what} is above {number} {unit}"), "below": _("{what} is below {number} {unit}"),
        "falls": _("{what} falls by {number} {unit} or more within {time}"),
        "rises": _("{what} rises by {number} {unit} or more within {time}"),
        "silent": _("{what}: nothing has come for {time}"), "unchanged": _("{what} has been the same for {time}"),
    }[condition.form]


def _sequence(condition: Condition) -> str:
    steps = _("; then ").join(condition_words(inner) for inner in condition.inner)
    return _("One after the other within {time}{near}: {steps}").format(
        time=time_words(condition.within_s), near=_near(condition), steps=steps
    )  # fmt: skip


def _together(condition: Condition) -> str:
    return _("At {count} sensors or more within {time}{near}: {what}").format(
        count=condition.at_least, time=time_words(condition.within_s), near=_near(condition),
        what=condition_words(condition.inner[0]),
    )  # fmt: skip


def _any(condition: Condition) -> str:
    return _("; or ").join(condition_words(inner) for inner in condition.inner)


def _near(condition: Condition) -> str:
    return "" if condition.within_m is None else _(" and {count} m").format(count=f"{condition.within_m:g}")


_TOGETHER = {"sequence": _sequence, "together": _together, "any": _any}
