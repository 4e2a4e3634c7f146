"""The door of the keeper: a request comes in as its maker made it, and only once."""

from __future__ import annotations

import hashlib
import hmac
import threading

import msgspec

from cityloom.keeper import protocol
from cityloom.keeper.assertion import CLOCK_SKEW_S, LIFETIME_S
from cityloom.keeper.protocol import Authentic, Request
from cityloom.kernel import clock, ids
from cityloom.kernel.refused import Refused

_LABEL = b"cityloom request v1\x00"
_REMEMBERED_S = LIFETIME_S + 2 * CLOCK_SKEW_S
"""Longer than an assertion lives: what is older is refused for its age."""


def seal(request: Request, key: bytes) -> Authentic:
    """A request, bound to the key and to this one sending of it."""
    body, nonce = protocol.encode(request), ids.random_bytes(16)
    return Authentic(body, nonce, _mac(key, nonce, body))


class Door:
    """Opens what `seal` made, once. Safe in many threads."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._lock = threading.Lock()
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()
        self._turned_s = clock.steady()

    def let_in(self, request: Request) -> Request:
        """What may be answered. Raises: Refused `gate.forged`, `gate.replayed`, `gate.bad_request`."""
        if isinstance(request, protocol.UNSEALED):
            return request
        if not isinstance(request, Authentic):
            raise Refused("gate.forged", "The keeper answers only what the city's own processes have signed.")
        if not hmac.compare_digest(_mac(self._key, request.nonce, request.body), request.mac):
            raise Refused("gate.forged", "The request was changed on its way, so nothing was opened; ask again.")
        if not self._first_time(request.nonce):
            raise Refused("gate.replayed", "This request was made before; a request is answered once. Ask again.")
        try:
            return protocol.read_request(request.body)
        except msgspec.MsgspecError as error:
            raise protocol.malformed() from error

    def _first_time(self, nonce: bytes) -> bool:
        with self._lock:
            if clock.steady() - self._turned_s > _REMEMBERED_S:
                self._old, self._young, self._turned_s = self._young, set(), clock.steady()
            known = nonce in self._young or nonce in self._old
            self._young.add(nonce)
        return not known


def _mac(key: bytes, nonce: bytes, body: bytes) -> bytes:
    return hmac.digest(key, _LABEL + nonce + body, hashlib.sha256)
