"""What stewards write in YAML: the faults of `kernel.written`, in the words of mappings and of rules on sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from cityloom.kernel import written
from cityloom.kernel.refused import Detail, Refused
from cityloom.kernel.written import Document, Place, meant

__all__ = ["Place", "document_of", "meant", "unfit", "wrong"]
LARGEST_BYTES = 512 * 1024
Kind = Literal["mapping", "rules"]
_TOO_LARGE = {
    "mapping": "A mapping has at most {limit} bytes; this is another file.",
    "rules": "Rules on sources have at most {limit} bytes; this is another file.",
}
_UNREADABLE = {
    "mapping": "The mapping cannot be read at line {limit}: {value}.",
    "rules": "The rules on sources cannot be read at line {limit}: {value}.",
}
_UNFIT = {
    "mapping": "Line {limit} of the mapping does not fit: {value}.",
    "rules": "Line {limit} of the rules on sources does not fit: {value}.",
}
_BEGINS = {
    "mapping": Detail("a mapping begins with names and values, as in {limit}", limit="`source: housing`"),
    "rules": Detail("rules begin with names and values, as in {limit}", limit="`cityloom: 1`"),
}


def document_of(text: str, kind: Kind) -> tuple[dict[str, Any], Mapping[Place, int]]:
    """What is written, and the line of each place in it.

    Raises: Refused `registers.<kind>_too_large`, `registers.<kind>_unreadable`.
    """
    if len(text.encode()) > LARGEST_BYTES:
        raise Refused(f"registers.{kind}_too_large", _TOO_LARGE[kind], limit=LARGEST_BYTES)
    try:
        document = written.read(text, begins=_BEGINS[kind])
    except written.Fault as fault:
        raise Refused(
            f"registers.{kind}_unreadable", _UNREADABLE[kind], value=fault.what, limit=fault.line
        ) from fault
    return document.says, document.lines


def unfit(error: Any, lines: Mapping[Place, int], kind: Kind) -> Refused:
    """What a JSON Schema does not allow, with its line and what was probably meant."""
    return _unfit(written.unmet(error, Document({}, lines)), kind)


def wrong(place: Place, words: Detail, lines: Mapping[Place, int], kind: Kind = "mapping") -> Refused:
    """What does not fit at a place, with its line."""
    return _unfit(written.wrong(place, words, Document({}, lines)), kind)


def _unfit(fault: written.Fault, kind: Kind) -> Refused:
    return Refused(f"registers.{kind}_unfit", _UNFIT[kind], limit=fault.line, value=fault.what)
