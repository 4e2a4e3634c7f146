"""Pages of those who handle cases, and of those who assign them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from cityloom.accounts import queries as accounts
from cityloom.gate import actions, display, policies, queries
from cityloom.gate.forms import AddressForm, AskForm, AssignForm, OpenForm, SearchForm
from cityloom.gate.models import GrantRecord
from cityloom.gate.views.page import INCOMPLETE, actor_of, carry_out, posted, shown, why_not
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.once import only_once

_MOST_DWELLINGS = 500
_USUAL_TIME = timedelta(days=7)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """One's own grants, those that wait for a second person, and a search."""
    return _home(request)


@posted("gate")
def search(request: HttpRequest) -> HttpResponse:
    """Find somebody by national id; it counts as an opening, whether it finds anybody or not."""
    form = SearchForm(request.POST)
    if not form.is_valid():
        return _home(request, search_form=form, status=INCOMPLETE)
    by, at = actor_of(request), clock.now()
    wanted = form.cleaned_data["national_id"]
    try:
        found = actions.search(by=by, at=at, purpose=queries.CASES, field="national_id", value=wanted)
    except Refused as refusal:
        return _home(request, refusal=refusal)
    grants = queries.grants_of(by, at)
    people = [
        {"number": number, "grants": [grant for grant in grants if number in grant.subjects]}
        for number in found.tolist()
    ]
    return _home(request, found=people, was_search=True)


@require_http_methods(["GET", "HEAD", "POST"])
def dwellings(request: HttpRequest) -> HttpResponse:
    """Find the numbers of dwellings by an address; who lives there is not said."""
    form = AddressForm(request.POST or None)
    if request.method != "POST":
        return shown(request, "gate/dwellings.html", {"form": form})
    if not form.is_valid():
        return shown(request, "gate/dwellings.html", {"form": form}, status=INCOMPLETE)
    found = queries.dwellings_at(form.cleaned_data["street"], form.cleaned_data["house_number"])
    rows = sorted(found.items())
    context = {"form": form, "rows": rows[:_MOST_DWELLINGS], "left_out": len(rows) > _MOST_DWELLINGS, "was_asked": True}
    return shown(request, "gate/dwellings.html", context)


@require_safe
def grant(request: HttpRequest, grant_id: str) -> HttpResponse:
    """The people of a grant, by their place in it."""
    return _grant(request, grant_id)


@posted("grant")
def open_fields(request: HttpRequest, grant_id: str) -> HttpResponse:
    """Open fields of people once: what is shown is kept nowhere, and each person sees that it was opened."""
    record = _own(request, grant_id)
    form = OpenForm(request.POST, people=len(record.subjects), names=record.fields)
    if not form.is_valid():
        return _grant(request, grant_id, open_form=form, status=INCOMPLETE)
    step_up = accounts.require_step_up(request) if record.needs_second else None
    places, wanted = _places(form.cleaned_data), form.cleaned_data["fields_wanted"]
    subjects = [record.subjects[place - 1] for place in places]
    try:
        people = actions.open_people(
            by=actor_of(request), at=clock.now(), grant_id=grant_id, subjects=subjects, fields=wanted,
            step_up_at=step_up.at if step_up else None,
        )  # fmt: skip
    except Refused as refusal:
        return _grant(request, grant_id, refusal=refusal)
    opened = [(place, _values(people.get(subject), wanted)) for place, subject in zip(places, subjects, strict=True)]
    return _grant(request, grant_id, opened=opened, opened_fields=display.fields(wanted))


@posted("grant")
def ask(request: HttpRequest, grant_id: str) -> HttpResponse:
    """Ask a yes-or-no question; nothing is shown, and the question is logged."""
    record = _own(request, grant_id)
    form = AskForm(request.POST, people=len(record.subjects), questions=_questions(record))
    if not form.is_valid():
        return _grant(request, grant_id, ask_form=form, status=INCOMPLETE)
    sent, places = form.cleaned_data, _places(form.cleaned_data)
    subjects = [record.subjects[place - 1] for place in places]
    needs_places = sent["question"] in ("lives-in", "same-household")
    try:
        answers = actions.ask(
            by=actor_of(request), at=clock.now(), grant_id=grant_id, question=sent["question"],
            argument=sent["argument"], subjects=subjects, places=queries.homes_of(subjects) if needs_places else (),
            wanted=sent["dwellings"] if needs_places else (),
        )  # fmt: skip
    except Refused as refusal:
        return _grant(request, grant_id, refusal=refusal)
    asked = dict(display.questions([sent["question"]]))[sent["question"]]
    return _grant(request, grant_id, answers=list(zip(places, answers, strict=True)), asked=asked)


@posted("gate")
def second(request: HttpRequest, grant_id: str) -> HttpResponse:
    """Agree to a grant as another person, with a fresh proof of who it is."""
    step_up = accounts.require_step_up(request)
    by, said = actor_of(request), _("Approved: the holder can open these people now.")
    return carry_out(
        request, lambda: actions.second(by=by, at=clock.now(), step_up_at=step_up.at, grant_id=grant_id), said,
        to="gate", page=_home,
    )  # fmt: skip


