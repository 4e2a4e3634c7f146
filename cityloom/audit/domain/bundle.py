"""The file that a resident takes away: entries of the log that can be proved without the city's help."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cityloom.kernel import clock

NOTICE = (
    "Proves that these entries stand in the log that the key in your hand has signed. It does not prove that nothing"
    " else happened: not that a screen was not photographed, not that the log was complete, and without a witness's"
    " cosignature not that others were shown the same log."
)


@dataclass(frozen=True)
class LoggedLeaf:
    """A leaf that its reader may see: where it stands, its canonical text, and its salt."""

    index: int
    text: bytes
    salt: bytes


def compose(
    leaves: Sequence[LoggedLeaf], proofs: Sequence[Sequence[bytes]], *, note: str, vkey: str, at: datetime
) -> dict[str, object]:
    """A bundle of version 1; docs/reference/bundle.md says what each part is."""
    entries = [
        {
            "index": leaf.index, "leaf": leaf.text.decode(), "salt": leaf.salt.hex(),
            "proof": [base64.b64encode(each).decode() for each in proof],
        }
        for leaf, proof in zip(leaves, proofs, strict=True)
    ]  # fmt: skip
    return {
        "format": "cityloom-bundle", "version": 1, "origin": note.partition("\n")[0], "key": vkey, "checkpoint": note,
        "entries": entries, "made_at": clock.to_text(at), "notice": NOTICE,
    }  # fmt: skip
