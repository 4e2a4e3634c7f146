"""Who acts, said by the web to the keeper for a minute at most, under a key that both hold."""

from __future__ import annotations

import hashlib
import hmac

import msgspec

from cityloom.keeper.protocol import Signed
from cityloom.kernel.actor import Actor

LIFETIME_S = 60
CLOCK_SKEW_S = 5
_LABEL = b"cityloom assertion v1\x00"


class Claims(msgspec.Struct, frozen=True, array_like=True):
    """The actor, the second this was said, and the drill with its own time (both empty outside drills).

    `service` is the system that asks; `step_up_at` the second at which the actor last showed a second factor.
    """

    account: str
    unit: str
    roles: list[str]
    issued_at: int
    expires_at: int
    exercise_id: str = ""
    drill_at: str = ""
    service: str = "city"
    step_up_at: int = 0


class BadAssertion(Exception):  # noqa: N818 - read as a fact about the message
    """The claims are forged, expired or malformed."""


_decoder = msgspec.msgpack.Decoder(Claims)


def sign(
    actor: Actor, *, key: bytes, now_s: int, exercise_id: str = "", drill_at: str = "", service: str = "city",
    step_up_at: int = 0,
) -> Signed:  # fmt: skip
    """Say who acts, for the next minute; `now_s` is wall time in seconds since 1970, also in a drill."""
    claims = msgspec.msgpack.encode(
        Claims(
            actor.account, actor.unit, sorted(actor.roles), now_s, now_s + LIFETIME_S, exercise_id, drill_at, service,
            step_up_at,
        )
    )  # fmt: skip
    return Signed(claims=claims, mac=_mac(key, claims))


def verify(signed: Signed, *, key: bytes, now_s: int) -> Claims:
    """The claims, if the key's holder made them within the last minute. Raises: BadAssertion."""
    if not hmac.compare_digest(_mac(key, signed.claims), signed.mac):
        raise BadAssertion("forged")
    try:
        claims = _decoder.decode(signed.claims)
    except msgspec.MsgspecError as error:
        raise BadAssertion("malformed") from error
    lifetime = claims.expires_at - claims.issued_at
    if not 0 < lifetime <= LIFETIME_S or claims.issued_at > now_s + CLOCK_SKEW_S or now_s >= claims.expires_at:
        raise BadAssertion("expired")
    return claims


def _mac(key: bytes, claims: bytes) -> bytes:
    return hmac.digest(key, _LABEL + claims, hashlib.sha256)