@posted("gate")
def end(request: HttpRequest, grant_id: str) -> HttpResponse:
    """End a grant before its time."""
    by = actor_of(request)
    return carry_out(
        request, lambda: actions.revoke(by=by, at=clock.now(), grant_id=grant_id), _("The grant has ended."),
        to="gate", page=_home,
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@only_once
def assign(request: HttpRequest, purpose: str) -> HttpResponse:
    """Give a grant for a matter to somebody of one's unit."""
    by = actor_of(request)
    if purpose not in queries.purposes_to_grant(by):
        raise Refused("gate.not_your_role", "This needs another role than yours ({limit}); ask somebody who has it.",
                      limit=", ".join(queries.live_purposes().get(purpose, {}).get("granters", ())))  # fmt: skip
    choices = {"holders": queries.holders_for(by, purpose), "names": queries.live_purposes()[purpose]["fields"]}
    if request.method != "POST":
        usual = localtime(clock.now() + _USUAL_TIME).replace(hour=18, minute=0, second=0)
        return _assign(request, purpose, AssignForm(initial={"until": usual}, **choices))
    form = AssignForm(request.POST, **choices)
    if not form.is_valid():
        return _assign(request, purpose, form, status=INCOMPLETE)
    return _give(request, by, purpose, form)


def _give(request: HttpRequest, by: Actor, purpose: str, form: AssignForm) -> HttpResponse:
    sent = form.cleaned_data
    subjects = sorted({*sent["people"], *queries.residents_in(sent["dwellings"])})
    said = ngettext("Granted for {count} person.", "Granted for {count} people.", len(subjects))
    return carry_out(
        request,
        lambda: actions.grant(
            by=by, at=clock.now(), purpose=purpose, subjects=subjects, fields=sent["fields_granted"],
            holder=sent["holder"], until=sent["until"], incident_id=sent["matter"],
        ),
        said.format(count=len(subjects)), to="gate",
        page=lambda request, refusal: _assign(request, purpose, form, refusal=refusal),
    )  # fmt: skip


def _assign(request: HttpRequest, purpose: str, form: AssignForm, **how: Any) -> HttpResponse:
    rules = queries.live_purposes()[purpose]
    context = {"purpose": purpose, "form": form, "rules": rules, "title": display.title(dict(rules["title"]), purpose)}
    return shown(request, "gate/assign.html", context, **how)


def _home(
    request: HttpRequest, refusal: Refused | None = None, *, status: int = 200, search_form: SearchForm | None = None,
    **more: Any,
) -> HttpResponse:  # fmt: skip
    by, at, rules = actor_of(request), clock.now(), queries.live_purposes()
    context = {
        "grants": [_row(one, rules) for one in queries.grants_of(by, at)],
        "given": _named([_row(one, rules) for one in queries.grants_by(by, at)]),
        "to_second": _named(_to_second(by, at, rules)), "to_grant": _titles(queries.purposes_to_grant(by), rules),
        "search_form": search_form or SearchForm(),
        "may_not_search": why_not(lambda: policies.check_has_role(by, rules[queries.CASES]["roles"])),
    }  # fmt: skip
    return shown(request, "gate/home.html", context | more, refusal, status)


def _row(record: GrantRecord, rules: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    known = rules.get(record.purpose, {})
    return {
        "record": record, "fields": display.fields(record.fields),
        "title": display.title(dict(known.get("title", ())), record.purpose),
        "article": ", ".join(known[key] for key in ("statute", "article") if key in known),
        "waits": record.needs_second and record.seconded_at is None,
    }  # fmt: skip


def _titles(names: list[str], rules: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(name, display.title(dict(rules[name]["title"]), name)) for name in names]


def _to_second(by: Actor, at: datetime, rules: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The grants that this person could approve if they had no part in them, each with why they may not."""
    return [
        _row(record, rules)
        | {"why_not": why_not(lambda record=record: policies.check_is_another(by, record.granted_by, record.holder))}
        for record in queries.grants_to_second(at)
        if by.roles & set(rules.get(record.purpose, {}).get("approvers", ()))
    ]


def _named(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same, with the user names of those who hold the grants and of those who gave them."""
    names = {one.id: one.username for one in accounts.accounts(demo=True)} if rows else {}
    return [
        row | {"holder": names.get(row["record"].holder, ""), "giver": names.get(row["record"].granted_by, "")}
        for row in rows
    ]


def _grant(
    request: HttpRequest, grant_id: str, refusal: Refused | None = None, *, status: int = 200, **more: Any
) -> HttpResponse:
    record, at = _own(request, grant_id), clock.now()
    waits = record.needs_second and record.seconded_at is None
    context = {
        "row": _row(record, queries.live_purposes()), "record": record, "waits": waits,
        "is_over": record.revoked_at is not None or (record.until <= at and not record.exercise_id),
        "places": range(1, len(record.subjects) + 1),
        "open_form": OpenForm(people=len(record.subjects), names=record.fields),
        "ask_form": AskForm(people=len(record.subjects), questions=_questions(record)),
        "questions": display.questions(_questions(record)),
        "chosen": set(request.POST.getlist("person")), "chosen_fields": set(request.POST.getlist("fields_wanted")),
    }  # fmt: skip
    return shown(request, "gate/grant.html", context | more, refusal, status)


def _own(request: HttpRequest, grant_id: str) -> GrantRecord:
    record = queries.grant_record(grant_id)
    policies.check_holds(actor_of(request), record.holder)
    return record


def _questions(record: GrantRecord) -> list[str]:
    return list(queries.live_purposes().get(record.purpose, {}).get("predicates", ()))


def _places(sent: Mapping[str, Any]) -> list[int]:
    return sorted({int(place) for place in sent["person"]})


def _values(person: Mapping[str, str] | None, names: list[str]) -> list[str] | None:
    return None if person is None else [person[name] for name, _label in display.fields(names)]
