"""Signing in through an outside OpenID provider: every token is verified, and claims become a place or a subject.

Source: OpenID Connect Core 1.0, section 3.1.3.7 (ID Token Validation) and 5.3.2 (the subject of UserInfo);
RFC 9700, section 2.1 (PKCE, and no parameter of the request passed on).
"""

from __future__ import annotations

import hmac
import logging
from typing import Any

import jwt
from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.base import AuthError, AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from requests import RequestException, Session

from cityloom.accounts import actions, policies, queries
from cityloom.accounts.contrib.allauth import adapters
from cityloom.accounts.domain import identity
from cityloom.accounts.domain.identity import Provider
from cityloom.kernel import clock, ids
from cityloom.kernel.refused import Refused

log = logging.getLogger(__name__)
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures with a public key only: a secret shared with the provider must not be able to make a token."""
_LEEWAY_S = 30
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError)


class VerifiedOpenID(OpenIDConnectOAuth2Adapter):
    """The library's client, which here trusts no token that it has not verified."""

    def __init__(self, request: HttpRequest, provider_id: str) -> None:
        super().__init__(request, provider_id)
        self.state: dict[str, Any] = {}

    @property
    def openid_config(self) -> dict[str, Any]:
        """What the provider publishes of itself; it must be the issuer that identity.yaml names."""
        try:
            found = super().openid_config
        except _MALFORMED as error:
            raise OAuth2Error("discovery") from error
        wanted = self.get_provider().app.settings["issuer"]
        if not isinstance(found, dict) or str(found.get("issuer", "")).rstrip("/") != wanted.rstrip("/"):
            raise OAuth2Error("issuer")
        return found

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> SocialLogin:
        """Verify the tokens, and find or make the account; the claims go no further.

        Raises: OAuth2Error; ImmediateHttpResponse with a refusal.
        """
        claims = self._claims(app, token, kwargs["response"])
        try:
            _settle(request, app.outside, claims)
        except Refused as refusal:
            raise adapters.leave(request, refusal) from None
        uid = queries.outside_name(app.provider_id, claims["sub"])
        return SocialLogin(provider=self.get_provider(), account=SocialAccount(provider=app.provider_id, uid=uid))

    def _claims(self, app: SocialApp, token: SocialToken, response: dict[str, Any]) -> dict[str, Any]:
        try:
            claims = self._verified(app, response)
            if "userinfo_endpoint" in self.openid_config:
                more = self._fetch_user_info(token.token)
                if more["sub"] != claims["sub"]:
                    raise OAuth2Error("subject")
                claims = {**more, **claims}
        except (*_MALFORMED, jwt.PyJWTError) as error:
            raise OAuth2Error("token") from error
        return claims

    def _verified(self, app: SocialApp, response: dict[str, Any]) -> dict[str, Any]:
        token = response["id_token"]
        claims: dict[str, Any] = jwt.decode(
            token, self._key_of(token), algorithms=ALGORITHMS, audience=app.client_id, leeway=_LEEWAY_S,
            issuer=self.openid_config["issuer"], options={"require": ["iss", "sub", "aud", "exp", "iat", "nonce"]},
        )  # fmt: skip
        if not hmac.compare_digest(str(claims["nonce"]), self.state["nonce"]):
            raise OAuth2Error("nonce")
        if claims.get("azp", app.client_id) != app.client_id:
            raise OAuth2Error("authorised party")
        since_s = clock.now().timestamp() - float(claims.get("auth_time", 0))
        if self.state.get("step_up") and since_s > policies.STEP_UP_FOR.total_seconds():
            raise OAuth2Error("too long ago")
        return claims

    def _key_of(self, token: str) -> jwt.PyJWK:
        header = jwt.get_unverified_header(token)
        with self.get_provider().session() as session:
            answer = session.get(self.openid_config["jwks_uri"])
            answer.raise_for_status()
        keys = jwt.PyJWKSet.from_dict(answer.json()).keys
        found = [key for key in keys if key.key_id == header.get("kid")] if "kid" in header else keys
        if len(found) != 1:
            raise OAuth2Error("key")
        return found[0]


class CityProvider(OpenIDConnectProvider):
    """An outside provider; nothing of the person's request but the way back is passed on to it."""

    oauth2_adapter_class = VerifiedOpenID
    pkce_enabled_default = True

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        nonce = ids.random_token()
        again = request.GET.get("step-up") == "1" and request.user.is_authenticated
        wanted = {"nonce": nonce} | ({"prompt": "login", "max_age": "0"} if again else {})
        step_up = {"step_up": request.user.pk} if again else {}
        return {
            "process": AuthProcess.LOGIN, "next_url": get_next_redirect_url(request), "scope": self.get_scope(),
            "auth_params": wanted, "nonce": nonce, **step_up,
        }  # fmt: skip

    def session(self) -> Session:
        """A connection with a time limit."""
        return SocialAdapter(self.request).get_requests_session()


