"""An alarm in words: the category, the place, the question to the office, in the reader's language."""

from __future__ import annotations

from django.utils.formats import date_format
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

from cityloom.cases import queries as cases
from cityloom.insight.models import HotspotAlarm
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers

ANSWER_WORDS = {
    "explained": (_("explained: we know why"), "good"), "works": (_("known works or an event"), "good"),
    "opened": (_("something is wrong: open a case"), "bad"), "nothing": (_("nothing was found"), ""),
}  # fmt: skip
"""What an office may answer, and its look."""
_QUESTION = _("{category}: what has changed at {place} since {day}?")
_NO_PLACE = _("{lon}, {lat}")


def category_of(casetype: str, category: str) -> str:
    """What a category is called; its code where the type has it no more."""
    try:
        titles = cases.newest_casetype(casetype).categories[category].title
    except (Refused, KeyError):
        return category
    return titles["zh-hans" if get_language() == "zh-hans" else "en"]


def place_of(row: HotspotAlarm) -> str:
    """Words for the middle of the place; its coordinates where no city is loaded."""
    try:
        area = registers.area_words(row.lon, row.lat)
    except Refused:
        return gettext(_NO_PLACE).format(lon=f"{row.lon:.4f}", lat=f"{row.lat:.4f}")
    return area["zh-Hans" if get_language() == "zh-hans" else "en"]


def question_of(row: HotspotAlarm) -> str:
    """The question that the office is asked."""
    return gettext(_QUESTION).format(
        category=category_of(row.casetype, row.category), place=place_of(row), day=date_format(row.since_on, "Y-m-d")
    )


def answer_word(answer: str) -> tuple[str, str]:
    """What was answered, and its look."""
    words, look = ANSWER_WORDS.get(answer, (_("waits for an answer"), "wait"))
    return gettext(words), look
