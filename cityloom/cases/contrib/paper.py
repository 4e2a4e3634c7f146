"""A permit as a PDF, set by typst; what is in it comes as data and is never markup."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any

from cityloom.kernel.refused import Refused
from cityloom.ui import typeset


def pdf(sheet: Mapping[str, Any]) -> bytes:
    """The permit; `sheet` has title, result, office, reference, pairs, parts (title, lines) and notes.

    Raises: Refused `cases.no_font` where it has Chinese characters and this computer no font with them.
    """
    if not typeset.can_set(sheet):
        raise Refused("cases.no_font", "This computer has no font with Chinese characters, so the PDF cannot be made"
                      " here; print the page instead.")  # fmt: skip
    return typeset.pdf((resources.files("cityloom.cases") / "certificate.typ").read_bytes(), sheet)
