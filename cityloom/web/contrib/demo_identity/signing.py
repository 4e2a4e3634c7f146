"""The demo provider's signature: Ed25519, as RFC 8037 writes it in JSON."""

from __future__ import annotations

import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

_KEY_ID = "demo"


def signed(claims: dict[str, Any], seed: bytes) -> str:
    """Claims as a signed token."""
    return jwt.encode(claims, Ed25519PrivateKey.from_private_bytes(seed), algorithm="EdDSA", headers={"kid": _KEY_ID})


def public_keys(seed: bytes) -> dict[str, Any]:
    """The key that verifies them, as a key set."""
    public = json.loads(OKPAlgorithm.to_jwk(Ed25519PrivateKey.from_private_bytes(seed).public_key()))
    return {"keys": [public | {"kid": _KEY_ID, "alg": "EdDSA", "use": "sig"}]}
