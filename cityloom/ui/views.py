"""How the pages look for one reader, and what they are made of."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from cityloom.ui import living
from cityloom.ui.confirmation import Question, asked
from cityloom.ui.context import THEME_COOKIE, THEMES
from cityloom.ui.once import only_once

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


@require_http_methods(["GET", "HEAD", "POST"])
@only_once
def show_parts(request: HttpRequest) -> HttpResponse:
    """The living page of the design language; its form takes words and keeps nothing."""
    form = living.ExampleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        messages.success(request, _("Nothing was kept: this form is an example."))
        return redirect("ui-parts")
    context = {"parts": list(living.parts(request, form)), "colours": living.COLOURS}
    return render(request, "ui/living.html", context, status=422 if form.is_bound else 200)


@require_POST
@only_once
def show_confirmation(request: HttpRequest) -> HttpResponse:
    """The example of a confirmation; nothing is done."""
    question = Question(
        _("End the incident?"),
        [_("79 grants end at once: nobody's address can be opened any more."), _("Departments are told to go home."),
         _("An all-clear goes out to 1,344 phones.")],
        _("End the incident"), reverse("ui-parts"), _("This is an example: nothing is done."),
    )  # fmt: skip
    page = asked(request, question)
    if page is not None:
        return page
    messages.success(request, _("Nothing was done: this is an example."))
    return redirect("ui-parts")
