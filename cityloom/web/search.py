"""Search over everything that capabilities declare to be found: for the map as JSON, and as a page."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui import registry
from cityloom.ui.domain.declared import Hit
from cityloom.web.map import reader_of

log = logging.getLogger(__name__)
LONGEST = 100
"""Signs of a query; more are cut off."""
_ON_THE_MAP, _ON_A_PAGE = 8, 30
_ZOOM = 17
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn")  # controls, marks of direction, halves of signs, and what is no sign


@dataclass(frozen=True)
class Group:
    """What one source found; `fault` says that it could not look."""

    key: str
    label: str
    hits: Sequence[Hit]
    fault: str = ""


@login_not_required
@require_safe
def as_json(request: HttpRequest) -> JsonResponse:
    """What the map's search box shows."""
    text = cleaned(request.GET.get("q", ""))
    groups = [
        {"key": group.key, "label": group.label, "hits": [_plain(hit) for hit in group.hits], "fault": group.fault}
        for group in found(text, reader_of(request), _ON_THE_MAP)
    ]
    answer = JsonResponse({"q": text, "groups": groups})
    answer.headers["Cache-Control"] = "no-store"
    return answer


@login_not_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The search without the map."""
    text = cleaned(request.GET.get("q", ""))
    reader = reader_of(request)
    groups = [
        {"label": group.label, "fault": group.fault,
         "hits": [(hit, hit.url or (_on_map(hit) if reader else "")) for hit in group.hits]}
        for group in found(text, reader, _ON_A_PAGE)
    ]  # fmt: skip
    count = sum(len(group["hits"]) for group in groups)
    return render(request, "web/search.html", {"query": text, "groups": groups, "count": count})


def found(text: str, reader: Actor | None, limit: int) -> list[Group]:
    """What every source that the reader may ask finds; a source that fails is named, and hides no other."""
    sources = [one for one in registry.searches() if reader is not None or one.is_public] if text else []
    groups = []
    for one in sources:
        try:
            hits, fault = list(registry.source_of(one.source)(reader, text, limit))[:limit], ""
        except Refused as refused:
            hits, fault = [], refused.sentence
        except Exception:
            log.exception("search: %s", one.key)
            hits, fault = [], _("This part of the search does not work just now; try again later.")
        if hits or fault:
            groups.append(Group(one.key, _(one.label), hits, fault))
    return groups


def cleaned(text: str) -> str:
    """A query without what nobody sees, with single spaces, cut to `LONGEST` signs."""
    seen = "".join(" " if sign.isspace() else sign for sign in text[: 4 * LONGEST]
                   if sign.isspace() or unicodedata.category(sign) not in _INVISIBLE)  # fmt: skip
    return " ".join(unicodedata.normalize("NFC", seen).split())[:LONGEST].strip()


def _plain(hit: Hit) -> dict[str, Any]:
    place = [round(part, 6) for part in hit.place] if hit.place else None
    return {"title": hit.title, "subtitle": hit.subtitle, "url": hit.url, "place": place}


def _on_map(hit: Hit) -> str:
    return f"/map/#map={_ZOOM}/{hit.place[1]:.5f}/{hit.place[0]:.5f}" if hit.place else ""
