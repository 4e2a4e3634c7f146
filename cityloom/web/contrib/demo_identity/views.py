"""The demo provider's pages: choose who to be, and what the city asks behind it."""

from __future__ import annotations

import functools
import hmac
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityloom.web.contrib.demo_identity import provider

View = Callable[[HttpRequest], HttpResponse]
_ASKED = ("client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge",
          "code_challenge_method")  # fmt: skip


def only_for_demonstration(view: View) -> View:
    """Let a view exist where the demo provider does, and nowhere else."""

    @login_not_required
    @functools.wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        if not provider.exists(request):
            raise Http404
        return view(request)

    return checked


@only_for_demonstration
@require_safe
def discovery(request: HttpRequest) -> HttpResponse:
    """What the provider publishes of itself."""
    base = provider.issuer(request)
    return JsonResponse({
        "issuer": base, "authorization_endpoint": f"{base}/authorize/", "token_endpoint": f"{base}/token/",
        "userinfo_endpoint": f"{base}/userinfo/", "jwks_uri": f"{base}/keys/", "scopes_supported": ["openid"],
        "response_types_supported": ["code"], "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["EdDSA"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"], "claims_supported": ["sub", "national_id"],
        "code_challenge_methods_supported": ["S256"],
    })  # fmt: skip


@only_for_demonstration
@require_http_methods(["GET", "HEAD", "POST"])
def authorize(request: HttpRequest) -> HttpResponse:
    """Let someone choose which made-up resident to be, and send them back with a code."""
    asked = {name: (request.POST if request.method == "POST" else request.GET).get(name, "") for name in _ASKED}
    fault = _fault_of(request, asked)
    if fault:
        return render(request, "web/demo_identity.html", {"fault": fault}, status=400)
    people = provider.residents()
    if request.method != "POST":
        labels = [label for label, _national_id in people]
        return render(request, "web/demo_identity.html", {"asked": asked, "labels": labels})
    chosen = request.POST.get("resident", "")
    if not chosen.isdigit() or int(chosen) >= len(people):
        return _back(asked, error="access_denied")
    facts = {"national_id": people[int(chosen)][1], "nonce": asked["nonce"], "challenge": asked["code_challenge"]}
    return _back(asked, code=provider.keep("code", facts))


@csrf_exempt
@only_for_demonstration
@require_POST
def token(request: HttpRequest) -> HttpResponse:
    """Change a code, once, for tokens."""
    form = request.POST
    known = hmac.compare_digest(form.get("client_secret", ""), provider.client_secret())
    if form.get("client_id") != provider.CLIENT or not known:
        return _json({"error": "invalid_client"}, status=401)
    facts = provider.spend("code", form.get("code", ""))
    if form.get("grant_type") != "authorization_code" or form.get("redirect_uri") != provider.callback(request):
        return _json({"error": "invalid_grant"}, status=400)
    if facts is None or provider.challenge_of(form.get("code_verifier", "")) != facts["challenge"]:
        return _json({"error": "invalid_grant"}, status=400)
    subject = provider.subject_of(facts["national_id"])
    access = provider.keep("access", {"sub": subject, "national_id": facts["national_id"]})
    signed = provider.id_token(request, subject=subject, nonce=facts["nonce"])
    return _json({"access_token": access, "token_type": "Bearer", "expires_in": provider.LIVES_S, "id_token": signed})


@csrf_exempt
@only_for_demonstration
@require_http_methods(["GET", "HEAD", "POST"])
def userinfo(request: HttpRequest) -> HttpResponse:
    """Say who holds an access token."""
    found = provider.recall("access", request.headers.get("Authorization", "").removeprefix("Bearer "))
    return _json(found) if found else _json({"error": "invalid_token"}, status=401)


@only_for_demonstration
@require_safe
def keys(request: HttpRequest) -> HttpResponse:
    """The keys with which the provider's statements are verified."""
    return JsonResponse(provider.public_keys())


def _fault_of(request: HttpRequest, asked: dict[str, str]) -> str:
    """Why a request cannot be answered; such a one is never sent on to where it wants to go."""
    if asked["client_id"] != provider.CLIENT or asked["redirect_uri"] != provider.callback(request):
        return _("The city that asks is not known here.")
    needed = asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
    if not needed or "openid" not in asked["scope"].split() or not all(asked.values()):
        return _("The city asks in a way that is not safe.")
    return ""


def _back(asked: dict[str, str], **answer: str) -> HttpResponse:
    query = urlencode(answer | {"state": asked["state"]})
    return HttpResponseRedirect(f"{asked['redirect_uri']}?{query}")


def _json(facts: dict[str, Any], status: int = 200) -> HttpResponse:
    return JsonResponse(facts, status=status, headers={"Cache-Control": "no-store"})
