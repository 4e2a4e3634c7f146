"""The only door to chance: identifiers and random bytes come from here."""

from __future__ import annotations

import hashlib
import secrets
import time

import numpy as np

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ULID_LENGTH = 26


def new_ulid() -> str:
    """A new ULID: 48 bits of milliseconds and 80 random bits, 26 characters, sortable by time of making.

    Source: the ULID specification (github.com/ulid/spec).
    """
    return _base32((time.time_ns() // 1_000_000) << 80 | secrets.randbits(80))


def named_id(*parts: object) -> str:
    """The same 26 characters for the same parts: the id of something that must come into being only once."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return _base32(int.from_bytes(digest[:16], "big"))


def random_bytes(count: int) -> bytes:
    """`count` bytes fit for keys, secrets and nonces."""
    return secrets.token_bytes(count)


def random_token() -> str:
    """A URL-safe secret of 32 random bytes."""
    return secrets.token_urlsafe(32)


def seeded(seed: int, *scope: object) -> np.random.Generator:
    """A reproducible generator for synthetic data, independent for each scope; never for secrets."""
    digest = hashlib.sha256("\x1f".join([str(seed), *map(str, scope)]).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _base32(number: int) -> str:
    return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))
