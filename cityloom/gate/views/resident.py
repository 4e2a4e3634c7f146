"""What a resident sees: who looked at their data, why and by which right; a bundle to take away; objections."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language, gettext, gettext_noop
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cityloom.accounts import queries as accounts
from cityloom.gate import actions, queries
from cityloom.gate.domain import reasons
from cityloom.gate.models import Contest
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

PAGE = 50
_NOTICES = 10
_LOOKS = ("opened", "listed", "searched", "asked", "status-set")
"""Kinds of entries in which somebody reached a person, and that can be contested."""
_KINDS = {
    "opened": gettext_noop("Your data were opened"),
    "listed": gettext_noop("You were named on a list of people who need help"),
    "searched": gettext_noop("Somebody looked for you and found you"),
    "asked": gettext_noop("A yes-or-no question about you was answered; your data were not shown"),
    "status-set": gettext_noop("A status was set on you"),
    "status-ended": gettext_noop("A status on you ended"),
    "contested": gettext_noop("You contested an entry"),
    "linked": gettext_noop("Somebody signed in as you with the identity service"),
    "erased": gettext_noop("You were erased from the register"),
    "weighed": gettext_noop("Your data were compared with those of a person in a department's file"),
    "joined": gettext_noop("What a department knows of you was found to be about you, and joined with your entry"),
    "corrected": gettext_noop("A correction that you asked for was written into your entry"),
    "parted": gettext_noop("You and another person had been taken for one, and were parted"),
}
_FIELDS = {
    "name": gettext_noop("your name"), "national_id": gettext_noop("your identity number"),
    "phone": gettext_noop("your telephone number"), "birth_date": gettext_noop("your date of birth"),
    "need_note": gettext_noop("the note on the help you need"),
    "needs_help": gettext_noop("whether you need help to leave"),
}  # fmt: skip
_QUESTIONS = {
    "age-at-least": gettext_noop("whether you have reached an age"),
    "age-under": gettext_noop("whether you are below an age"),
    "is": gettext_noop("whether a statement about you is true"),
    "lives-in": gettext_noop("whether you live in a place"),
    "same-household": gettext_noop("whether people live in one household"),
}
_ROLES = {"system": gettext_noop("the city's own computers"), "resident": gettext_noop("you yourself")}
_REASONS = {
    "unexpected": gettext_noop("I do not know why this happened"),
    "no-such-case": gettext_noop("I have no matter with this office"),
    "wrong-purpose": gettext_noop("It does not fit the purpose that is named"),
    "too-much": gettext_noop("More was opened than was needed"),
    "other": gettext_noop("Another reason"),
}
_OUTCOMES = {
    "justified": gettext_noop("The reviewer found it justified."),
    "not-justified": gettext_noop("The reviewer found it not justified."),
    "referred": gettext_noop("The reviewer passed it on to another authority."),
}
_STATUSES = {
    "access-block": gettext_noop("Your access is blocked"), "health-code-red": gettext_noop("Your health code is red"),
    "benefit-hold": gettext_noop("A benefit of yours is held back"),
}  # fmt: skip


@accounts.for_residents
@require_safe
def me(request: HttpRequest) -> HttpResponse:
    """Who looked at the data of the resident who is signed in, newest first."""
    by, before = _resident(request), _place(request.GET.get("before"))
    own = queries.own_entries(by, before=before, limit=PAGE + 1)
    contests, shown = queries.contests_of(by), own.entries[:PAGE]
    lines = [_line(entry, own.titles, contests.get(entry.index)) for entry in shown]
    news = [notice for notice in queries.notices_of(by) if notice.read_at is None]
    context = {
        "lines": lines, "before": before, "older": shown[-1].index if len(own.entries) > PAGE else None,
        "nobody_looked": before is None and not any(line["can_contest"] for line in lines),
        "news": [_notice(notice, shown) for notice in news[:_NOTICES]], "news_count": queries.unread_of(by),
        "statuses": [_status(status) for status in queries.own_statuses(own.statuses)],
        "reasons": [(code, gettext(_REASONS[code])) for code in reasons.CONTEST],
        "within_days": reasons.CONTEST_WITHIN.days,
    }  # fmt: skip
    return render(request, "gate/me.html", context)


@accounts.for_residents
@require_safe
def bundle(request: HttpRequest) -> HttpResponse:
    """Every entry about the resident, with proofs that need nobody's help, as a file."""
    made = queries.bundle(_resident(request), at=clock.now())
    answer = HttpResponse(json.dumps(made, ensure_ascii=False), content_type="application/json")
    answer["Content-Disposition"] = 'attachment; filename="cityloom-bundle.json"'
    return answer


