"""The risk brief, for those who lead: what may go wrong in the coming days and weeks in their branch of the city."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cityloom.insight import display, policies, queries
from cityloom.insight.views.reviews import actor_of
from cityloom.kernel import clock


@require_safe
def brief(request: HttpRequest) -> HttpResponse:
    """The brief of a branch; `?unit=city/d02` another one below one's own, `?as=json` for programs."""
    by = actor_of(request)
    policies.check_can_lead(by)
    unit = policies.branch_of(by, request.GET.get("unit", "")[:80])
    found = queries.risk_brief(unit, clock.now())
    if request.GET.get("as") == "json":
        return HttpResponse(json.dumps(queries.risk_brief_as_json(found), ensure_ascii=False, indent=1),
                            content_type="application/json")  # fmt: skip
    above = unit.rpartition("/")[0]
    return render(request, "insight/brief.html", {
        "brief": found, "horizons": [display.HORIZONS[horizon] for horizon in display.HORIZONS],
        "by": [(display.HORIZONS[horizon], horizon, [_shown(told) for told in each]) for horizon, each in found.by],
        "above": above if policies.is_in_branch(by, above) else "",
    })  # fmt: skip


def _shown(told: Any) -> dict[str, Any]:
    risk = told.risk
    return {
        "risk": risk, "part": told.outlook.label, "severity": display.SEVERITIES[risk.severity],
        "trend": display.TRENDS[told.trend], "chance": display.chance_words(risk.chance, risk.low, risk.high),
        "is_counted": risk.lately is not None and risk.before is not None,
    }  # fmt: skip
