"""Questions about files that somebody sends: what they are, and whether they may be kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from cityloom.files.domain import safe
from cityloom.files.domain.safe import KINDS, LARGEST_BYTES, SafeFile, Upload
from cityloom.files.plugins import Scanner, check_clean
from cityloom.kernel.refused import Refused

__all__ = ["KINDS", "LARGEST_BYTES", "SafeFile", "Upload"]


@dataclass(frozen=True)
class Looked:
    """A file that may be kept, and the scanner that looked through it; "" where the city has none."""

    file: SafeFile
    scanner: str


def looked_at(name: str, content: bytes, kinds: Collection[str] = KINDS) -> Looked:
    """Look a file through: what it is by its content, cleaned, scanned as it came.

    Raises: Refused `files.*` with what is wrong and what to do.
    """
    scanner = check_clean(scanner_of(settings.CITYLOOM_SCANNER), content)
    return Looked(safe.safe(name, content, kinds), scanner)


@cache
def scanner_of(address: str) -> Scanner | None:
    """The scanner at an address of the settings; None for "".

    Raises: Refused `files.scanner_config`.
    """
    if not address:
        return None
    kind = address.partition(":")[0]
    known = settings.CITYLOOM_SCANNERS
    if kind not in known:
        raise Refused("files.scanner_config", "There is no scanner {value}; set CITYLOOM_SCANNER to one of: {limit}.",
                      value=kind[:20], limit=", ".join(f"{name}:" for name in known))  # fmt: skip
    scanner: Scanner = import_string(known[kind])(address)
    return scanner
