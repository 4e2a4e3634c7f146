"""The planner's pages: plans of zones, what is in them, moved by hand, compared, published with a day."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cityloom.accounts import queries as accounts
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import actions, policies, queries
from cityloom.registers.browsing import around, entries
from cityloom.registers.display import COUNTED_FROM, ZONE_REASONS, register_word
from cityloom.registers.domain.zoning_answers import Effect, PlanFacts, ZoneFacts
from cityloom.registers.forms import DraftForm, MoveForm, NameForm, PublishForm
from cityloom.registers.views import records
from cityloom.registers.views.zone_pictures import picture_of, zone_picture
from cityloom.ui.confirmation import Question, asked
from cityloom.ui.middleware import status_of
from cityloom.ui.once import only_once
from cityloom.ui.words import sentence_of

INCOMPLETE = 422
MOST_CELLS = 20_000
"""What a page divides while its reader waits: a few seconds; larger cities go by the command line."""
_MOST_DRAWN = 1_500
_A_PAGE = 200
_IN_A_ZONE = ("organisations", "components", "places", "buildings", "parcels", "roads", "mains", "fittings")


@require_safe
def zones(request: HttpRequest) -> HttpResponse:
    """All plans, and a form for a new one."""
    return _list(request)


def _list(request: HttpRequest, form: DraftForm | None = None, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "plans": queries.zone_plans(), "form": form or DraftForm(), "why": _why(_actor(request)),
    } | more  # fmt: skip
    return render(request, "registers/zones.html", context, status=status)


@require_POST
@only_once
def draft(request: HttpRequest) -> HttpResponse:
    """Divide the city anew."""
    form = DraftForm(request.POST)
    if not form.is_valid():
        return _list(request, form, INCOMPLETE)
    wish = actions.Wish(form.cleaned_data["name"], form.cleaned_data["zones"], weights=form.weights)
    try:
        plan_id = actions.draft_zone_plan(wish=wish, by=_actor(request), at=clock.now(), most_cells=MOST_CELLS)
    except Refused as refusal:
        return _list(request, form, status_of(refusal), refusal=sentence_of(refusal))
    return redirect("zone-plan", plan_id)


@require_safe
def plan(request: HttpRequest, plan_id: str) -> HttpResponse:
    """One plan: its figures, a picture, its subdistricts, and what can be done with it."""
    return _plan(request, _found(plan_id))


def _plan(request: HttpRequest, facts: PlanFacts, status: int = 200, **more: Any) -> HttpResponse:
    actor, show = _actor(request), _shown(request)
    chinese = get_language() == "zh-hans"
    names = {unit: zh if chinese else en for unit, _kind, en, zh in accounts.districts()}
    zones = queries.zones_of(facts.id) if facts.figures["zones"] <= _MOST_DRAWN else []
    uneven = queries.uneven_zones_of(facts.id)
    context = {
        "plan": facts, "subdistricts": [(names.get(one.id, one.id), one) for one in queries.subdistricts_of(facts.id)],
        "uneven": [_told(zone) for zone in uneven[:_A_PAGE]], "show": show,
        "picture": picture_of(zones, show, facts.name) if zones else "",
        "others": [one for one in queries.zone_plans() if one.id != facts.id], "name_form": NameForm(),
        "publish_form": PublishForm(initial={"valid_from": queries.today()}), "why": _why(actor),
        "counted": _counted(facts), "why_published": _refusal(lambda: policies.check_can_change(actor, facts.state)),
    } | more  # fmt: skip
    return render(request, "registers/zone_plan.html", context, status=status)


@require_safe
def area(request: HttpRequest, plan_id: str) -> HttpResponse:
    """The zones of one subdistrict."""
    facts, unit, show = _found(plan_id), request.GET.get("unit", ""), _shown(request)
    found = queries.zones_of(plan_id, unit) if unit else []
    if not found:
        raise Http404
    context = {
        "plan": facts, "unit": unit, "unit_name": _unit(unit), "show": show,
        "page": Paginator([_told(zone) for zone in found], _A_PAGE).get_page(request.GET.get("page")),
        "picture": picture_of(found, show, _unit(unit)),
    }  # fmt: skip
    return render(request, "registers/zone_area.html", context)


@require_safe
def zone(request: HttpRequest, plan_id: str, code: str) -> HttpResponse:
    """One zone, and the cells that could leave it."""
    return _zone(request, _found(plan_id), code)


def _counted(facts: PlanFacts) -> list[str]:
    """What the loads of companies and components were counted from; empty for a plan that does not say it."""
    counted = facts.figures.get("counted", {})
    return [_(COUNTED_FROM[source]).format(count=counted.get(kind, 0))
            for kind, source in facts.figures.get("counted_from", {}).items()]  # fmt: skip


def _lying_in(one: ZoneFacts, facts: PlanFacts) -> list[dict[str, Any]]:
    """What departments have registered in a zone; lists lead on where its plan is in force."""
    found = []
    for name in _IN_A_ZONE:
        keys = around.keys_in(name, one.outline, entries.MOST_IN_A_ZONE)
        url = records.address_of_list(name, zone=one.code) if facts.is_in_force else ""
        if keys:
            found.append({"title": register_word(name), "count": len(keys), "url": url})
    return found


def _zone(request: HttpRequest, facts: PlanFacts, code: str, status: int = 200, **more: Any) -> HttpResponse:
    try:
        one = queries.zone_of_plan(facts.id, code)
    except Refused:
        raise Http404 from None
    cells = queries.border_cells(facts.id, code)
    numbers = {cell: number for number, cell in enumerate(dict.fromkeys(found.cell for found in cells), 1)}
    ways: dict[str, list[tuple[int, Any]]] = {}
    for found in cells:
        ways.setdefault(found.to_code, []).append((numbers[found.cell], found))
    context = {
        "plan": facts, "zone": one, "told": _told(one), "unit_name": _unit(one.subdistrict_id),
        "ways": sorted(ways.items()), "why": _refusal(lambda: policies.check_can_change(_actor(request), facts.state)),
        "picture": zone_picture(one, queries.zones_of(facts.id, one.subdistrict_id), cells),
        "history": queries.history_of_zone(code), "lying_in": _lying_in(one, facts),
    } | more  # fmt: skip
    return render(request, "registers/zone.html", context, status=status)


@require_POST
@only_once
def move(request: HttpRequest, plan_id: str, code: str) -> HttpResponse:
    """Give cells of a zone to a neighbour, and say what it did."""
    facts, form = _found(plan_id), MoveForm(request.POST)
    if not form.is_valid():
        return _zone(request, facts, code, INCOMPLETE, refusal=_("Choose at least one cell to move."))
    sent = form.cleaned_data
    try:
        effect = actions.move_cells(
            plan_id=plan_id, cells=sent["cells"], to_code=sent["to"], by=_actor(request), at=clock.now()
        )
    except Refused as refusal:
        return _zone(request, facts, code, status_of(refusal), refusal=sentence_of(refusal))
    messages.success(request, _effect(effect, len(set(sent["cells"]))))
    return redirect("zone", plan_id, code)


def _effect(effect: Effect, cells: int) -> str:
    """What a move did, zone by zone."""
    told = [
        _("zone {code} from {before:.0%} to {after:.0%} of the mean, compactness {shape:.2f}").format(
            code=after.code, before=before.share, after=after.share, shape=after.compactness
        )
        for before, after in zip(effect.before, effect.after, strict=True)
    ]
    moved = ngettext("{count} cell moved", "{count} cells moved", cells).format(count=cells)
    return f"{moved}: {'; '.join(told)}."


@require_POST
@only_once
def rebalance(request: HttpRequest, plan_id: str) -> HttpResponse:
    """Draft next year's plan from this one."""
    facts, form = _found(plan_id), NameForm(request.POST)
    if not form.is_valid():
        return _plan(request, facts, INCOMPLETE, name_form=form)
    wish = actions.Wish(form.cleaned_data["name"])
    return _do(request, facts, lambda by: actions.rebalance_zone_plan(
        plan_id=plan_id, wish=wish, by=by, at=clock.now(), most_cells=MOST_CELLS))  # fmt: skip


