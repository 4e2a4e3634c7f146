"""The city that every page is about."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from cityloom.bus import queries as bus
from cityloom.kernel.timezones import zone_of
from cityloom.registers import queries as registers
from cityloom.registers.queries import CityFacts
from cityloom.web.portal import faults

_KEPT_S = 2


class CityAround:
    """Put the city's facts on the request, and how far its events had come; show times as the city's clocks do."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # before the page reads anything
        may_be_live = settings.SESSION_COOKIE_NAME in request.COOKIES  # a stranger's page is not
        request.live_after = bus.seen_position() if may_be_live else ""  # type: ignore[attr-defined]
        request.city = _city()  # type: ignore[attr-defined]
        with timezone.override(zone_of(request.city.timezone if request.city else "UTC")):  # type: ignore[attr-defined]
            return self.get_response(request)


class SayWhereToGo:
    """Say on a page what to do where an address has none, and was asked for one: after signing in, for instance."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED and request.method == "GET" and not response.content:
            return faults.no_page(request, response)
        return response


def _city() -> CityFacts | None:
    """The city's facts; a process that serves reads them every two seconds at most."""
    if not settings.CITYLOOM_LIVE_URL:
        return registers.city()
    return cache.get_or_set("city-around", registers.city, _KEPT_S)  # type: ignore[return-value]


def city(request: HttpRequest) -> dict[str, object]:
    """The city, and up to where its events are in the page, for templates."""
    return {"city": getattr(request, "city", None), "live_after": getattr(request, "live_after", "")}
