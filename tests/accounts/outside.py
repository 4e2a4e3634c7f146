"""An OpenID provider of tests: in this process, and able to lie in every way."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client
from requests.adapters import BaseAdapter

ISSUER = "https://sso.example"
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Outside(BaseAdapter):
    """`claims` go into the ID token, `userinfo` beside them; `lie` may change the claims before they are signed."""

    def __init__(self) -> None:
        super().__init__()
        self.claims: dict[str, Any] = {"sub": "u-1"}
        self.userinfo: dict[str, Any] | None = None
        self.lie: Callable[[dict[str, Any]], None] = lambda claims: None
        self.issuer = ISSUER
        self.signing: Any = _KEY
        self.algorithm, self.header = "RS256", {"kid": "one"}
        self.nonce = ""
        self.asked: list[dict[str, str]] = []
        self.fails: set[str] = set()

    def session(self) -> requests.Session:
        session = requests.Session()
        session.mount(ISSUER, self)
        return session

    def sign_with_another_key(self) -> None:
        self.signing = _OTHER

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        path = urlsplit(str(request.url)).path
        if path in self.fails:
            raise requests.ConnectionError("not there")
        if path == "/token":
            self.asked.append({name: values[0] for name, values in parse_qs(str(request.body)).items()})
        answers = {
            "/.well-known/openid-configuration": self._discovery, "/token": self._token, "/keys": self._keys,
            "/userinfo": lambda: self.userinfo or {"sub": self.claims["sub"]},
        }  # fmt: skip
        response = requests.Response()
        response.status_code, response.url, response.request = 200, str(request.url), request
        response.headers["content-type"] = "application/json"
        response.raw = io.BytesIO(json.dumps(answers[path]()).encode())
        return response

    def close(self) -> None:
        """Nothing is held open."""

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer, "authorization_endpoint": f"{ISSUER}/authorize", "token_endpoint": f"{ISSUER}/token",
            "userinfo_endpoint": f"{ISSUER}/userinfo", "jwks_uri": f"{ISSUER}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }  # fmt: skip

    def _token(self) -> dict[str, Any]:
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": "city", "iat": now, "exp": now + 60, "nonce": self.nonce, "auth_time": now}
        claims |= self.claims
        self.lie(claims)
        signed = jwt.encode(claims, self.signing, algorithm=self.algorithm, headers=self.header)
        return {"access_token": "at", "token_type": "Bearer", "id_token": signed}

    def _keys(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(_KEY.public_key()))
        return {"keys": [public | {"kid": "one", "alg": "RS256", "use": "sig"}]}


def way(outside: Outside, client: Client, provider: str, query: str = "") -> tuple[dict[str, str], str]:
    """Start a sign-in: what the provider was asked, and where it sends the person back."""
    answer = client.get(f"/sign-in/with/{provider}/{query}")
    assert answer.status_code == 302, answer.content.decode()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.url).query).items()}
    outside.nonce = asked["nonce"]
    return asked, f"/sign-in/with/{provider}/back/?code=c&state={asked['state']}"


def arrive(outside: Outside, client: Client, provider: str, query: str = "") -> Any:
    """Go to the provider and come back."""
    return client.get(way(outside, client, provider, query)[1])
