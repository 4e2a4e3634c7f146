"""Signing in and out."""

from __future__ import annotations

import ipaddress

from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cityloom.accounts.forms import PasswordForm
from cityloom.accounts.models import Account
from cityloom.accounts.queries import demo_accounts
from cityloom.kernel.refused import Refused

_BACKEND = "django.contrib.auth.backends.ModelBackend"


@login_not_required
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Choose a demo role where there are some, else give a name and a password."""
    accounts = demo_accounts()
    if accounts and request.method == "GET":
        return _choose(request)
    form = PasswordForm(request, data=request.POST or None)
    if request.method == "POST" and form.is_valid():
        login(request, form.get_user())
        return _go_on(request)
    status = 200 if request.method == "GET" else 422
    return render(request, "accounts/sign_in.html", {"form": form, "next": _next(request)}, status=status)


@login_not_required
@require_POST
def sign_in_as_demo(request: HttpRequest) -> HttpResponse:
    """Sign in as someone who exists for demonstration only, from this machine only."""
    if not _is_local(request):
        raise Refused(
            "accounts.not_local",
            "Demo accounts sign in on the machine that runs the city only; open it there, on localhost.",
        )
    account = get_object_or_404(Account, id=request.POST.get("account", ""), is_demo=True, is_active=True)
    login(request, account, backend=_BACKEND)
    return _go_on(request)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect("sign-in")


@require_GET
def _choose(request: HttpRequest) -> HttpResponse:
    accounts = demo_accounts()
    workers = [account for account in accounts if "social-worker" in account.roles]
    others = [account for account in accounts if "social-worker" not in account.roles]
    return render(
        request, "accounts/sign_in.html", {"roles": others, "workers": workers, "next": _next(request)}
    )


def _go_on(request: HttpRequest) -> HttpResponseRedirect:
    return HttpResponseRedirect(_next(request) or resolve_url("front"))


def _next(request: HttpRequest) -> str:
    """Where the person wanted to go, if that is a page of this city."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else ""


def _is_local(request: HttpRequest) -> bool:
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
