"""Signing in and out, proving anew who one is, one's own sessions, and the accounts of contractors."""

from __future__ import annotations

import functools
import ipaddress
import logging
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from allauth.account.views import LoginView
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityloom.accounts import actions, display, policies, queries
from cityloom.accounts.contrib.allauth import adapters, openid
from cityloom.accounts.models import Account
from cityloom.accounts.queries import DemoAccount, as_actor, demo_accounts, for_everyone
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.words import sentence_of

log = logging.getLogger(__name__)
_WHY = {
    "idle": gettext_noop("You were signed out, because nothing was done for a while."),
    "over": gettext_noop("You were signed out, because the time of your session was over."),
    "ended": gettext_noop("Your session has been ended."),
    "elsewhere": gettext_noop("Your session belongs to another device; sign in at this one."),
}
_RESIDENTS_PAGES = "/me/"
View = Callable[..., HttpResponse]


class SignIn(LoginView):
    """Choose a demo role where there are some, else give a name and a password, or go to a provider."""

    template_name = "accounts/sign_in.html"

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)
        response.status_code = 422
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        accounts = demo_accounts()
        workers = [one for one in accounts if "social-worker" in one.roles]
        units = queries.unit_names_of({one.unit for one in workers})
        return super().get_context_data(**kwargs) | {
            "workers": [(one, units.get(one.unit, one.unit)) for one in workers],
            "desks": _desks(accounts),
            "providers": _offered(self.request), "next": _next(self.request),
            "is_for_resident": _next(self.request).startswith(_RESIDENTS_PAGES),
            "why": _(_WHY[self.request.GET["why"]]) if self.request.GET.get("why") in _WHY else "",
        }  # fmt: skip


def _desks(accounts: Sequence[DemoAccount]) -> list[tuple[str, list[tuple[DemoAccount, str]]]]:
    """The demo accounts by what they are there for, each with its duty."""
    desks = [
        (title, [(one, display.DUTIES[role]) for role in roles for one in accounts if role in one.roles])
        for title, roles in display.DESKS
    ]  # fmt: skip
    return [(title, found) for title, found in desks if found]


@login_not_required
@require_POST
def sign_in_as_demo(request: HttpRequest) -> HttpResponse:
    """Sign in as someone who exists for demonstration only, from this machine only."""
    _check_local(request)
    found = Account.objects.filter(is_demo=True, is_active=True, kind="staff")
    account = get_object_or_404(found, id=request.POST.get("account", ""))
    try:
        adapters.begin(request, account)
    except Refused as refusal:
        return adapters.refused(request, refusal)
    return HttpResponseRedirect(_next(request) or resolve_url("front"))


@for_everyone
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    adapters.end(request)
    return redirect("sign-in")


@login_not_required
@require_safe
def to_provider(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Go to an outside identity provider."""
    return openid.go(request, provider_id)


@login_not_required
@require_safe
def from_provider(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Come back from an outside identity provider."""
    return openid.come_back(request, provider_id)


@require_safe
def step_up(request: HttpRequest) -> HttpResponse:
    """The ways in which whoever is signed in can prove anew who they are."""
    account: Account = request.user  # type: ignore[assignment]
    asked = urlencode({"next": _next(request) or resolve_url("front")})
    ways = [way | {"url": f"{way['url']}?{asked}"} for way in adapters.methods_of(account)]
    if len(ways) == 1:
        return HttpResponseRedirect(ways[0]["url"])
    by_provider = [] if ways or account.is_demo else _providers_of(request, account)
    context = {"ways": ways, "providers": by_provider, "asked": asked, "next": _next(request)}
    return render(request, "accounts/step_up.html", context)


@require_POST
def step_up_as_demo(request: HttpRequest) -> HttpResponse:
    """Let a demo account say that it is itself; it has nothing to prove it by, and says so."""
    _check_local(request)
    account: Account = request.user  # type: ignore[assignment]
    if not account.is_demo or adapters.methods_of(account):
        raise Refused("accounts.role", "Only an account that is for demonstration may do this.")
    adapters.note_step_up(request, "demo")
    return HttpResponseRedirect(_next(request) or resolve_url("front"))


@for_everyone
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """One's own sessions, and how one signs in."""
    account: Account = request.user  # type: ignore[assignment]
    context = {
        "sessions": queries.sessions_of(account.id), "current": request.session.get(queries.SESSION_KEY, ""),
        "has_second_factor": queries.has_second_factor(account), "has_password": account.has_usable_password(),
    }  # fmt: skip
    return render(request, "accounts/mine.html", context)


@for_everyone
@require_POST
def end_session(request: HttpRequest) -> HttpResponse:
    """End one of one's own sessions."""
    session = request.POST.get("session", "")
    actions.end_session(session=session, by=as_actor(request.user), at=clock.now())  # type: ignore[arg-type]
    messages.success(request, _("The session has been ended."))
    return redirect("mine")


@require_safe
def contractors(request: HttpRequest) -> HttpResponse:
    """The accounts of contractors: who vouches for whom, who agreed, until when."""
    actor, now = as_actor(request.user), clock.now()  # type: ignore[arg-type]
    policies.check_can_read_terms(actor)
    rows = [
        {"term": term, "state": term.state_at(now), "why_not": _why_not(actor, term)}
        for term in queries.contractor_terms()
    ]
    return render(request, "accounts/contractors.html", {"rows": rows})


@require_POST
@queries.stepped_up
def approve_contractor(request: HttpRequest) -> HttpResponse:
    """Agree as the second person."""
    by = as_actor(request.user)  # type: ignore[arg-type]
    actions.approve_contractor(account=request.POST.get("account", ""), by=by, at=clock.now())
    messages.success(request, _("The account can sign in now."))
    return redirect("contractors")


@require_http_methods(["GET", "HEAD", "POST"])
@login_not_required
def closed(request: HttpRequest) -> HttpResponse:
    """Where the library sends an account that is closed."""
    refusal = Refused("accounts.closed", "This account is closed; ask an operator of the city to open it again.")
    return adapters.refused(request, refusal)


def not_for_demo(view: View) -> View:
    """Keep demo accounts from getting second factors: they are everybody's."""

    @functools.wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if getattr(request.user, "is_demo", False):
            raise Refused("accounts.role", "An account that is for demonstration has no password and no second factor.")
        return view(request, *args, **kwargs)

    return checked


def _offered(request: HttpRequest) -> list[queries.Provider]:
    """The providers that one can go to; a file that cannot be used locks nobody out who has a password."""
    try:
        return queries.identity_providers(request)
    except Refused as refusal:
        log.warning("%s: %s", refusal.code, refusal.value)
        messages.warning(request, sentence_of(refusal))
        return []


def _why_not(actor: Actor, term: queries.TermFacts) -> str:
    """Why the actor cannot be the second person; "" if they can."""
    try:
        policies.check_can_approve_term(actor, made_by=term.made_by, account=term.account)
    except Refused as refusal:
        return sentence_of(refusal)
    return ""


def _providers_of(request: HttpRequest, account: Account) -> list[queries.Provider]:
    known = queries.providers_behind(account.id)
    return [provider for provider in queries.identity_providers(request) if provider.id in known]


def _next(request: HttpRequest) -> str:
    """Where the person wanted to go, if that is a page of this city."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else ""


def _check_local(request: HttpRequest) -> None:
    try:
        local = ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        local = False
    if not local or settings.CITYLOOM_BEHIND_TLS:  # a proxy on this machine makes everybody look local
        raise Refused(
            "accounts.not_local",
            "Demo accounts sign in on the machine that runs the city only; open it there, on localhost.",
        )
