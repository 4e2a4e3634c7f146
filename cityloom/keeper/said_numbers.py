"""Numbers that tell whether two versions of one person say the same of a field, and nothing beside another person's.

A keeper has one form of them for its whole life, because decisions rest on what they were (decision 0049).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cityloom.keeper import blocks
from cityloom.keeper.digesting import NUMBERS

_PERSON_BYTES, _WIDTH = 8, 64
_ROOM = _WIDTH - _PERSON_BYTES - 1
_HASHED = 0x80
"""Added to a field's mark where what is said stands as its digest, because it is too long."""
_ALMOST_NOTHING = 2
"""In the place of a code that is 0, which means that nothing is said; even, as of a name without signs."""


def by_hash(secret: bytes, subjects: NDArray[np.int64], said: Mapping[str, NDArray[np.uint8]]) -> NDArray[np.int64]:
    """One after the other, int64 (n, fields). Source: RFC 2104, SHA-256."""
    out = np.zeros((len(subjects), len(said)), np.int64)
    about = [subject.to_bytes(8, "big") for subject in subjects.tolist()]
    for at, (field, rows) in enumerate(said.items()):
        there, name = np.flatnonzero(rows.any(axis=1)), field.encode()
        form = "V" if field in NUMBERS else "S"  # numpy takes the zeros behind a text away, and leaves a number's
        texts = np.ascontiguousarray(rows[there]).view(f"{form}{rows.shape[1]}").reshape(-1).tolist()
        codes = [hmac.digest(secret, b"\x00".join((b"said", about[row], name, text)), "sha256")[:8]
                 for row, text in zip(there.tolist(), texts, strict=True)]  # fmt: skip
        out[there, at] = np.frombuffer(b"".join(codes), ">i8")
        out[there[out[there, at] == 0], at] = _ALMOST_NOTHING
    return out


def by_blocks(secret: bytes, subjects: NDArray[np.int64], said: Mapping[str, NDArray[np.uint8]]) -> NDArray[np.int64]:
    """All at once, int64 (n, fields): person, field and what is said in 64 bytes. Source: NIST SP 800-38B."""
    out = np.zeros((len(subjects), len(said)), np.int64)
    message = np.zeros((len(subjects), _WIDTH), np.uint8)
    message[:, :_PERSON_BYTES] = subjects.astype(">i8").view(np.uint8).reshape(-1, _PERSON_BYTES)
    for at, rows in enumerate(said.values()):
        there = np.flatnonzero(rows.any(axis=1))
        message[there, _PERSON_BYTES:] = _fitted(at + 1, rows[there])
        codes = blocks.message_codes(secret, message[there])[:, :8]
        out[there, at] = np.ascontiguousarray(codes).view("<i8").reshape(-1)
        out[there[out[there, at] == 0], at] = _ALMOST_NOTHING
    return out


def _fitted(mark: int, rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A field's mark and what is said, or the digest of what is too long."""
    out = np.zeros((len(rows), 1 + _ROOM), np.uint8)
    out[:, 0] = mark
    out[:, 1 : 1 + rows.shape[1]] = rows[:, :_ROOM]
    for row in np.flatnonzero(rows[:, _ROOM:].any(axis=1)).tolist():
        whole = hashlib.sha256(rows[row].tobytes().rstrip(b"\x00")).digest()
        out[row] = np.frombuffer(bytes([mark | _HASHED]) + whole.ljust(_ROOM, b"\x00"), np.uint8)
    return out