@require_POST
@only_once
def publish(request: HttpRequest, plan_id: str) -> HttpResponse:
    """Put a plan in force, once it was read what follows."""
    facts, form = _found(plan_id), PublishForm(request.POST)
    if not form.is_valid():
        return _plan(request, facts, INCOMPLETE, publish_form=form)
    day = form.cleaned_data["valid_from"]
    last = queries.last_zone_plan()
    try:
        policies.check_can_publish(
            _actor(request), facts.state, day, queries.today(), last.valid_from if last else None
        )
        if page := asked(request, _question(facts, last, day.isoformat())):
            return page
        actions.publish_zone_plan(
            plan_id=plan_id, valid_from=day, today=queries.today(), by=_actor(request), at=clock.now()
        )
    except Refused as refusal:
        return _plan(request, facts, status_of(refusal), refusal=sentence_of(refusal))
    messages.success(request, _("Published: the zones are in force from {day} on.").format(day=day.isoformat()))
    return redirect("zone-plan", plan_id)


def _question(facts: PlanFacts, last: PlanFacts | None, day: str) -> Question:
    count, uneven = int(facts.figures["zones"]), int(facts.figures["uneven"])
    follows = [
        ngettext("{count} zone is in force from {day} on.", "{count} zones are in force from {day} on.", count).format(
            count=count, day=day
        ),
        ngettext("{count} zone is not even, and is listed with the reason.",
                 "{count} zones are not even, and are listed with the reason.", uneven).format(count=uneven),
    ]  # fmt: skip
    if last:
        moved = queries.compared_zone_plans(last.id, facts.id).moved
        follows += [
            _("The plan “{name}” ends on that day; for earlier days it stays.").format(name=last.name),
            ngettext("{count} unit cell changes zones.", "{count} unit cells change zones.", moved).format(count=moved),
        ]
    follows.append(_("The plan can no longer be changed; the next one is drafted from it."))
    return Question(
        title=_("Publish the plan “{name}”?").format(name=facts.name), consequences=follows, go=_("Publish it"),
        back_url=reverse("zone-plan", args=[facts.id]), is_dangerous=False,
    )  # fmt: skip


