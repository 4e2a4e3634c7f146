"""A cause pack in words, in the reader's language."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from cityloom.detection.display import kind_word
from cityloom.detection.domain.cause import Cause, Sign
from cityloom.detection.views.rule_words import time_words

_ALONG = {
    "water": gettext_noop("water mains"), "gas": gettext_noop("gas mains"), "road": gettext_noop("roads"),
    "sewer": gettext_noop("sewers"), "heat": gettext_noop("heating mains"), "none": gettext_noop("the ground"),
}  # fmt: skip


_CALLS = {
    "water-leak": gettext_noop("Water leak"), "gas-smell": gettext_noop("Smell of gas"),
    "gas-leak": gettext_noop("Smell of gas"), "flooding": gettext_noop("Flooding"), "flood": gettext_noop("Flooding"),
    "traffic-jam": gettext_noop("Traffic jam"), "road-damage": gettext_noop("Damaged road"),
}  # fmt: skip


def call_word(category: str) -> str:
    """What people call about."""
    words = _(_CALLS[category]) if category in _CALLS else category.replace("-", " ").capitalize()
    return _("Calls: {what}").format(what=words)


def facts(cause: Cause) -> list[tuple[str, str]]:
    """What a cause pack says besides its signs, as pairs."""
    often = (_("{number} a year and km²") if cause.network == "none" else _("{number} a year and km")).format(
        number=f"{cause.often:g}")  # fmt: skip
    sources = ngettext("{count} source", "{count} sources", cause.least_sources).format(count=cause.least_sources)
    kinds = ngettext("{count} kind", "{count} kinds", cause.least_kinds).format(count=cause.least_kinds)
    return [
        (_("Spreads along"), _(_ALONG[cause.network])), (_("How often"), often),
        (_("Older says nothing"), time_words(cause.within_s)), (_("Told from"), f"{100 * cause.raise_at:g} %"),
        (_("At least"), f"{sources}, {kinds}"),
    ]  # fmt: skip


def signs(cause: Cause) -> list[dict[str, str]]:
    """What sensors do and what people call about, a row each."""
    rows = [{"what": kind_word(sign.kind), "words": _moves(sign), "metres": f"{sign.carries_m:g}"}
            for sign in cause.signs]  # fmt: skip
    calls = [{"what": call_word(told.category),
              "words": _("{told} calls in its time; {idle} a day and km² without it").format(
                  told=f"{told.told:g}", idle=f"{told.idle:g}"),
              "metres": f"{told.carries_m:g}"} for told in cause.calls]  # fmt: skip
    return rows + calls


def _moves(sign: Sign) -> str:
    words = {1: _("rises"), -1: _("falls"), 0: _("moves")}[sign.moves]
    return f"{words}, {_('at least {number} {unit}').format(number=f'{sign.least:g}', unit=sign.unit)}" if (
        sign.least) else words  # fmt: skip
