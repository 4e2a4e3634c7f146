"""What has to be known of a study of schools."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

NOTES = {
    "grades_guessed": _("The order of the grades was taken from their names: {value}. Say another one as grades."),
    "age_guessed": _("Entry into {limit} was taken to be at {value} years of age; say another one as entry_age."),
    "no_births": _("There are no births: entries are carried on from earlier entries, which says little beyond "
                   "a year or two."),
    "births_short": _("Births are known for {value} only, but who enters was born up to {limit} years before; "
                      "ratios of entry "
                      "rest on the years that are known."),
    "births_unused": _("Births do not reach back to those who entered last; entries are carried on from earlier "
                       "entries."),
    "births_carried": _("Births are known until {value}, the last entries need those of {limit}; years between "
                        "are taken as the "
                        "mean of the last three known, and intervals are wider for it."),
    "years_missing": _("No pupils were counted in {value}; ratios over those years are not used."),
    "gaps_filled": _("{value} counts that are missing inside a school's years were filled in from the cohort "
                     "around them."),
    "count_doubted": _("The count of {value} is some {limit} pupils below what the years around it say, in all "
                       "grades at once, and "
                       "no other school gained them; ratios leave it out. Correct it, or tell it as a change if "
                       "it is right."),
    "schools_gone": _("Schools without pupils from a year on: {value}. Where their pupils went shows in the "
                      "ratios of others."),
    "schools_new": _("Schools that are new in the rolls: {value}. They move on as the district does until they "
                     "have years of "
                     "their own."),
    "regraded": _("Schools that changed their grades: {value}."),
    "no_places": _("There are no places in the data, so nothing is said about where they will be short."),
    "places_unknown": _("Places are given for schools that the rolls do not have: {value}."),
    "without_places": _("Schools without places in the data are not compared: {value}."),
    "changes_past": _("Changes of a year that has been counted have no effect any more: {value}."),
    "too_few_places": _("All places together are {value} below the pupils expected in {limit}; nothing that "
                        "moves pupils between "
                        "these schools mends that."),
    "not_tested": _("With {value} years of rolls the forecast cannot be tried on earlier years ({limit} are "
                    "needed); its intervals "
                    "are as drawn, and are likely too narrow."),
    "as_before": _("The forecast holds where families move, and schools take pupils, as in the years before. "
                   "New borders of "
                   "catchments, fees or private schools are not in it unless they are told as changes."),
}  # fmt: skip
WORDS = (
    _("this forecast"), _("no change"), _("total smoothed"), _("last year's ratios"), _("ratios of three years"),
    _("district"), _("grade"), _("school"), _("grade of a school"),
    _("all schools"), _("all grades"), _("pupils"), _("area"),
)  # fmt: skip
"""Words that stand in the cells of its tables."""
