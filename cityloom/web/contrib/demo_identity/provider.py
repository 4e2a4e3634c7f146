"""A small OpenID provider for trying out: it vouches for made-up people, on this machine, and exists nowhere else.

Source: OpenID Connect Core 1.0, OpenID Connect Discovery 1.0, RFC 7636 (PKCE).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext_noop

from cityloom.kernel import clock, ids
from cityloom.web.contrib.demo_identity import signing

ID = "demo-residents"
CLIENT = "cityloom"
LIVES_S = 60
_NAME = gettext_noop("Demo identity of a made-up resident")
_HERE = ("localhost", "127.0.0.1", "[::1]")


def exists(request: HttpRequest) -> bool:
    """Whether there is a demo provider: for made-up people only, and only on the machine that runs the city."""
    city = getattr(request, "city", None)
    wanted = bool(settings.CITYLOOM_DEMO_RESIDENTS) and not settings.CITYLOOM_BEHIND_TLS
    return bool(wanted and city and city.is_synthetic and _is_local(request))


def offered(request: HttpRequest) -> dict[str, Any] | None:
    """What identity.yaml would say of it; None where it does not exist."""
    if not exists(request):
        return None
    return {
        "id": ID, "name": _NAME, "for": "residents", "issuer": issuer(request), "client_id": CLIENT,
        "client_secret": client_secret(), "scopes": ["openid"], "claims": {"identity": "national_id"},
    }  # fmt: skip


def residents() -> list[tuple[str, str]]:
    """The made-up people whom one can be, as label and national id."""
    return list(import_string(settings.CITYLOOM_DEMO_RESIDENTS)())


def issuer(request: HttpRequest) -> str:
    """The provider's name: its own address."""
    return request.build_absolute_uri("/demo-identity")


def callback(request: HttpRequest) -> str:
    """The one address that people are sent back to."""
    return request.build_absolute_uri(reverse("openid_connect_callback", args=[ID]))


def client_secret() -> str:
    """The secret between this provider and the city."""
    return _derived("client")


def keep(kind: str, facts: dict[str, Any]) -> str:
    """Remember something for a minute under a random name."""
    name = ids.random_token()
    cache.set(_place(kind, name), facts, LIVES_S)
    return name


def recall(kind: str, name: str) -> dict[str, Any] | None:
    """What is remembered under a name."""
    return cache.get(_place(kind, name))


def spend(kind: str, name: str) -> dict[str, Any] | None:
    """What is remembered under a name, the first time only."""
    found = recall(kind, name)
    return found if found is not None and cache.delete(_place(kind, name)) else None


def subject_of(national_id: str) -> str:
    """The name under which the provider knows someone; it says nothing."""
    return _derived(f"subject\n{national_id}")[:32]


def challenge_of(verifier: str) -> str:
    """The PKCE challenge that belongs to a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def id_token(request: HttpRequest, *, subject: str, nonce: str) -> str:
    """A signed statement of who has just been chosen."""
    now = int(clock.now().timestamp())
    claims = {"iss": issuer(request), "sub": subject, "aud": CLIENT, "iat": now, "exp": now + LIVES_S, "nonce": nonce,
              "auth_time": now}  # fmt: skip
    return signing.signed(claims, _seed())


def public_keys() -> dict[str, Any]:
    """The keys with which the statements are verified."""
    return signing.public_keys(_seed())


def _seed() -> bytes:
    return bytes.fromhex(_derived("signing"))


def _derived(what: str) -> str:
    key = Path(settings.CITYLOOM["DEMO_IDENTITY_KEY_FILE"]).read_bytes()
    return hmac.new(key, f"demo identity\n{what}".encode(), hashlib.sha256).hexdigest()


def _place(kind: str, name: str) -> str:
    return f"demo-identity:{kind}:{hashlib.sha256(name.encode()).hexdigest()}"


def _is_local(request: HttpRequest) -> bool:
    try:
        local = ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
    host = request.get_host()
    return local and (host in _HERE or host.rpartition(":")[0] in _HERE)
