"""Numbers of a review in the reader's words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from django.utils.formats import number_format
from django.utils.translation import get_language, gettext

from cityloom.insight.domain.follows import END, START

_CODE = re.compile(r"[A-Z]{1,3}\d[\w-]*\b")
_SHORT = 28
_UNITS = ((86_400 * 365.25, "{number} y"), (86_400, "{number} d"), (3_600, "{number} h"), (60, "{number} min"))


def count(cases: int | None) -> str:
    """A count of cases; one that is too small is not told."""
    return gettext("fewer than 8") if cases is None else number(cases)


def number(value: float, digits: int = 0) -> str:
    """A number with groups of three."""
    return number_format(round(value, digits), decimal_pos=digits, use_l10n=True, force_grouping=True)


def share(part: float | None, whole: float) -> str:
    """A share in per cent; a dash where there is nothing to share, or the part is not told."""
    if part is None or not whole:
        return "–"
    found = 100 * part / whole
    return f"{found:.0f} %" if found >= 1 or not found else gettext("below 1 %")


def duration(seconds: float | None) -> str:
    """A time in its best unit, with two or three digits."""
    if seconds is None:
        return "–"
    for length, words in _UNITS:
        if seconds >= length:
            found = seconds / length
            return _unit(words).format(number=number(found, 0 if found >= 10 else 1))
    return _unit("{number} s").format(number=number(seconds))


def hours(value: float | None) -> str:
    """Hours of all cases together."""
    return "–" if value is None else number(value, 0 if value >= 10 else 1)


def short(name: str) -> str:
    """A step's code where its name begins with one, or the beginning of a long name."""
    code = _CODE.match(name)
    return code[0] if code else name if len(name) <= _SHORT else name[: _SHORT - 1] + "…"


def names_of(found: Mapping[str, object]) -> list[str]:
    """The steps in the reader's language where the review knows them, else as the log has them."""
    activities: Sequence[str] = found["activities"]  # type: ignore[assignment]
    source: Mapping[str, Mapping[str, Mapping[str, str]]] = found.get("source", {})  # type: ignore[assignment]
    titles, language = source.get("titles", {}), get_language() or "en"
    given = (
        {
            "opened": gettext("opened"),
            "given": gettext("given to somebody"),
            "offered": gettext("offered to a unit"),
            "taken-over": gettext("taken over by a unit"),
        }
        if titles
        else {}
    )
    return [
        given.get(one) or titles.get(one, {}).get(language) or titles.get(one, {}).get("en") or one
        for one in activities
    ]


def step(names: Sequence[str], code: int) -> str:
    """A step by its number."""
    return {START: gettext("Begin"), END: gettext("End")}.get(code) or names[code]


def _unit(words: str) -> str:
    return {
        "{number} y": gettext("{number} y"),
        "{number} d": gettext("{number} d"),
        "{number} h": gettext("{number} h"),
        "{number} min": gettext("{number} min"),
        "{number} s": gettext("{number} s"),
    }[words]
