"""Pages of the purposes: what is in force, what is proposed, and what would change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cityloom.accounts import queries as accounts
from cityloom.gate import actions, display, policies, queries
from cityloom.gate.domain import documents
from cityloom.gate.forms import PurposeForm
from cityloom.gate.queries import PurposeVersion
from cityloom.gate.views.page import (
    INCOMPLETE,
    actor_of,
    carry_out,
    number_in,
    posted,
    shown,
    unit_name,
    why_not,
)  # fmt: skip
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.once import only_once

STEWARDS = ("steward", "data-protection-officer")
APPROVERS = ("data-protection-officer",)
_SOON_DAYS = 30
_MUCH = 0.8
_LIMITS = ("most_a_request", "most_a_day", "most_a_day_each", "second_person_above")


@require_safe
def purposes(request: HttpRequest) -> HttpResponse:
    """Every purpose with the version in force, how much of it is used, and all its versions."""
    return _list(request)


@require_http_methods(["GET", "HEAD", "POST"])
@only_once
def propose(request: HttpRequest) -> HttpResponse:
    """Propose a version of a purpose, from a form or from a file; the form begins with what is in force."""
    by = actor_of(request)
    policies.check_has_role(by, STEWARDS)
    if request.method != "POST":
        return _form(request, PurposeForm(initial=_initial(request.GET.get("purpose", ""))))
    if "document" in request.FILES:
        return _propose_file(request, by)
    form = PurposeForm(request.POST)
    if not form.is_valid():
        return _form(request, form, status=INCOMPLETE)
    return _propose(request, by, json.dumps(form.document()).encode(), form)


@posted("purposes")
def decide(request: HttpRequest) -> HttpResponse:
    """Put a version into force as another person, or withdraw it."""
    by, sent = actor_of(request), request.POST
    version, approve = sent.get("version", ""), sent.get("decision") == "approve"
    step_up = accounts.require_step_up(request) if approve else None
    said = _("This version is in force now.") if approve else _("The version has been withdrawn.")
    return carry_out(
        request,
        lambda: actions.decide_purpose(
            by=by, at=clock.now(), step_up_at=step_up.at if step_up else None, purpose=sent.get("purpose", "")[:64],
            version=number_in(version), approve=approve,
        ),
        said, to="purposes", page=_list,
    )  # fmt: skip


def near_limits(versions: Sequence[PurposeVersion]) -> list[dict[str, Any]]:
    """The purposes in force that use over 80 % of their day, or that end within 30 days."""
    lines = [_live(row) for row in versions if row.state == "active"]
    return [line for line in lines if line["is_near"]]


def _propose_file(request: HttpRequest, by: Actor) -> HttpResponse:
    try:
        run = request.FILES["document"].read(documents.MOST_BYTES + 1)  # type: ignore[union-attr]
        document = documents.read_file(run)
    except Refused as refusal:
        return _form(request, PurposeForm(), refusal=refusal)
    return _propose(request, by, document, PurposeForm())


def _propose(request: HttpRequest, by: Actor, document: bytes, form: PurposeForm) -> HttpResponse:
    return carry_out(
        request, lambda: actions.propose_purpose(by=by, at=clock.now(), document=document),
        _("Proposed: another person has to approve it."), to="purposes",
        page=lambda request, refusal: _form(request, form, refusal=refusal),
    )  # fmt: skip


def _form(
    request: HttpRequest, form: PurposeForm, refusal: Refused | None = None, *, status: int = 200
) -> HttpResponse:
    context = {"form": form, "most_bytes": documents.MOST_BYTES, "names": sorted(queries.live_purposes())}
    return shown(request, "gate/propose.html", context, refusal, status)


def _initial(purpose: str) -> dict[str, Any]:
    stored = queries.live_purposes().get(purpose)
    if stored is None:
        return {"approvers": ["data-protection-officer"], "services": {"city": 1000}, "units": ["city"]}
    written = documents.as_written(stored)
    titles = written.pop("title")
    moment = clock.from_text(written.pop("valid_until"))
    return written | {
        "fields_named": written.pop("fields"), "valid_until": moment, "title_en": titles.get("en", ""),
        "title_zh": titles.get("zh-Hans", ""),
    }  # fmt: skip


def _list(request: HttpRequest, refusal: Refused | None = None) -> HttpResponse:
    by = actor_of(request)
    policies.check_can_watch(by)
    versions = queries.purposes(by)
    live = {row.purpose: row for row in versions if row.state == "active"}
    names = sorted({row.purpose for row in versions})
    found = {name: [row for row in versions if row.purpose == name] for name in names}
    context = {
        "purposes": [_purpose(name, live.get(name), rows) for name, rows in found.items()],
        "may_not_propose": why_not(lambda: policies.check_has_role(by, STEWARDS)),
        "may_not_approve": why_not(lambda: policies.check_has_role(by, APPROVERS)),
    }  # fmt: skip
    return shown(request, "gate/purposes.html", context, refusal)


def _purpose(name: str, live: PurposeVersion | None, versions: Sequence[PurposeVersion]) -> dict[str, Any]:
    before = documents.as_written(live.document) if live else {}
    return {
        "name": name, "title": display.title(before.get("title", {}), name), "live": _live(live) if live else None,
        "versions": [
            {
                "row": row, "state": display.word(row.state),
                "changes": _changes(before, row) if row.state == "proposed" else [],
            }
            for row in versions
        ],
    }  # fmt: skip


def _live(row: PurposeVersion) -> dict[str, Any]:
    """A version in force: what it says, its days left, and how much of today is used."""
    written = documents.as_written(row.document)
    days_left = (clock.from_text(written["valid_until"]) - clock.now()).days
    used = row.spent_today / written["most_a_day"] if written["most_a_day"] else 0.0
    return {
        "row": row, "says": written, "citation": f"{written['statute']}, {written['article']}",
        "units": [unit_name(unit) for unit in written["units"]], "fields": display.fields(written["fields"]),
        "days_left": days_left, "ends_soon": days_left <= _SOON_DAYS,
        "valid_until": clock.from_text(written["valid_until"]),
        "limits": {name: display.limit(written[name]) for name in _LIMITS}, "percent": round(100 * used),
        "is_near": days_left <= _SOON_DAYS or used > _MUCH,
    }  # fmt: skip


def _changes(before: Mapping[str, Any], row: PurposeVersion) -> list[tuple[str, str, str]]:
    changed = documents.differences(before, documents.as_written(row.document))
    return [(_(display.DOCUMENT.get(name, name)), old, new) for name, old, new in changed]
