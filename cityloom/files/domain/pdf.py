"""PDF documents: whole, without a password, and with nothing in them that runs, or carries other files.

Source: ISO 32000-2, sections 12.6 (actions), 7.11.4 (embedded files), 12.7.8 (XFA), 13 (rich media).
"""

from __future__ import annotations

import io
from typing import Any

import pikepdf

from cityloom.kernel.refused import Refused

MOST_OBJECTS = 200_000
MOST_PAGES = 1_000
_ACTIONS = frozenset({
    "/JavaScript", "/Launch", "/ImportData", "/Rendition", "/SubmitForm", "/GoToE", "/RichMediaExecute",
})  # fmt: skip
_PARTS = ("/JS", "/EF", "/XFA", "/RichMediaContent", "/EmbeddedFiles", "/JavaScript")
_SUBTYPES = frozenset({"/RichMedia", "/FileAttachment", "/Screen", "/Movie", "/3D"})


def check(content: bytes) -> None:
    """Raises: Refused `files.broken`, `files.bomb`, `files.active`."""
    try:
        with pikepdf.open(io.BytesIO(content), suppress_warnings=True) as document:
            if len(document.objects) > MOST_OBJECTS or len(document.pages) > MOST_PAGES:
                raise Refused("files.bomb", "This PDF has more than {limit} pages or too many parts; send it in"
                              " pieces.", limit=MOST_PAGES)  # fmt: skip
            if any(_acts(one) for one in document.objects):
                raise Refused("files.active", "There is something in this file that runs or fetches by itself (a macro,"
                              " a script, another file inside); print it to a PDF, and send that.")  # fmt: skip
    except Refused:
        raise
    except Exception as error:  # what is written to break a reader breaks it in ways that nobody has listed
        raise Refused("files.broken", "This file is damaged or locked with a password; save it again without one, and"
                      " send that.") from error  # fmt: skip


def _acts(start: Any) -> bool:
    """Whether an object, or one that is written inside it, does something by itself."""
    waiting = [start]
    while waiting:
        one = waiting.pop()
        if isinstance(one, pikepdf.Stream):
            one = one.stream_dict
        if isinstance(one, pikepdf.Array):
            waiting += [each for each in one if _is_inside(each)]
        elif isinstance(one, pikepdf.Dictionary):
            if _is_active(one):
                return True
            waiting += [value for value in one.as_dict().values() if _is_inside(value)]
    return False


def _is_inside(value: Any) -> bool:
    """What stands for itself elsewhere in the file is looked at there."""
    return isinstance(value, pikepdf.Array | pikepdf.Dictionary) and not value.is_indirect


def _is_active(one: Any) -> bool:
    return (
        any(name in one for name in _PARTS)
        or str(one.get("/S", "")) in _ACTIONS
        or str(one.get("/Subtype", "")) in _SUBTYPES
    )
