"""Published forecasts: the list, and one with its scorecard and its vintages against what came."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from cityloom.insight import actions, policies
from cityloom.insight.forecasting import publishing, showing
from cityloom.insight.telling import page
from cityloom.insight.views.reviews import actor_of
from cityloom.kernel import clock
from cityloom.ui.once import only_once


@require_safe
def forecasts(request: HttpRequest) -> HttpResponse:
    """All forecasts that were ever published, withdrawn ones too."""
    policies.check_can_read_forecasts(actor_of(request))
    return render(request, "insight/forecasts.html", {"rows": showing.listed()})


@require_safe
def forecast(request: HttpRequest, forecast_id: str) -> HttpResponse:
    """One published forecast; `?series=` chooses what is drawn."""
    policies.check_can_read_forecasts(actor_of(request))
    found = showing.shown(publishing.found(forecast_id), request.GET.get("series", ""))
    card = found["scorecard"]
    return render(request, "insight/forecast.html", found | {
        "chart": page.part(found["fan"]), "scorecard": page.rows(card, page.nowhere) if card else None,
    })  # fmt: skip


@require_safe
def as_csv(request: HttpRequest, forecast_id: str) -> HttpResponse:
    """A published forecast with what came."""
    policies.check_can_read_forecasts(actor_of(request))
    row = publishing.found(forecast_id)
    answer = HttpResponse(showing.as_csv(row), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="forecast-{row.pk}.csv"'
    return answer


@require_POST
@only_once
def publish(request: HttpRequest, study_id: str) -> HttpResponse:
    """Publish the forecast of a stored study."""
    made = actions.publish_forecast(study=study_id, subject=request.POST.get("subject", ""),
                                    by=actor_of(request), at=clock.now())  # fmt: skip
    return redirect("forecast", made)
