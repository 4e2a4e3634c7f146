"""What django-allauth asks this city: who may sign in, how sessions begin, how second factors are kept."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from cityloom.accounts import actions, policies, queries
from cityloom.accounts.contrib.allauth import sealing
from cityloom.accounts.models import Account
from cityloom.kernel import clock, ids
from cityloom.kernel.refused import Refused
from cityloom.ui.words import sentence_of

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
_FACTORS = {"webauthn": "passkey", "totp": "totp", "recovery_codes": "recovery-code"}


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are given, not taken; a session belongs to one device."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str) -> bool:
        """Only pages of the host in use, so that nobody lands elsewhere after signing in."""
        request = context.request
        return url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())

    def pre_login(self, request: HttpRequest, user: Account, **kwargs: Any) -> HttpResponse | None:
        try:
            policies.check_may_sign_in(queries.standing_of(user), clock.now())
        except Refused as refusal:
            return refused(request, refusal)
        return None

    def respond_user_inactive(self, request: HttpRequest, user: Account) -> HttpResponse:
        return self.pre_login(request, user) or super().respond_user_inactive(request, user)

    def login(self, request: HttpRequest, user: Account) -> None:
        begin(request, user)

    def logout(self, request: HttpRequest) -> None:
        end(request)

    def get_reauthentication_methods(self, user: Account) -> list[dict[str, Any]]:
        """The second factor where there is one, and never the password instead of it."""
        if not user.is_authenticated:
            return []
        start = {"id": "step-up", "description": "", "url": reverse("step-up")}
        return [start, *methods_of(user)]

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        try:
            queries.require_step_up(context.request)
        except policies.StepUpNeeded:
            return True
        return False

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Cityloom keeps no mail addresses of those who work here."""


class FactorAdapter(DefaultMFAAdapter):
    """Seeds are sealed; passkeys are bound to the configured host."""

    def encrypt(self, text: str) -> str:
        return sealing.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.unseal(encrypted_text)

    def get_totp_issuer(self) -> str:
        return "Cityloom"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        host = settings.CITYLOOM_PASSKEY_HOST or context.request.get_host().partition(":")[0]
        return {"id": host, "name": "Cityloom"}


def methods_of(user: Account) -> list[dict[str, Any]]:
    """How an account can prove anew who it is, at this city itself; the strongest first."""
    kinds = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    ways = []
    if "webauthn" in kinds:
        ways.append(("passkey", _("Use a passkey"), "mfa_reauthenticate_webauthn"))
    if "totp" in kinds or "webauthn" in kinds:
        ways.append(("code", _("Use a code"), "mfa_reauthenticate"))
    elif user.has_usable_password():
        ways.append(("password", _("Use your password"), "account_reauthenticate"))
    return [{"id": name, "description": words, "url": reverse(place)} for name, words, place in ways]


def begin(request: HttpRequest, user: Account) -> None:
    """Sign an account in at this device; the middleware sends the device's cookie.

    Raises: Refused, as `policies.check_may_sign_in` does.
    """
    device, at = ids.random_token(), clock.now()
    session = actions.begin_session(account=user, device=device, agent=agent_of(request), at=at)
    old = request.session.get(queries.SESSION_KEY)
    login(request, user, backend=BACKEND)
    if old:
        actions.end_session(session=old, by=queries.as_actor(user), at=at)
    request.session[queries.SESSION_KEY] = session
    request.session.pop(queries.STEP_UP_KEY, None)
    request.new_device = device  # type: ignore[attr-defined]


def end(request: HttpRequest) -> None:
    """Sign out of this session."""
    session = request.session.get(queries.SESSION_KEY)
    if session and request.user.is_authenticated:
        actions.end_session(session=session, by=queries.as_actor(request.user), at=clock.now())  # type: ignore[arg-type]
    logout(request)


def agent_of(request: HttpRequest) -> str:
    """The name that a browser gives itself."""
    return str(request.META.get("HTTP_USER_AGENT", ""))[:400]


def note_step_up(request: HttpRequest, method: str) -> None:
    """Keep when and how someone has just proved anew who they are."""
    request.session[queries.STEP_UP_KEY] = {"at": clock.to_text(clock.now()), "method": method}


def heard_step(sender: object, *, request: HttpRequest, method: str, **facts: Any) -> None:
    """Hear from allauth that someone has proved who they are; only a deliberate repetition is a step-up."""
    if facts.get("reauthenticated"):
        note_step_up(request, _FACTORS.get(facts.get("type", ""), method))


def refused(request: HttpRequest, refusal: Refused, status: int = 403) -> HttpResponse:
    """The page of a refusal at the door."""
    return render(request, "accounts/not_in.html", {"sentence": sentence_of(refusal)}, status=status)


def leave(request: HttpRequest, refusal: Refused, status: int = 403) -> ImmediateHttpResponse:
    """What stops allauth in the middle, with a refusal."""
    return ImmediateHttpResponse(refused(request, refusal, status))
