"""Documents that are ZIP packages (Office Open XML, OpenDocument): bounded, without programs, without what they fetch.

Source: ECMA-376 part 2 (Open Packaging Conventions), section 6; OpenDocument 1.3 part 2, section 3.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib

from cityloom.kernel.refused import Refused

MOST_PARTS = 2_000
MOST_BYTES = 100 * 1024 * 1024
"""Of all parts together, unpacked."""
MOST_TIMES = 200
"""How many times as large as packed a part of some size may become."""
_SMALL = 1024 * 1024
_LARGEST_RELATIONS = 2 * 1024 * 1024
_OPEN_XML = {
    "word/document.xml": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx"),
    "xl/workbook.xml": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"),
}
_OPEN_DOCUMENT = {
    b"application/vnd.oasis.opendocument.text": ".odt", b"application/vnd.oasis.opendocument.spreadsheet": ".ods",
}  # fmt: skip
_ACTIVE = re.compile(
    r"vbaproject|vbadata|macrosheets|/activex|/embeddings/|oleobject|^basic/|^scripts/|\.(bin|exe|dll|js|vbs)$", re.I
)
_PRINTER = re.compile(r"printersettings\d*\.bin$", re.I)
_FETCHES = re.compile(rb'TargetMode\s*=\s*["\']External["\']', re.I)
_LINK = re.compile(rb"relationships/hyperlink[\"']", re.I)
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b[^>]*>", re.I)


def check(content: bytes) -> tuple[str, str]:
    """The media type and ending of a document that may be kept.

    Raises: Refused `files.broken`, `files.bomb`, `files.active`, `files.kind`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            parts = package.infolist()
            _check_size(parts)
            found = _kind(package, {part.filename for part in parts})
            _check_quiet(package, parts)
            return found
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise Refused("files.broken", "This file is damaged or locked with a password; save it again without one, and"
                      " send that.") from error  # fmt: skip


def _check_size(parts: list[zipfile.ZipInfo]) -> None:
    whole = sum(part.file_size for part in parts)
    swollen = any(part.file_size > max(_SMALL, MOST_TIMES * part.compress_size) for part in parts)
    if len(parts) > MOST_PARTS or whole > MOST_BYTES or swollen:
        raise Refused("files.bomb", "Unpacked, this file would be far too large ({limit} MB are allowed); send it as a"
                      " PDF.", limit=MOST_BYTES // 1024 // 1024)  # fmt: skip


def _kind(package: zipfile.ZipFile, names: set[str]) -> tuple[str, str]:
    for name, kind in _OPEN_XML.items():
        if name in names and "[Content_Types].xml" in names:
            return kind
    if "mimetype" in names:
        said = _read(package, "mimetype", 200).strip()
        if said in _OPEN_DOCUMENT:
            return said.decode(), _OPEN_DOCUMENT[said]
    raise Refused("files.kind", "This is no file of a kind that can be taken here; send one of these: {limit}.",
                  limit="DOCX, XLSX, ODT, ODS, PDF")  # fmt: skip


def _check_quiet(package: zipfile.ZipFile, parts: list[zipfile.ZipInfo]) -> None:
    """Nothing in it runs, and nothing is fetched from elsewhere when it is opened; a link that one follows is fine."""
    for part in parts:
        if _ACTIVE.search(part.filename) and not _PRINTER.search(part.filename):
            raise _active()
        if part.filename.endswith(".rels") and _fetches(_read(package, part.filename, _LARGEST_RELATIONS)):
            raise _active()


def _fetches(relations: bytes) -> bool:
    if not relations.isascii():
        relations = relations.replace(b"\x00", b"")  # UTF-16 has the same signs with zeros between
    return any(_FETCHES.search(one) and not _LINK.search(one) for one in _RELATION.findall(relations))


def _read(package: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A part, however large it says that it is."""
    with package.open(name) as part:
        found = part.read(most + 1)
    if len(found) > most:
        raise _active()
    return found


def _active() -> Refused:
    return Refused("files.active", "There is something in this file that runs or fetches by itself (a macro, a script,"
                   " another file inside); print it to a PDF, and send that.")  # fmt: skip
