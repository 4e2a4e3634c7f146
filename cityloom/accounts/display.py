"""What the accounts show."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from cityloom.accounts.policies import TERM_READERS
from cityloom.ui.domain.declared import Display, Page

DUTIES = {
    "commander": gettext_noop("Approves an evacuation, or sends it back"),
    "alert-approver": gettext_noop("Approves, as the second person, the alert to residents"),
    "duty-officer": gettext_noop("Watches the city, changes the zone, runs drills"),
    "department-fire": gettext_noop("Answers what fire and rescue is asked to do"),
    "department-police": gettext_noop("Answers what the police is asked to do"),
    "department-traffic": gettext_noop("Closes streets and says so"),
    "department-water": gettext_noop("Shuts water mains and says so"),
    "department-gas": gettext_noop("Shuts gas mains and says so"),
    "case-handler": gettext_noop("Opens the data of people of a case, as far as granted"),
    "supervisor": gettext_noop("Grants people of a case to a case handler"),
    "steward": gettext_noop("Proposes what data may be used for"),
    "data-protection-officer": gettext_noop("Approves purposes, reviews openings, answers objections"),
    "auditor": gettext_noop("Sees which data flowed where, and whether the log holds"),
    "operator": gettext_noop("Keeps the systems running, and runs drills"),
}  # fmt: skip
"""What each role does, for whoever chooses a demo role."""
DESKS = (
    (gettext_noop("Handle an emergency"), ("commander", "alert-approver", "duty-officer")),
    (gettext_noop("Answer for a department"), ("department-fire", "department-police", "department-traffic",
                                               "department-water", "department-gas")),
    (gettext_noop("Work with personal data"), ("supervisor", "case-handler", "steward")),
    (gettext_noop("Watch over it, and keep it running"), ("data-protection-officer", "auditor", "operator")),
)  # fmt: skip
"""The demo roles in the order in which a newcomer meets them."""

DISPLAY = Display(
    pages=(
        Page("contractors", gettext_noop("Contractors"), "oversight", 40, frozenset(TERM_READERS),
             gettext_noop("For auditors, data stewards, operators and the data protection officer.")),
    ),
)  # fmt: skip
