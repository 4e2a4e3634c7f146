"""The city that every page is about."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from cityloom.registers import queries as registers


class CityAround:
    """Put the city's facts on the request, and show times as its clocks do."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.city = registers.city()  # type: ignore[attr-defined]
        with timezone.override(_zone(request.city.timezone if request.city else "UTC")):  # type: ignore[attr-defined]
            return self.get_response(request)


def city(request: HttpRequest) -> dict[str, object]:
    """The city, for templates."""
    return {"city": getattr(request, "city", None)}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
