"""Warnings for my places: asking, confirming, changing, stopping. Without an account, and without scripts."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from importlib import resources
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers
from cityloom.subscriptions import actions, policies
from cityloom.subscriptions.contrib.web_push.way import public_key
from cityloom.subscriptions.forms import PlaceForm, Wishes
from cityloom.ui.once import word_of
from cityloom.ui.words import sentence_of

_AN_HOUR_S = 3600
_LETTERS_SENT = 2
_MOST_STREETS = 400


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def places(request: HttpRequest) -> HttpResponse:
    """Ask to be warned."""
    form = PlaceForm(request.POST if request.method == "POST" else None)
    refusal = ""
    if request.method == "POST":
        try:
            policies.check_client(_asked_by(request))
            if form.is_valid():
                return _subscribe(request, form)
        except Refused as refused:
            refusal = sentence_of(refused)
    city = registers.city()
    context = {
        "form": form, "refusal": refusal, "push_key": public_key(), "city_bounds": _bounds(city),
    }  # fmt: skip
    return render(request, "subscriptions/places.html", context, status=409 if refusal else 200)


@login_not_required
@require_safe
def sent(request: HttpRequest) -> HttpResponse:
    """Look into your mail."""
    return render(request, "subscriptions/sent.html", {"city_is_demo": _is_demo() and not _has_mail_server()})


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, subscription_id: str, secret: str) -> HttpResponse:
    """Confirm an address with a button: programs that open every link in a mail confirm nothing."""
    if request.method != "POST":
        return _private(render(request, "subscriptions/confirm.html", {}))
    try:
        actions.confirm(subscription_id=subscription_id, secret=secret, at=clock.now())
    except Refused as refused:
        return _no_link(request, refused)
    messages.success(request, _("Confirmed. You will be warned from now on."))
    return _private(redirect("places-manage", subscription_id, secret))


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def manage(request: HttpRequest, subscription_id: str, secret: str) -> HttpResponse:
    """See what you get, and change it."""
    who, at = {"subscription_id": subscription_id, "secret": secret}, clock.now()
    try:
        form = Wishes(request.POST) if request.method == "POST" else None
        if form is not None and form.is_valid():
            actions.change(**who, **form.cleaned_data, at=at)
            messages.success(request, _("Changed."))
            return _private(redirect("places-manage", subscription_id, secret))
        found = actions.read(**who, at=at)
    except Refused as refused:
        return _no_link(request, refused)
    wish = found.wish
    form = form or Wishes(
        initial={"severity": wish.severity, "all_clear": wish.all_clear, "language": found.address.language}
    )
    context = {"found": found, "form": form, "masked": _masked(found.address.to), "stop": (subscription_id, secret)}
    return _private(render(request, "subscriptions/manage.html", context))


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, subscription_id: str, secret: str) -> HttpResponse:
    """Stop with one button."""
    if request.method != "POST":
        return _private(render(request, "subscriptions/stop.html", {}))
    try:
        actions.stop(subscription_id=subscription_id, secret=secret, at=clock.now())
    except Refused as refused:
        return _no_link(request, refused)
    return redirect("places-stopped")


@csrf_exempt
@login_not_required
@require_POST
def stop_now(request: HttpRequest, subscription_id: str, secret: str) -> HttpResponse:
    """Stop at the word of a mail program. Source: RFC 8058, section 3.2; the secret in the address is the proof."""
    try:
        actions.stop(subscription_id=subscription_id, secret=secret, at=clock.now())
    except Refused as refused:
        if refused.code != "places.unknown_link":  # stopped already: that is what was asked for
            raise
    return HttpResponse(status=204)


@login_not_required
@require_safe
def stopped(request: HttpRequest) -> HttpResponse:
    """It is over."""
    return render(request, "subscriptions/stopped.html", {})


@login_not_required
@require_safe
def streets(request: HttpRequest) -> HttpResponse:
    """Streets by the first letters of a word in their names; a browser sends no more than that of what is written."""
    begin = request.GET.get("begin", "").strip().casefold()[:_LETTERS_SENT]
    names = [name for name in registers.street_names() if any(map(_begins(begin), _words_in(name)))] if begin else []
    answer = JsonResponse({"streets": names[:_MOST_STREETS]})
    answer["Cache-Control"] = "public, max-age=300"
    return answer


@login_not_required
@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker that shows a warning which came by push."""
    script = resources.files("cityloom.subscriptions").joinpath("static", "subscriptions", "push.js").read_text()
    answer = HttpResponse(script, content_type="text/javascript; charset=utf-8")
    answer["Cache-Control"] = "no-cache"
    return answer


def _subscribe(request: HttpRequest, form: PlaceForm) -> HttpResponse:
    site = f"{request.scheme}://{request.get_host()}"
    kept = actions.subscribe(at=clock.now(), wish=form.wish(), address=form.address(site), is_demo=_is_demo(),
                             key=word_of(request))  # fmt: skip
    if not form.by_push or kept is None:
        return redirect("places-sent")
    messages.success(request, _("This browser will show warnings from now on. Keep the address of this page: with it"
                                " you change or stop them."))  # fmt: skip
    return _private(redirect("places-manage", kept.id, kept.secret))


def _asked_by(request: HttpRequest) -> int:
    """How often this client has asked within the hour; its address is kept as a keyed digest, and only in memory."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.CITYLOOM_BEHIND_TLS else ""
    client = forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")
    name = hmac.digest(settings.SECRET_KEY.encode(), client.encode(), hashlib.sha256).hex()[:32]
    cache.add(f"places:{name}", 0, _AN_HOUR_S)
    try:
        return cache.incr(f"places:{name}")
    except ValueError:  # it ran out at this moment
        return 1


def _no_link(request: HttpRequest, refused: Refused) -> HttpResponse:
    status = {"places.unknown_link": 404, "places.link_expired": 410, "gate.keeper_down": 503}.get(refused.code, 409)
    return _private(render(request, "subscriptions/no_link.html", {"sentence": sentence_of(refused)}, status=status))


def _private(answer: HttpResponse) -> HttpResponse:
    """A page whose address opens a subscription stays with whoever has it, and is named to no other site.

    With `no-referrer` a browser would send the page's own forms without an origin, and they would be refused.
    """
    answer["Cache-Control"] = "no-store"
    answer["Referrer-Policy"] = "same-origin"
    answer["X-Robots-Tag"] = "noindex"
    return answer


def _words_in(name: str) -> list[str]:
    return name.casefold().split()


def _begins(begin: str) -> Callable[[str], bool]:
    return lambda word: word.startswith(begin)


def _masked(to: str) -> str:
    name, at, host = to.partition("@")
    return f"{name[:1]}…{at}{host}" if at else ""


def _is_demo() -> bool:
    city = registers.city()
    return bool(city and city.is_synthetic)


def _has_mail_server() -> bool:
    return bool(settings.CITYLOOM.get("ALERTS", {}).get("SMTP_HOST"))


def _bounds(city: Any) -> str:
    return ",".join(f"{edge:.6f}" for edge in city.bounds) if city else ""
