"""The classifier that listens to new cases: its card, its curve, what people put right, its versions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cityloom.accounts import queries as accounts
from cityloom.cases import actions, policies, queries
from cityloom.cases.domain.routing.classifier import Classifier
from cityloom.cases.views.asking import actor
from cityloom.cases.views.degrees import share
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.charts import Chart, Series
from cityloom.ui.once import only_once
from cityloom.ui.words import sentence_of


@require_http_methods(["GET", "HEAD", "POST"])
@only_once
def classifier(request: HttpRequest) -> HttpResponse:
    """The page, and which version listens: `action` is use or off."""
    by = actor(request)
    if request.method != "POST":
        return _page(request, by)
    try:
        return _put(request, by)
    except Refused as refusal:
        return _page(request, by, status=422, refusal=sentence_of(refusal))


def _put(request: HttpRequest, by: Actor) -> HttpResponse:
    if request.POST.get("action") == "off":
        actions.stop_classifier(by=by, at=clock.now())
        messages.success(request, _("None listens any more; people say of what category each case is."))
    elif request.POST.get("action") == "use":
        number = request.POST.get("number", "")
        if not number.isdecimal() or len(number) > 8:
            raise Http404
        threshold = share(request.POST.get("threshold", ""))
        actions.use_classifier(number=int(number), threshold=threshold, by=by, at=clock.now())
        messages.success(request, _("Version {number} listens to new cases.").replace("{number}", number))
    else:
        raise Http404
    return redirect("case-classifier")


def _page(request: HttpRequest, by: Actor, status: int = 200, refusal: str = "") -> HttpResponse:
    now, asked = queries.classifier_in_force(), request.GET.get("version", "")
    number = int(asked) if asked.isdecimal() and len(asked) < 8 else now.number if now else 0
    model = queries.classifier_version(number)
    people = {one.id: one.username for one in accounts.accounts(demo=True)}
    return render(request, "cases/classifier.html", {
        "now": now, "number": number, "is_now": now is not None and now.number == number, "model": model,
        "threshold": f"{now.threshold if now and now.number == number else model.threshold:.3f}", "refusal": refusal,
        "card": model.card, "test": _test(model), "chart": _curve(model), "points": _points(model),
        "counted": queries.classifier_counted(number), "versions": queries.classifier_versions(),
        "may_rule": bool(policies.PUBLISHERS & by.roles),
        "history": [(step, people.get(step.by, step.by)) for step in queries.classifier_history()],
    }, status=status)  # fmt: skip


def _test(model: Classifier) -> dict[str, str]:
    test = model.card["test"]
    return {name: _percent(test[name]) for name in ("routed", "precision", "accuracy")} | {
        "error": f"{test['calibration_error']:.3f}", "texts": f"{test['texts']:,}",
    }  # fmt: skip


def _points(model: Classifier) -> list[tuple[str, str, str]]:
    return [(f"{point['threshold']:.3f}", _percent(point["coverage"]), _percent(point["precision"]))
            for point in model.card["test"]["curve"]]  # fmt: skip


def _curve(model: Classifier) -> Chart:
    """Of those that it routes, how many are right, from few routed to many."""
    points: list[dict[str, Any]] = sorted(model.card["test"]["curve"], key=lambda point: float(point["coverage"]))
    return Chart(
        _("How many of those routed are right, by how many are routed"),
        [f"{100 * point['coverage']:.0f} %" for point in points],
        [Series(_("right"), [round(100 * point["precision"], 2) for point in points])], "line", "%",
        _("routed"),
    )  # fmt: skip


def _percent(part: float) -> str:
    return f"{100 * part:.1f} %"
