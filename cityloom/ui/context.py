"""What every template may use."""

from __future__ import annotations

from functools import partial

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language, gettext_noop

from cityloom.ui import navigation

THEME_COOKIE = "cityloom_theme"
THEMES = {"system": gettext_noop("Like the device"), "light": gettext_noop("Light"), "dark": gettext_noop("Dark")}


def page(request: HttpRequest) -> dict[str, object]:
    """The page's own path, where the live process speaks ("" where none runs), how it looks and where it leads."""
    user = getattr(request, "user", None)
    is_staff = bool(user and user.is_authenticated and user.kind != "resident")
    return {
        "path": request.get_full_path(),
        "live_url": getattr(settings, "CITYLOOM_LIVE_URL", ""),
        "lang": "zh-Hans" if get_language() == "zh-hans" else get_language(),
        "theme": theme_of(request),
        "themes": THEMES,
        "in_cockpit": is_staff,
        "navigation": partial(navigation.for_staff, request),
        "portal_pages": partial(navigation.for_residents, request),
        "portal_home": navigation.address("portal") or navigation.address("front"),
        "portal_search": navigation.address("services"),
    }


def theme_of(request: HttpRequest) -> str:
    """The scheme that the reader has chosen; "system" follows the device."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else "system"
