"""Figures of requests for everybody: the last year, the whole city, and nothing where few cases are behind it."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from cityloom.cases.domain.disputes.suppression import FEW, ROUNDED_TO
from cityloom.cases.domain.figures.tally import Rate
from cityloom.cases.figures import counting
from cityloom.kernel.actor import Actor
from cityloom.ui.domain.declared import Reading

_TYPE = "request"


def response(_actor: Actor, at: datetime) -> Reading:
    """First reactions in time."""
    return _reading("response", at)


def resolution(_actor: Actor, at: datetime) -> Reading:
    """What is said to be solved, with what those who reported it confirm."""
    found = counting.figures_of(counting.open_scope(_TYPE), counting.span_of("", "", at), at).whole
    reading, bounds = _told(found.rates["resolution"]), found.solved.honest(found.rates["resolution"].of)
    if reading.value is None or bounds is None:
        return reading
    honest = _("{note}; solved for sure between {low} and {high} %").format(
        note=reading.note, low=round(100 * bounds[0]), high=round(100 * bounds[1])
    )
    return Reading(reading.value, note=honest)


def satisfaction(_actor: Actor, at: datetime) -> Reading:
    """Who is satisfied, with the bounds if those who are silent were asked again."""
    return _reading("satisfaction", at)


def repeats(_actor: Actor, at: datetime) -> Reading:
    """What came again."""
    return _reading("repeats", at)


def _reading(name: str, at: datetime) -> Reading:
    found = counting.figures_of(counting.open_scope(_TYPE), counting.span_of("", "", at), at)
    return _told(found.whole.rates[name])


def _told(rate: Rate) -> Reading:
    """A share in whole percent with its interval; the number of cases rounded, and none for few."""
    if rate.of <= FEW or rate.share is None or rate.interval is None:
        return Reading(None, why_none=_("Too few cases: shares of 7 or fewer are not published."))
    low, high = (round(100 * end) for end in rate.interval)
    note = _("95 %: {low} – {high} %, of about {of} cases").format(
        low=low, high=high, of=f"{ROUNDED_TO * round(rate.of / ROUNDED_TO):,}"
    )
    if rate.if_silent and rate.left_out.get("silent", 0) > FEW:
        none, every = (round(100 * end) for end in rate.if_silent)
        note = _("{note}; {none} – {every} % with those who did not answer").format(note=note, none=none, every=every)
    return Reading(float(round(100 * rate.share)), note=note)
