"""What is said about a dispute on a page."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

SIDES = {"one": _("the side that asked"), "other": _("the other side"), "both": _("both sides")}
CAPACITIES = {"party": _("party"), "representative": _("representative"), "interpreter": _("interpreter")}
MARKS = {"invited": _("invited"), "heard": _("heard"), "left": _("is no party any more")}
OUTCOMES = {"held": _("held"), "failed": _("a side did not appear"), "postponed": _("postponed")}
SESSIONS = {
    "planned": (_("planned"), "wait"), "held": (_("held"), "good"), "failed": (_("a side did not appear"), "bad"),
    "postponed": (_("postponed"), ""),
}  # fmt: skip
ITEMS = {
    "open": (_("to be fulfilled"), "wait"), "fulfilled": (_("fulfilled"), "good"),
    "partly": (_("fulfilled in part"), "wait"), "not": (_("not fulfilled"), "bad"), "overdue": (_("overdue"), "bad"),
    "dropped": (_("replaced"), ""),
}  # fmt: skip
