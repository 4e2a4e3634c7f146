"""What was reported, for those on duty; words and photos open one report at a time, and each opening is logged."""

from __future__ import annotations

import base64

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cityloom.accounts import queries as accounts
from cityloom.files.domain.pictures import MEDIA_TYPE
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.registers import queries as registers
from cityloom.signals import actions, policies, queries
from cityloom.signals.display import WORDS
from cityloom.signals.domain.categories import DANGEROUS

PAGE = 30
_LISTED = 600


@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    """The latest calls and reports by category, place and time."""
    policies.check_can_read_reports(_actor(request))
    source = request.GET.get("source", "") if request.GET.get("source") in ("web", "call") else ""
    page = Paginator(queries.recent_reports(_LISTED, source=source), PAGE).get_page(request.GET.get("page"))
    rows = [_row(card) for card in page.object_list]
    return render(request, "signals/reports.html", {"rows": rows, "page": page, "source": source})


@require_safe
def one(request: HttpRequest, report_id: str) -> HttpResponse:
    """One report, its words and photos closed."""
    policies.check_can_read_reports(_actor(request))
    return render(request, "signals/one_report.html", _row(queries.report_card(report_id)))


@require_POST
def open_it(request: HttpRequest, report_id: str) -> HttpResponse:
    """The same with words and photos, which are shown once and kept by no cache."""
    by = _actor(request)
    opened = actions.open_report(report_id=report_id, by=by, at=clock.now())
    pictures = [f"data:{MEDIA_TYPE};base64,{base64.b64encode(photo).decode()}" for photo in opened.photos]
    context = _row(queries.report_card(report_id)) | {"opened": opened, "pictures": pictures}
    return render(request, "signals/one_report.html", context)


def _actor(request: HttpRequest) -> Actor:
    return accounts.as_actor(request.user)  # type: ignore[arg-type]


def _row(card: queries.ReportCard) -> dict[str, object]:
    area = registers.area_words(card.lon, card.lat)
    return {
        "card": card, "what": _(WORDS[card.category]) if card.category in WORDS else card.category,
        "where": area["zh-Hans" if get_language() == "zh-hans" else "en"], "is_dangerous": card.category in DANGEROUS,
    }  # fmt: skip
