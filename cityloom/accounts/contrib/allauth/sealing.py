"""The seeds of second factors, sealed in the database.

The keeper seals what is known of residents; these seeds belong to the sign-in, which has to work before anyone asks
the keeper for anything. A stolen database without the installation's secret yields no codes.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from cityloom.kernel import ids

_VERSION = b"\x01"
_NONCE = 12


def seal(text: str) -> str:
    """Encrypt a seed with AES-256-GCM."""
    nonce = ids.random_bytes(_NONCE)
    return base64.b64encode(_VERSION + nonce + _cipher().encrypt(nonce, text.encode(), _VERSION)).decode()


def unseal(sealed: str) -> str:
    """Decrypt a seed; cryptography.exceptions.InvalidTag if it is not of this installation."""
    data = base64.b64decode(sealed)
    return _cipher().decrypt(data[1 : 1 + _NONCE], data[1 + _NONCE :], data[:1]).decode()


def _cipher() -> AESGCM:
    secret = Path(settings.CITYLOOM["SECOND_FACTOR_KEY_FILE"]).read_bytes()
    return AESGCM(hashlib.sha256(b"cityloom second factor v1\n" + secret).digest())