@require_POST
@only_once
def discard(request: HttpRequest, plan_id: str) -> HttpResponse:
    """Throw a draft away, once it was read what goes."""
    facts = _found(plan_id)
    question = Question(
        title=_("Throw the draft “{name}” away?").format(name=facts.name),
        consequences=[_("The draft and what was changed in it by hand are gone."), _("No published plan changes.")],
        go=_("Throw it away"), back_url=reverse("zone-plan", args=[plan_id]),
    )  # fmt: skip
    try:
        policies.check_can_change(_actor(request), facts.state)
        if page := asked(request, question):
            return page
        actions.discard_zone_plan(plan_id=plan_id, by=_actor(request), at=clock.now())
    except Refused as refusal:
        return _plan(request, facts, status_of(refusal), refusal=sentence_of(refusal))
    messages.success(request, _("The draft is gone."))
    return redirect("zones")


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """One plan beside another."""
    before, after = _found(request.GET.get("before", "")), _found(request.GET.get("after", ""))
    found = queries.compared_zone_plans(before.id, after.id)
    context = {"found": found, "changed": found.changed[:_A_PAGE], "left_out": max(0, len(found.changed) - _A_PAGE)}
    return render(request, "registers/zone_compare.html", context)


def _found(plan_id: str) -> PlanFacts:
    try:
        return queries.zone_plan(plan_id)
    except Refused:
        raise Http404 from None


def _do(request: HttpRequest, facts: PlanFacts, act: Callable[[Actor], str]) -> HttpResponse:
    try:
        return redirect("zone-plan", act(_actor(request)))
    except Refused as refusal:
        return _plan(request, facts, status_of(refusal), refusal=sentence_of(refusal))


def _actor(request: HttpRequest) -> Actor:
    return accounts.as_actor(request.user)  # type: ignore[arg-type]


def _why(actor: Actor) -> str:
    """Why somebody may not plan; empty where they may."""
    return _refusal(lambda: policies.check_can_plan(actor))


def _refusal(check: Callable[[], None]) -> str:
    try:
        check()
    except Refused as refusal:
        return sentence_of(refusal)
    return ""


def _shown(request: HttpRequest) -> str:
    return "shape" if request.GET.get("show") == "shape" else "load"


def _unit(unit_id: str) -> str:
    return accounts.unit_names(unit_id)["zh-Hans" if get_language() == "zh-hans" else "en"]


def _told(zone: ZoneFacts) -> dict[str, Any]:
    """A zone, and why it is not even, in words."""
    return {"zone": zone, "why": _(ZONE_REASONS[zone.reason]) if zone.reason else "", "hectares": zone.area_m2 / 1e4,
            "percent": round(zone.share * 100)}  # fmt: skip
