"""The portal as an app on a phone: its manifest, and the worker that keeps the last warnings for offline reading."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from importlib import resources

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_safe

from cityloom.registers import queries as registers
from cityloom.ui.navigation import address

_ICONS = (("any", 192), ("any", 512), ("maskable", 512))
_KEPT = ("ui/cityloom.css", "web/portal.css", "web/app.js", "ui/mark.svg")
"""All that the page for offline reading is made of."""
_SHORTCUTS = (
    ("report", gettext_noop("Report a problem")), ("offline", gettext_noop("Warnings")),
    ("me", gettext_noop("Who looked at my data")),
)  # fmt: skip


@login_not_required
@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """What the app is called, in the language of the page that names it; browsers ask for it without cookies."""
    with translation.override(language_of(request)):
        city = registers.city()
        made = {
            "name": city.name if city else "Cityloom", "short_name": _("My city"), "lang": _tag(),
            "description": _("What the city can do for you, and what it did with your data."),
            "id": "/portal/", "start_url": reverse("portal"), "scope": "/", "display": "standalone",
            "background_color": "#f7f6f3", "theme_color": "#0b4f6c",
            "icons": [
                {"src": static(f"web/icon-{'' if purpose == 'any' else 'mask-'}{size}.png"), "sizes": f"{size}x{size}",
                 "type": "image/png", "purpose": purpose} for purpose, size in _ICONS
            ],
            "shortcuts": [{"name": _(words), "url": url} for name, words in _SHORTCUTS if (url := address(name))],
        }  # fmt: skip
    answer = JsonResponse(made, content_type="application/manifest+json", json_dumps_params={"ensure_ascii": False})
    answer["Cache-Control"] = "public, max-age=3600"
    return answer


@login_not_required
@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker; a changed file of the page makes another version of it, which replaces what was kept."""
    answer = HttpResponse(_script(), content_type="text/javascript; charset=utf-8")
    answer["Cache-Control"] = "no-cache"
    answer["Service-Worker-Allowed"] = "/"
    return answer


def language_of(request: HttpRequest) -> str:
    """The language that an address names, else the reader's."""
    named = request.GET.get("language", "")
    return named if named in dict(settings.LANGUAGES) else translation.get_language()


def _tag() -> str:
    return "zh-Hans" if translation.get_language() == "zh-hans" else "en"


@lru_cache(maxsize=1)
def _script() -> str:
    files = {name: resources.files(f"cityloom.{name.partition('/')[0]}").joinpath("static", name) for name in _KEPT}
    body = resources.files("cityloom.web").joinpath("static", "web", "worker.js").read_text()
    digest = hashlib.sha256(body.encode())
    for file in files.values():
        digest.update(file.read_bytes())
    kept = {"version": digest.hexdigest()[:16], "page": reverse("offline"), "files": [static(name) for name in files]}
    return f"const KEPT = {json.dumps(kept)};\n{body}"
