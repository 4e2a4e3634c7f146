"""The city that every page is about."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from cityloom.bus import queries as bus
from cityloom.kernel.timezones import zone_of
from cityloom.registers import queries as registers


class CityAround:
    """Put the city's facts on the request, and how far its events had come; show times as the city's clocks do."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.live_after = bus.seen_position()  # type: ignore[attr-defined] # before the page reads anything
        request.city = registers.city()  # type: ignore[attr-defined]
        with timezone.override(zone_of(request.city.timezone if request.city else "UTC")):  # type: ignore[attr-defined]
            return self.get_response(request)


def city(request: HttpRequest) -> dict[str, object]:
    """The city, and up to where its events are in the page, for templates."""
    return {"city": getattr(request, "city", None), "live_after": getattr(request, "live_after", "")}
