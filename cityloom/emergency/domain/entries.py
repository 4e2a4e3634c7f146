"""What people write into the log of an incident: bounded, and harmless wherever it is shown."""

from __future__ import annotations

import re

from cityloom.kernel.refused import Refused

LONGEST = 1_000
LONGEST_REASON = 2_000
_BREAKS = re.compile(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]")
_DANGEROUS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb\ud800-\udfff]")
"""Control characters, and marks that turn the direction of the text around them; single letters keep their own."""
_EMPTY_LINES = re.compile(r"\n{3,}")


def cleaned(text: str) -> str:
    """The text as it is kept.

    Raises: Refused `emergency.entry_empty`, `emergency.entry_long`.
    """
    plain = _harmless(text)
    if not plain:
        raise Refused("emergency.entry_empty", "Nothing was written, so nothing was kept; say what happened.")
    if len(plain) > LONGEST:
        raise Refused("emergency.entry_long", "The entry has {value} characters; at most {limit} are kept. Shorten it.",
                      value=len(plain), limit=LONGEST)  # fmt: skip
    return plain


def cleaned_reason(text: str) -> str:
    """Why a document goes back, as it is kept.

    Raises: Refused `emergency.no_reason`, `emergency.reason_long`.
    """
    plain = _harmless(text)
    if not plain:
        raise Refused("emergency.no_reason", "Say what has to change, so that the next revision can be better.")
    if len(plain) > LONGEST_REASON:
        raise Refused("emergency.reason_long", "The reason has {value} characters; at most {limit} are kept. Shorten "
                      "it.", value=len(plain), limit=LONGEST_REASON)  # fmt: skip
    return plain


def _harmless(text: str) -> str:
    plain = _DANGEROUS.sub("", _BREAKS.sub("\n", text)).strip()
    return _EMPTY_LINES.sub("\n\n", plain)
