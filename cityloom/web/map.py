"""What the map asks for: its layers, tiles, live features, cards and search."""

from __future__ import annotations

import gzip
import re
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityloom.accounts import queries as accounts
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.mvt import Tile
from cityloom.kernel.refused import Refused
from cityloom.ui.middleware import status_of
from cityloom.ui.words import sentence_of
from cityloom.web import map_layers
from cityloom.web.tile_cache import tile_cache

MVT = "application/vnd.mapbox-vector-tile"
_YEAR_S = 365 * 24 * 3600
_NUMBER = r"(\d{1,6})"
_OPEN_TILE = re.compile(rf"/tiles/([\w.-]+)/{map_layers.GROUND}/{_NUMBER}/{_NUMBER}/{_NUMBER}\.mvt", re.ASCII)
_LEVEL = 5  # of compression; more takes twice the time for three hundredths


@login_not_required
@require_safe
def layers(request: HttpRequest) -> JsonResponse:
    """The layers that whoever asks may see, with sources, styles and legends."""
    city = request.city  # type: ignore[attr-defined]
    answer = JsonResponse(map_layers.described(city, reader_of(request), request.GET.dict()))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@login_not_required
@require_safe
def tile(request: HttpRequest, version: str, tiles: str, z: int, x: int, y: int) -> HttpResponse:
    """A vector tile; its address never means anything else, so browsers keep it."""
    wanted = Tile(z, x, y)
    fault = _fault(request, version, tiles, wanted)
    if fault:
        return refusal(fault, 404)
    if map_layers.is_beyond(wanted, request.city):  # type: ignore[attr-defined]
        return HttpResponse(status=204)
    tag = _tag(version, tiles, wanted)
    if request.headers.get("If-None-Match", "") == tag:
        return _kept_for_long(HttpResponseNotModified(), tag, tiles)
    body = tile_cache().get(version, tiles, wanted)
    if body is None:
        drawn = map_layers.draw(wanted, map_layers.layers_in(tiles, reader_of(request)))
        body = gzip.compress(drawn, _LEVEL, mtime=0) if drawn else b""
        tile_cache().put(version, tiles, wanted, body)
    return _kept_for_long(_sent(request, body), tag, tiles)


def kept_tile(request: HttpRequest) -> HttpResponse | None:
    """A tile for everybody that was drawn before, without asking who asks; None where the view has to look.

    Raises: DisallowedHost.
    """
    asked = _OPEN_TILE.fullmatch(request.path) if request.method == "GET" else None
    if asked is None:
        return None
    request.get_host()
    version, (z, x, y) = asked[1], map(int, asked.groups()[1:])
    body = tile_cache().get(version, map_layers.GROUND, Tile(z, x, y))
    if body is None:
        return None
    tag = _tag(version, map_layers.GROUND, Tile(z, x, y))
    is_known = request.headers.get("If-None-Match", "") == tag
    answer = _kept_for_long(HttpResponseNotModified() if is_known else _sent(request, body), tag, map_layers.GROUND)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


@login_not_required
@require_safe
def live(request: HttpRequest, layer: str) -> JsonResponse:
    """The features of a live layer, now or as they were known at an instant."""
    try:
        at = _instant(request.GET.get("at", ""))
        answer = JsonResponse(map_layers.live(layer, reader_of(request), at, request.GET.dict()))
    except Refused as refused:
        return refusal(refused, _status(refused))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@login_not_required
@require_safe
def card(request: HttpRequest, layer: str, feature: str) -> HttpResponse:
    """What a click on a feature shows: for a script, or as a page of its own."""
    try:
        found = map_layers.card(layer, feature, reader_of(request), _instant(request.GET.get("at", "")))
    except Refused as refused:
        if _wants_page(request):
            raise
        return refusal(refused, _status(refused))
    if _wants_page(request):
        return render(request, "web/card.html", {"card": found})
    answer = JsonResponse({
        "title": found.title, "state": found.state, "facts": [list(fact) for fact in found.facts],
        "note": found.note, "url": found.url, "url_label": _("Open") if found.url else "",
    })  # fmt: skip
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _wants_page(request: HttpRequest) -> bool:
    """A browser that follows a link names HTML; a script of ours takes JSON."""
    return "text/html" in request.headers.get("Accept", "")


def _status(refused: Refused) -> int:
    return 400 if refused.code == "map.instant" else status_of(refused)


def _instant(text: str) -> datetime | None:
    """The instant that is asked for; None for now, and for what is still to come.

    Raises: Refused `map.instant`.
    """
    if not text:
        return None
    try:
        instant = clock.asked_for(text.replace(" ", "+"))  # a plus sign that was not escaped
    except ValueError as error:
        raise Refused("map.instant", "The time {value} cannot be read; write it as in {limit}.", value=text[:40],
                      limit="2026-11-26T14:07:00Z") from error  # fmt: skip
    return instant if instant < clock.now() else None


def reader_of(request: HttpRequest) -> Actor | None:
    """Who asks, if they work here and do not want to see what everybody sees; None is anybody."""
    user = request.user
    if not user.is_authenticated or user.kind == "resident" or request.GET.get("public"):
        return None
    return accounts.as_actor(user)


def refusal(refused: Refused, status: int) -> JsonResponse:
    """A refusal for a script, in the reader's language."""
    return JsonResponse(refused.as_json() | {"sentence": sentence_of(refused)}, status=status)


def _fault(request: HttpRequest, version: str, tiles: str, wanted: Tile) -> Refused | None:
    """Why there is no such tile."""
    current = map_layers.version_of(request.city)  # type: ignore[attr-defined]
    if current is None:
        return Refused("map.no_city", "There is no city yet, so there are no tiles; build one with: "
                       "cityloom city build.")  # fmt: skip
    if version != current:
        return Refused("map.no_version", "These tiles are of another version of the city; load the layers again.")
    if not wanted.exists or wanted.z > map_layers.LAST_ZOOM:
        return Refused("map.no_tile", "There is no tile {value}; the nearest zoom is {limit}.",
                       value=f"{wanted.z}/{wanted.x}/{wanted.y}"[:60], limit=map_layers.LAST_ZOOM)  # fmt: skip
    if not map_layers.layers_in(tiles, reader_of(request)):
        return Refused("map.no_tiles", "There are no such tiles, or your role does not see them; "
                       "look them up among the layers.")  # fmt: skip
    return None


def _tag(version: str, tiles: str, tile: Tile) -> str:
    return f'"{version}-{tiles}-{tile.z}-{tile.x}-{tile.y}"'


def _sent(request: HttpRequest, body: bytes) -> HttpResponse:
    if not body:
        return HttpResponse(status=204)
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return HttpResponse(gzip.decompress(body), content_type=MVT)
    return HttpResponse(body, content_type=MVT, headers={"Content-Encoding": "gzip"})


def _kept_for_long(answer: HttpResponse, tag: str, tiles: str) -> HttpResponse:
    """Let browsers keep it; what everybody may see, caches on the way too."""
    whose = "public" if tiles == map_layers.GROUND else "private"
    headers: dict[str, Any] = {
        "Cache-Control": f"{whose}, max-age={_YEAR_S}, immutable", "ETag": tag, "Vary": "Accept-Encoding",
    }  # fmt: skip
    for name, value in headers.items():
        answer.headers[name] = value
    return answer
