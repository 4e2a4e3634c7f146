"""What pages say of why reports are one matter, and what the page of a case says of its own."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cityloom.cases import queries
from cityloom.cases.display import said
from cityloom.cases.listing import matters
from cityloom.cases.listing.matters import Member, Reason
from cityloom.cases.queries import CaseFacts
from cityloom.cases.views.asking import type_of_row, what
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

STEPS = frozenset({"join", "part"})
"""Steps that the section on the matter offers, with the other case; they do not stand among the other steps."""


def of_case(facts: CaseFacts, by: Actor, *, may_work: bool) -> dict[str, Any]:
    """What the page of a case says of its matter: what it goes on as, what is joined with it, what may belong to it."""
    if type_of_row(facts).step("join") is None:
        return {}
    lead = facts if facts.matter == facts.id else queries.facts_of(facts.matter)
    reports = len(matters.members(lead.id))
    maybe = [one for one in matters.suggestions(facts.id) if may_see(by, one.one.id)] if may_work else []
    return {"matter": {
        "lead": lead, "is_joined": lead.id != facts.id, "reports": reports, "lead_state": state(lead),
        "maybe": [member(one) for one in maybe],
    }}  # fmt: skip


def member(one: Member) -> dict[str, Any]:
    return {"one": one.one, "is_lead": one.one.matter == one.one.id, "alike": _alike(one.reason),
            "title": what(type_of_row(one.one), one.one.category), "state": state(one.one),
            "chance": one.reason and one.reason.chance}  # fmt: skip


def _alike(reason: Reason | None) -> list[str]:
    """What speaks for it, in words."""
    if reason is None:
        return []
    if reason.metres is None:
        return [_("an official said so")]
    said_of = [_("%(metres)s m away") % {"metres": reason.metres}, _hours(reason.hours or 0.0)]
    said_of.append(_("same category") if reason.same_category else _("another category"))
    if reason.words is not None:
        said_of.append(_("words alike") if reason.words >= 0.45 else _("words somewhat alike") if reason.words >= 0.2
                       else _("other words"))  # fmt: skip
    if reason.numbers >= 3:
        said_of.append(_("a number in both"))
    return said_of


def _hours(hours: float) -> str:
    if hours < 48:
        return ngettext("%(count)s hour apart", "%(count)s hours apart", round(hours)) % {"count": round(hours)}
    return ngettext("%(count)s day apart", "%(count)s days apart", round(hours / 24)) % {"count": round(hours / 24)}


def state(one: CaseFacts) -> str:
    return said(type_of_row(one).states[one.state].title)


def may_see(by: Actor, case_id: str) -> bool:
    try:
        queries.case_for(by, case_id)
    except Refused:
        return False
    return True