@accounts.for_residents
@require_POST
def contest(request: HttpRequest) -> HttpResponse:
    """Object to an entry of one's own."""
    index, reason = _place(request.POST.get("entry")), request.POST.get("reason", "")
    if index is None:
        raise Refused("gate.not_yours", "That entry is not about you; contest one of your own.")
    actions.contest(by=_resident(request), at=clock.now(), leaf_index=index, reason=reason)
    messages.success(request, _("Your objection is noted, and its clock runs."))
    before = _place(request.POST.get("before"))
    page = reverse("me") if before is None else f"{reverse('me')}?before={before}"
    return HttpResponseRedirect(f"{page}#entry-{index}")


@accounts.for_residents
@require_POST
def seen(request: HttpRequest) -> HttpResponse:
    """Say that one has read one's notices."""
    actions.read_notices(by=_resident(request), at=clock.now())
    return redirect("me")


def _resident(request: HttpRequest) -> Actor:
    return accounts.as_actor(request.user)  # type: ignore[arg-type]


def _place(text: str | None) -> int | None:
    """An index of the log from a form or an address; None for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else None


def _line(entry: queries.OwnEntry, titles: dict[str, dict[str, str]], objection: Contest | None) -> dict[str, Any]:
    """One entry in the reader's words."""
    facts = entry.facts
    kind, purpose, actor = facts["kind"], facts["purpose"], facts["actor"]
    return {
        "index": entry.index, "kind": kind, "what": _word(_KINDS, kind), "at": clock.from_text(facts["at"]),
        "is_drill": bool(facts["exercise_id"]),
        "unit": _in_language(accounts.unit_names(facts["unit"])) if facts["unit"] else "",
        "role": facts["role"], "role_words": gettext(_ROLES[facts["role"]]) if facts["role"] in _ROLES else "",
        "official": f"{actor[:4]} {actor[4:8]}",
        "why": _in_language(titles.get(f"{purpose}/{facts['basis'].rpartition('/')[2]}", {})) or purpose,
        "purpose": purpose, "article": facts["article"], "basis": facts["basis"],
        "fields": [_word(_FIELDS, name) for name in facts.get("fields", [])],
        "question": _word(_QUESTIONS, facts["question"]) if "question" in facts else "",
        "system": facts["service"] if facts["service"] != "city" else "", "entry": facts.get("entry"),
        "status": _word(_STATUSES, facts["status"]) if "status" in facts else "",
        "until": _instant(facts.get("until")), "can_contest": kind in _LOOKS,
        "objection": objection and _objection(objection),
    }  # fmt: skip


def _objection(row: Contest) -> dict[str, Any]:
    return {
        "at": row.contested_at, "reason": _word(_REASONS, row.reason), "due_at": row.due_at,
        "escalated_at": row.escalated_at, "answered_at": row.answered_at,
        "outcome": _word(_OUTCOMES, row.outcome) if row.outcome else "",
    }  # fmt: skip


def _notice(row: queries.OpeningNotice, shown: tuple[queries.OwnEntry, ...]) -> dict[str, Any]:
    here = any(entry.index == row.leaf_index for entry in shown)
    return {"what": _word(_KINDS, row.kind), "at": row.opened_at, "index": row.leaf_index, "is_here": here}


def _status(status: queries.OwnStatus) -> dict[str, Any]:
    return {
        "what": _word(_STATUSES, status.kind), "matter": status.matter, "set_at": status.set_at, "until": status.until,
        "appeal_until": status.appeal_until, "emergency": status.emergency,
    }  # fmt: skip


def _word(words: dict[str, str], code: str) -> str:
    return gettext(words[code]) if code in words else code


def _in_language(names: dict[str, str]) -> str:
    """A name by the reader's language, in English where there is none."""
    return names.get("zh-Hans" if get_language() == "zh-hans" else "en", "") or names.get("en", "")


def _instant(text: str | None) -> datetime | None:
    return clock.from_text(text) if text else None