class SocialAdapter(DefaultSocialAccountAdapter):
    """Providers come from identity.yaml; who arrives gets an account only by its tables."""

    def list_apps(self, request: HttpRequest, provider: str | None = None, client_id: str | None = None):  # type: ignore[no-untyped-def]
        """The providers as allauth's (unsaved) applications."""
        return [
            self._app(one)
            for one in queries.identity_providers(request or self.request)
            if provider in (None, one.id, "openid_connect") and client_id in (None, one.client_id)
        ]

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> CityProvider:
        return CityProvider(request, app=self.get_app(request, provider, client_id))

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def on_authentication_error(
        self, request: HttpRequest, provider: CityProvider, error: str = "", exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Say that it did not work; what came from outside goes to no log and no page."""
        log.warning("sign-in by %s failed: %s", provider.app.provider_id, type(exception).__name__)
        refusal = _not_verified() if error != AuthError.CANCELLED else _cancelled()
        raise adapters.leave(request, refusal, status=401)

    def get_requests_session(self) -> Session:
        """A connection with a time limit; a provider on this very machine is not asked through a proxy."""
        session: Session = super().get_requests_session()
        session.trust_env = False if self._is_here() else session.trust_env
        session.max_redirects = 3
        return session

    def _is_here(self) -> bool:
        return bool(self.request and self.request.get_host().partition(":")[0] in ("localhost", "127.0.0.1"))

    def _app(self, one: Provider) -> SocialApp:
        found = {"issuer": one.issuer, "server_url": one.issuer.rstrip("/"), "scope": list(one.scopes)}
        app = SocialApp(
            provider="openid_connect", provider_id=one.id, name=one.name, client_id=one.client_id,
            secret=queries.client_secret(one), settings=found,
        )  # fmt: skip
        app.outside = one
        return app


class ToProvider(OAuth2LoginView):
    """Send someone to an outside provider."""


class FromProvider(OAuth2CallbackView):
    """Take someone back from an outside provider."""

    def _get_state(self, request: HttpRequest, provider: CityProvider):  # type: ignore[no-untyped-def]
        state, response = super()._get_state(request, provider)
        self.adapter.state = state or {}
        return state, response

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        before = request.session.get(queries.SESSION_KEY)
        response: HttpResponse = super().dispatch(request, *args, **kwargs)
        is_new = request.session.get(queries.SESSION_KEY) not in (None, before)  # a refusal leaves the old session
        if is_new and self.adapter.state.get("step_up") == request.user.pk:
            adapters.note_step_up(request, "provider")
        return response


def go(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send someone to an outside provider.

    Raises: Refused `accounts.no_provider` or `accounts.provider_down`.
    """
    _known(request, provider_id)
    try:
        return ToProvider.adapter_view(VerifiedOpenID(request, provider_id))(request)
    except (OAuth2Error, RequestException, *_MALFORMED) as error:
        log.warning("provider %s cannot be used: %s", provider_id, type(error).__name__)
        sentence = "The provider {value} cannot be reached or is not what it should be; try again later."
        raise Refused("accounts.provider_down", sentence, value=provider_id) from error


def come_back(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take someone back from an outside provider, and sign them in.

    Raises: Refused `accounts.no_provider`.
    """
    _known(request, provider_id)
    return FromProvider.adapter_view(VerifiedOpenID(request, provider_id))(request)


def _known(request: HttpRequest, provider_id: str) -> None:
    if provider_id not in {one.id for one in queries.identity_providers(request)}:
        raise Refused("accounts.no_provider", "There is no identity provider of that name here.")


def _settle(request: HttpRequest, provider: Provider, claims: dict[str, Any]) -> None:
    """Give whoever the claims are about the account that they call for, or refuse."""
    if provider.audience == "residents":
        _settle_resident(provider, claims)
    else:
        _settle_staff(request, provider, claims)


def _settle_staff(request: HttpRequest, provider: Provider, claims: dict[str, Any]) -> None:
    place = identity.place_of(provider, claims)
    if not place.is_matched:
        actions.displace_from_outside(provider=provider.id, subject=claims["sub"], at=clock.now())
        sentence = (
            "You were recognised, but what {value} says of you ({limit}) stands for no unit and role of this city. "
            "Ask an operator to add it to identity.yaml."
        )
        raise Refused("accounts.no_place", sentence, value=provider.name, limit=", ".join(place.unknown))
    actions.account_from_outside(
        provider=provider.id, subject=claims["sub"], name=str(claims.get(provider.claims.get("name", ""), "")),
        unit=place.unit, roles=place.roles, at=clock.now(),
    )  # fmt: skip
    if place.unknown:
        messages.warning(request, _("Your provider also says something that stands for nothing here; it was left out."))


def _settle_resident(provider: Provider, claims: dict[str, Any]) -> None:
    claim = identity.identity_claim(provider, claims)
    if not claim:
        raise Refused(
            "accounts.no_claim",
            "The provider {value} does not say who you are, so there is nothing to show you; ask it to pass your "
            "identity number on.", value=provider.name,
        )  # fmt: skip
    if not settings.CITYLOOM_RESIDENT_LINKER:
        raise Refused("accounts.no_residents", "This city does not let residents sign in yet.")
    actions.resident_from_outside(
        provider=provider.id, subject=claims["sub"], claim=claim,
        link=import_string(settings.CITYLOOM_RESIDENT_LINKER), at=clock.now(),
    )  # fmt: skip


def _not_verified() -> Refused:
    return Refused(
        "accounts.outside", "Signing in by the provider did not work: what it sent cannot be verified. Try again; if "
        "it happens again, tell an operator.",
    )  # fmt: skip


def _cancelled() -> Refused:
    return Refused("accounts.outside", "You went back before you were signed in.")
