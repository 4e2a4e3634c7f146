"""The city that every page is about."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from cityloom.kernel.timezones import zone_of
from cityloom.registers import queries as registers


class CityAround:
    """Put the city's facts on the request, and show times as its clocks do."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.city = registers.city()  # type: ignore[attr-defined]
        with timezone.override(zone_of(request.city.timezone if request.city else "UTC")):  # type: ignore[attr-defined]
            return self.get_response(request)


def city(request: HttpRequest) -> dict[str, object]:
    """The city, for templates."""
    return {"city": getattr(request, "city", None)}
