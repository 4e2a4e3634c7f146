"""What a file is by what is in it, whatever it is called, and whether it may be kept."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

from cityloom.files.domain import packages, pdf, pictures
from cityloom.kernel.refused import Refused

LARGEST_BYTES = 7 * 1024 * 1024
"""Of a document; a photo may have more, and is made smaller."""
LONGEST_NAME = 100
_TEXT = "text/plain; charset=utf-8"
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")
_KEPT_CONTROLS = frozenset("\t\n\r\f")
_BAD_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f"*/:<>?\\|\u200e\u200f\u202a-\u202e\u2066-\u2069]+')
_TITLES = {"picture": "JPEG, PNG, WebP", "pdf": "PDF", "office": "DOCX, XLSX, ODT, ODS", "text": "TXT, CSV"}
KINDS = tuple(_TITLES)


class Upload(NamedTuple):
    """A file as somebody sent it, and the field of a form that it answers."""

    name: str
    content: bytes
    field: str = ""


@dataclass(frozen=True)
class SafeFile:
    """A file that may be kept: its name and content cleaned, its type by what is in it, SHA-256 of the content."""

    name: str
    kind: str
    media_type: str
    content: bytes
    digest: str


def safe(name: str, content: bytes, kinds: Collection[str] = KINDS) -> SafeFile:
    """The file as it may be kept; a photo is written anew with nothing but pixels.

    Raises: Refused `files.empty`, `files.large`, `files.kind`, `files.active`, `files.broken`, `files.bomb`,
    `files.photo_*`.
    """
    if not content:
        raise Refused("files.empty", "This file is empty; choose another one.")
    kind = _kind(content)
    if kind not in kinds:
        raise Refused("files.kind", "This is no file of a kind that can be taken here; send one of these: {limit}.",
                      limit=", ".join(_TITLES[one] for one in KINDS if one in kinds))  # fmt: skip
    if kind != "picture" and len(content) > LARGEST_BYTES:
        raise Refused("files.large", "This file has {value} MB, and at most {limit} MB can be taken; send a smaller"
                      " one, or several.", value=round(len(content) / 1024 / 1024, 1),
                      limit=LARGEST_BYTES // 1024 // 1024)  # fmt: skip
    kept, media_type, ending = _CLEANING[kind](content)
    return SafeFile(named(name, ending), kind, media_type, kept, hashlib.sha256(kept).hexdigest())


def named(name: str, ending: str) -> str:
    """A name to save a file under: no folder, no control or direction marks, and the ending of what it is."""
    plain = _BAD_IN_NAMES.sub(" ", unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2]))
    stem = plain.strip(" .").rpartition(".")[0] or plain.strip(" .")
    return f"{stem.strip(' .')[:LONGEST_NAME] or 'file'}{ending}"


def _kind(content: bytes) -> str:
    if content.startswith(_PICTURES):
        return "picture"
    if b"%PDF-" in content[:1024]:
        return "pdf"
    if content.startswith(b"PK\x03\x04"):
        return "office"
    return "text" if _is_text(content) else ""


def _is_text(content: bytes) -> bool:
    try:
        words = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return all(sign in _KEPT_CONTROLS or unicodedata.category(sign) != "Cc" for sign in words)


def _picture(content: bytes) -> tuple[bytes, str, str]:
    return pictures.cleaned(content), pictures.MEDIA_TYPE, ".jpg"


def _pdf(content: bytes) -> tuple[bytes, str, str]:
    pdf.check(content)
    return content, "application/pdf", ".pdf"


def _office(content: bytes) -> tuple[bytes, str, str]:
    media_type, ending = packages.check(content)
    return content, media_type, ending


def _text(content: bytes) -> tuple[bytes, str, str]:
    return content.decode("utf-8-sig").encode(), _TEXT, ".txt"


_CLEANING: dict[str, Callable[[bytes], tuple[bytes, str, str]]] = {
    "picture": _picture, "pdf": _pdf, "office": _office, "text": _text,
}  # fmt: skip
