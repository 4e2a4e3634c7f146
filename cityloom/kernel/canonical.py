"""One form of a document, byte for byte: the JSON Canonicalization Scheme (RFC 8785)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import rfc8785


def canonical_bytes(document: Mapping[str, object] | list[object]) -> bytes:
    """The UTF-8 bytes that are hashed, signed and compared."""
    return rfc8785.dumps(document)  # type: ignore[arg-type]


def digest(document: Mapping[str, object] | list[object]) -> str:
    """SHA-256 of the canonical bytes, in lower-case hexadecimal."""
    return hashlib.sha256(canonical_bytes(document)).hexdigest()
