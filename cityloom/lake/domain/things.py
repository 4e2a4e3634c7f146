"""Which number of 64 bits stands for a registered thing in the lake."""

from __future__ import annotations

import hashlib


def thing_of(register: str, key: str) -> int:
    """The number of an entry, the same on every machine; of a billion entries fewer than one in ten share one."""
    digest = hashlib.blake2b(f"{register}\0{key}".encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
