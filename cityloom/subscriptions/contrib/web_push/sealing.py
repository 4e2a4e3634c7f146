"""What a push service demands of cryptography: a message that only the browser can read, and a signature of the city.

These keys protect nothing that the keeper holds: a message's key lives for one message, the signing key only says which
server speaks (decision 0016).
"""

from __future__ import annotations

import base64
import hashlib
import hmac

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cityloom.kernel import ids

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256. Source: FIPS 186-5."""
_RECORD_BYTES = 4096
_SALT_BYTES = 16


def encrypted(
    plain: bytes, receiver: bytes, secret: bytes, *, salt: bytes | None = None,
    sender: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:  # fmt: skip
    """One message for one browser, of one record. Raises: ValueError for keys that are none.

    Source: RFC 8291, section 3.4; RFC 8188, section 2.
    """
    sender = sender or ec.generate_private_key(ec.SECP256R1())
    salt = salt or ids.random_bytes(_SALT_BYTES)
    public = _point(sender)
    shared = sender.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), receiver))
    keying = _derived(secret, shared, b"WebPush: info\x00" + receiver + public, 32)
    key = _derived(salt, keying, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _derived(salt, keying, b"Content-Encoding: nonce\x00", 12)
    head = salt + _RECORD_BYTES.to_bytes(4, "big") + bytes([len(public)]) + public
    return head + AESGCM(key).encrypt(nonce, plain + b"\x02", None)


def authorization(seed: bytes, audience: str, contact: str, expires_s: int) -> str:
    """Who speaks to the push service. Source: RFC 8292, sections 2 and 3."""
    token = jwt.encode({"aud": audience, "exp": expires_s, "sub": contact}, _signing_key(seed), algorithm="ES256")
    return f"vapid t={token}, k={public_key(seed)}"


def public_key(seed: bytes) -> str:
    """The city's public key as browsers want it: an uncompressed point in base64url."""
    return encoded(_point(_signing_key(seed)))


def encoded(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """What `encoded` wrote. Raises: ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def is_point(data: bytes) -> bool:
    """Whether bytes are a point of the curve, written out."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)
    except ValueError:
        return False
    return len(data) == 65


def _signing_key(seed: bytes) -> ec.EllipticCurvePrivateKey:
    number = int.from_bytes(hashlib.sha512(b"cityloom web push v1\x00" + seed).digest(), "big")
    return ec.derive_private_key(number % (_ORDER - 1) + 1, ec.SECP256R1())


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _derived(salt: bytes, keying: bytes, info: bytes, length: int) -> bytes:
    """HKDF with SHA-256 in its one-block form. Source: RFC 5869, section 2."""
    return hmac.digest(hmac.digest(salt, keying, "sha256"), info + b"\x01", "sha256")[:length]
