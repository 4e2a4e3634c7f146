"""How the pages look for one reader."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from cityloom.ui.context import THEME_COOKIE, THEMES

_YEAR_S = 365 * 86400


@login_not_required
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Keep a scheme for this browser, and go back to where the reader was."""
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = "/"
    response = HttpResponseRedirect(back)
    chosen = request.POST.get("theme", "")
    if chosen == "system" or chosen not in THEMES:
        response.delete_cookie(THEME_COOKIE, samesite="Lax")
    else:
        response.set_cookie(
            THEME_COOKIE, chosen, max_age=_YEAR_S, httponly=True, secure=request.is_secure(), samesite="Lax"
        )
    return response
