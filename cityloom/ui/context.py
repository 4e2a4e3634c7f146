"""What every template may use."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def page(request: HttpRequest) -> dict[str, object]:
    """The page's own path, and where the live process speaks ("" where none runs)."""
    return {"path": request.get_full_path(), "live_url": getattr(settings, "CITYLOOM_LIVE_URL", "")}
