"""The door of the keeper: a request comes in as its maker made it, once, and to the run of the keeper it was made for.

What was let in is remembered in memory alone. So each run of a keeper has a random name, which lies beside its socket
and goes into every seal: a request that was caught before a restart is nobody's after it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from pathlib import Path

import msgspec

from cityloom.keeper import protocol
from cityloom.keeper.assertion import CLOCK_SKEW_S, LIFETIME_S
from cityloom.keeper.protocol import Authentic, Request
from cityloom.kernel import clock, ids
from cityloom.kernel.refused import Refused

_LABEL = b"cityloom request v2\x00"
_RUN_BYTES = 16
_REMEMBERED_S = LIFETIME_S + 2 * CLOCK_SKEW_S
"""Longer than an assertion lives: what is older is refused for its age."""


def begin_run(address: Path) -> bytes:
    """Name the run of a keeper that is about to listen at an address."""
    run, draft = ids.random_bytes(_RUN_BYTES), _run_file(address).with_suffix(".draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(run)
    draft.replace(_run_file(address))
    return run


def run_at(address: Path) -> bytes:
    """The name of the run that listens there; ask for it after connecting, so that it is not an earlier one's."""
    try:
        return _run_file(address).read_bytes()
    except FileNotFoundError:
        return b""


def end_run(address: Path) -> None:
    """Take the name away."""
    _run_file(address).unlink(missing_ok=True)


def seal(request: Request, key: bytes, run: bytes = b"") -> Authentic:
    """A request, bound to the key, to a run of the keeper, and to this one sending of it."""
    body, nonce = protocol.encode(request), ids.random_bytes(16)
    return Authentic(body, nonce, _mac(key, run, nonce, body))


class Door:
    """Opens what `seal` made, once. Safe in many threads."""

    def __init__(self, key: bytes, run: bytes = b"") -> None:
        self._key = key
        self._run = run
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
        if not hmac.compare_digest(_mac(self._key, self._run, request.nonce, request.body), request.mac):
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


def _run_file(address: Path) -> Path:
    return address.with_name(f"{address.name}.run")


def _mac(key: bytes, run: bytes, nonce: bytes, body: bytes) -> bytes:
    return hmac.digest(key, _LABEL + run.ljust(_RUN_BYTES, b"\x00") + nonce + body, hashlib.sha256)
