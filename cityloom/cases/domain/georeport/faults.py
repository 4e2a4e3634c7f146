"""What Open311 answers where something is wrong: one or several codes with a sentence each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cityloom.kernel.refused import Refused

BAD, FORBIDDEN, NOT_FOUND = 400, 403, 404
_FORBIDDEN = frozenset({"cases.key_missing", "cases.key_unknown"})
_NOT_FOUND = frozenset({
    "cases.no_jurisdiction", "cases.no_service", "cases.number", "cases.unknown", "cases.no_token", "cases.no_address",
    "cases.no_format",
})  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong; `code` is the HTTP status that it has."""

    code: int
    description: str


class Faults(Exception):  # noqa: N818 - an answer, as a refusal is
    """Everything that is wrong with a request, at once: whoever writes a client mends it in one go."""

    def __init__(self, refusals: Sequence[Refused]) -> None:
        super().__init__(", ".join(one.code for one in refusals))
        self.refusals = tuple(refusals)


def status_of(refusal: Refused) -> int:
    """404 for what is not there, 403 for keys, 400 for everything else. Source: GeoReport v2, "Errors"."""
    if refusal.code in _FORBIDDEN:
        return FORBIDDEN
    return NOT_FOUND if refusal.code in _NOT_FOUND else BAD
