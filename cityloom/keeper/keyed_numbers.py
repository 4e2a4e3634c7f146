"""What a register knows the numbers of people by: 64 keyed bits for each, never 0, the same for ever (decision 0026).

A keeper has one form of them for its whole life, because what it gave once is looked up again.
"""

from __future__ import annotations

import hashlib
import hmac

import numpy as np
from numpy.typing import NDArray

from cityloom.keeper import blocks

BY_HASH, BY_BLOCKS, ALL_BY_BLOCKS = 1, 2, 3
"""The forms: HMAC-SHA-256, one number after the other; AES-CMAC, all numbers at once (decision 0035); the same, and so
is what people are compared by (decision 0049)."""
_WIDTH = 32


def tokens(form: int, secret: bytes, source: str, numbers: NDArray[np.uint8]) -> NDArray[np.int64]:
    """What each number of a source, uint8 (n, width) padded with zeros, is known by: 8 bytes of a keyed code."""
    made = (_by_hash if form == BY_HASH else _by_blocks)(secret, source.encode(), numbers)
    made[made == 0] = 1
    return made


def _by_hash(secret: bytes, source: bytes, numbers: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Source: RFC 2104, SHA-256."""
    about = source + b"\x00"
    run = b"".join([hmac.digest(secret, about + number, "sha256")[:8] for number in _each(numbers)])
    return np.frombuffer(run, "<i8").copy()


def _by_blocks(secret: bytes, source: bytes, numbers: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Numbers that fit stand as they are, the digests of others under a key of their own. Source: NIST SP 800-38B."""
    fits = ~numbers[:, _WIDTH:].any(axis=1)
    made = np.empty(len(numbers), np.int64)
    made[fits] = _codes(_key(secret, b"short", source), numbers[fits, :_WIDTH])
    if not fits.all():
        run = b"".join([hashlib.sha256(number).digest() for number in _each(numbers[~fits])])
        made[~fits] = _codes(_key(secret, b"long", source), np.frombuffer(run, np.uint8).reshape(-1, _WIDTH))
    return made


def _key(secret: bytes, name: bytes, source: bytes) -> bytes:
    return hmac.digest(secret, name + b"\x00" + source, "sha256")


def _each(numbers: NDArray[np.uint8]) -> list[bytes]:
    """Each number without its padding."""
    return np.ascontiguousarray(numbers).view(f"S{numbers.shape[1]}").reshape(-1).tolist()


def _codes(key: bytes, messages: NDArray[np.uint8]) -> NDArray[np.int64]:
    whole = np.zeros((len(messages), _WIDTH), np.uint8)
    whole[:, : messages.shape[1]] = messages
    return np.ascontiguousarray(blocks.message_codes(key, whole)[:, :8]).view("<i8").reshape(-1)
