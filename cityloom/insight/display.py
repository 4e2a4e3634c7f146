"""What insight declares to the user interface, and its words."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from cityloom.insight import events, policies
from cityloom.insight.domain import stages
from cityloom.kernel.envelope import type_of
from cityloom.ui.domain.declared import Display, Outlook, Page, WorkList

STATES = {
    stages.WAITING: (_("waiting for its turn"), "wait"),
    stages.RUNNING: (_("at work"), "wait"),
    stages.DONE: (_("done"), "good"),
    stages.REFUSED: (_("not possible"), "bad"),
    stages.CANCELLED: (_("cancelled"), ""),
}
"""The words of the states of reviews and studies, and their look."""
FINDINGS = {
    "bad_rows": (_("Lines with another number of columns"), _("They are left out.")),
    "no_case": (_("Events without a case"), _("They are left out.")),
    "no_step": (_("Events that say no step"), _("They are left out.")),
    "unreadable_time": (_("Times that cannot be read"), _("They are taken as not said.")),
    "no_time": (_("Events without a time"), _("They are left out.")),
    "ends_before_start": (
        _("Steps that end before they begin"),
        _("They count at their end, as if nobody had said when they began."),
    ),
    "duplicates": (_("Events that are there twice"), _("One of them counts: same case, step, office and times.")),
    "out_of_order": (_("Events that stand before an earlier one"), _("Each case is sorted by time.")),
    "not_completed": (_("Steps that were begun and not completed"), _("They are left out.")),
    "other_transitions": (_("Events that are neither a start nor a completion"), _("They are left out.")),
    "no_zone": (_("Times without a time zone"), _("They are read in the zone that was chosen.")),
    "several_zones": (
        _("Times with several offsets from UTC, as summer and winter time have"),
        _("All are turned into UTC."),
    ),
    "days_only": (_("Times that are days without hours"), _("Times below a day mean nothing in this log.")),
    "same_instant": (_("Events at the same instant as the one before"), _("They stay in the order of the log.")),
    "repeats": (_("Cases with a repeated step"), _("See what is done again.")),
    "shared_events": (_("Events of several objects"), _("They count once in each of them.")),
    "persons_left_out": (_("Columns that name people"), _("They are not read: a person is never a unit of a review.")),
    "attributes_left_out": (
        _("Columns that are not used"),
        _("They differ within a case, or nearly every case has its own value."),
    ),
    "office_unknown": (_("Events without an office"), _("Hand-overs to and from them are not counted.")),
}
"""What is found in the data of a log, and the rule by which it is handled."""
UNITS_OF = {"repeats": _("cases"), "persons_left_out": _("columns"), "attributes_left_out": _("columns"),
            "bad_rows": _("lines"), "unreadable_time": _("times"), "no_zone": _("times"), "several_zones": _("times"),
            "days_only": _("times")}  # fmt: skip
PARTS = {"queue": _("Waiting for an office"), "work": _("Work"), "outside": _("Waiting for somebody outside")}
HORIZONS = {
    "now": _("Now"), "days": _("In the coming days"), "weeks": _("In the coming weeks"),
    "months": _("In the coming months and years"),
}  # fmt: skip
SEVERITIES = {1: (_("minor"), ""), 2: (_("moderate"), "wait"), 3: (_("serious"), "bad"), 4: (_("severe"), "bad")}
"""How bad it would be, and its look."""
TRENDS = {
    "rising": ("▲", _("more than before")), "falling": ("▼", _("less than before")),
    "steady": ("▬", _("as before")), "": ("", _("no earlier span to compare with")),
}  # fmt: skip
_PLACES = _("Alarms of hot spots are for the offices that answer for a place, and for those who lead or "
            "check the city.")
_LEAD = _("The risk brief is for those who lead or are on duty.")
_FOR = _("Reviews of processes are for those who lead, check or handle cases.")
_FOR_STUDIES = _("Studies are for those who lead, check or handle cases.")
_FOR_FORECASTS = _("Published forecasts are for those who lead, check or handle cases.")
DISPLAY = Display(
    pages=(
        Page("brief", _("Risk brief"), "now", 30, policies.LEADERS, _LEAD),
        Page("hotspots", _("Hot spots"), "now", 35, policies.HOTSPOT_READERS, _PLACES),
        Page("reviews", _("Process reviews"), "oversight", 50, policies.READERS, _FOR),
        Page("studies", _("Studies"), "oversight", 52, policies.READERS, _FOR_STUDIES),
        Page("forecasts", _("Published forecasts"), "oversight", 54, policies.READERS, _FOR_FORECASTS),
    ),
    outlooks=(
        Outlook("hotspots", _("Hot spots"), "cityloom.insight.alarms.outlook.risks", 40,
                _("No hot spot waits for an answer.")),
        Outlook("studies", _("Places, beds and appointments"), "cityloom.insight.figures.outlook.studies", 50,
                _("No study that stands in this brief says that anything runs short.")),
    ),
    work=(
        WorkList("hotspots", _("Hot spots to answer"), "cityloom.insight.queries.hotspots_to_answer", 35,
                 policies.HOTSPOT_ANSWERERS, frozenset({"HotspotRaised", "HotspotAnswered"})),
    ),
    moments={type_of(events.HotspotRaised): _("Hot spot: an office was asked")},
)  # fmt: skip


def state_word(state: str) -> str:
    """How a review, or a study, does."""
    return gettext(STATES[state][0])


def chance_words(chance: float | None, low: float | None, high: float | None) -> str:
    """How likely something is, in whole percent; "" where nobody can say."""
    if chance is None:
        return ""
    if chance == 1.0:
        return gettext("certain")
    if low is None or high is None:
        return gettext("about {share} %").format(share=_percent(chance))
    return gettext("{share} % (95 %: {low} to {high} %)").format(
        share=_percent(chance), low=_percent(low), high=_percent(high)
    )


def _percent(share: float) -> int:
    return min(max(round(100 * share), 1), 99) if 0 < share < 1 else round(100 * share)
