"""The page where a commander breaks the glass."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from cityloom.gate import actions, display, policies, queries
from cityloom.gate.forms import GlassForm
from cityloom.gate.views.page import INCOMPLETE, actor_of, posted, shown, why_not
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.once import word_of

_USUAL = ("name", "phone", "need_note")


@require_safe
def glass(request: HttpRequest) -> HttpResponse:
    """What breaking the glass means, the form for it, and what one has broken."""
    names = queries.live_purposes()[queries.GLASS]["fields"]
    return _page(request, GlassForm(names=names, initial={"fields_wanted": _USUAL}))


@posted("glass")
def break_it(request: HttpRequest) -> HttpResponse:
    """Open people at once, ring the alarm, begin the clock of the review; what is opened is shown once."""
    form = GlassForm(request.POST, names=queries.live_purposes()[queries.GLASS]["fields"])
    if not form.is_valid():
        return _page(request, form, status=INCOMPLETE)
    by, at, sent = actor_of(request), clock.now(), form.cleaned_data
    try:
        subjects = _found(by, sent)
        grant_id = actions.break_glass(
            by=by, at=at, reason=sent["reason"], subjects=subjects, fields=sent["fields_wanted"],
            incident_id=sent["matter"], grant_id=_named_after(word_of(request), by, subjects),
        )  # fmt: skip
        people = actions.open_people(
            by=by, at=at, grant_id=grant_id, subjects=subjects, fields=sent["fields_wanted"], exercise_id=""
        )
    except Refused as refusal:
        return _page(request, form, refusal=refusal)
    labels = display.fields(sent["fields_wanted"])
    opened = [
        (place, [people[subject][name] for name, _label in labels] if subject in people else None)
        for place, subject in enumerate(subjects, 1)
    ]
    review = next(one for one in queries.reviews_of(by) if one.id == grant_id)
    return _page(request, form, opened=opened, labels=labels, review=review)


def _found(by: Actor, sent: dict[str, Any]) -> list[int]:
    """Who is meant: the person with that national id, or everybody of that dwelling."""
    if sent["dwelling"]:
        found = queries.residents_in([sent["dwelling"]])
    else:
        policies.check_has_role(by, queries.live_purposes()[queries.GLASS]["roles"])
        found = actions.search(
            by=by, at=clock.now(), purpose=queries.GLASS, field="national_id", value=sent["national_id"],
            incident_id=sent["matter"],
        ).tolist()  # fmt: skip
    if not found:
        raise Refused("gate.no_such_person", "The register has nobody there; look whether the number is right.")
    return found


def _named_after(word: str, by: Actor, subjects: list[int]) -> str | None:
    """The same grant for two clicks on one page: the glass is broken once, and the second click shows the people."""
    return ids.named_id("glass", word, by.account, *subjects) if word else None


def _page(
    request: HttpRequest, form: GlassForm, refusal: Refused | None = None, *, status: int = 200, **more: Any
) -> HttpResponse:
    by = actor_of(request)
    rules = queries.live_purposes()[queries.GLASS]
    reviews = [{"review": one, "reason": display.word(one.reason), "outcome": display.word(one.outcome)}
               for one in queries.reviews_of(by)]  # fmt: skip
    context = {
        "form": form, "rules": rules, "reviews": reviews, "at": clock.now(),
        "why_not": why_not(lambda: policies.check_has_role(by, rules["roles"])),
    }
    return shown(request, "gate/glass.html", context | more, refusal, status)
