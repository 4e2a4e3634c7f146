"""Where a memo lies: a folder or a ZIP, written whole or not at all, and opened with bounds."""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from cityloom.insight.studying import folders
from cityloom.insight.telling import paper
from cityloom.kernel import canonical
from cityloom.kernel.refused import Refused
from cityloom.ui import typeset

HEAD, HTML, STUDY = "memo.json", "memo.html", "study"
LANGUAGES = ("en", "zh-hans")
MOST_BYTES, MOST_FILES = 4_000_000_000, 200
_NAME = re.compile(
    r"(study/)?(study\.json|(inputs|steps)/[a-z0-9][a-z0-9_.-]{0,80}\.csv)|memo\.json|memo\.html|memo\.[a-z-]+\.pdf")
_TAKEN = "{value} is there already; name another file or folder."
_NO_ZIP = "{value} is no memo or study ({limit}); name its folder or its ZIP."
_FIRST = (1980, 1, 1, 0, 0, 0)
"""The time of each file in a ZIP: the same memo is the same file."""


@contextmanager
def put_in_place(out: Path) -> Iterator[Path]:
    """A folder to write into, which becomes `out` when the block ends well; for a .zip, it is let go.

    Raises: Refused `insight.memo_taken`.
    """
    if out.exists() and not (out.is_dir() and ((out / HEAD).is_file() or not any(out.iterdir()))) and not (
        out.is_file() and out.suffix == ".zip"
    ):
        raise Refused("insight.memo_taken", _TAKEN, value=str(out)[-120:])
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.stem}.", dir=out.parent) as within:
        folder = Path(within) / "memo"
        folder.mkdir()
        yield folder
        if out.suffix != ".zip":
            if out.exists():
                shutil.rmtree(out)
            folder.rename(out)


def packed(folder: Path, out: Path) -> None:
    """All files of a folder as a ZIP."""
    fresh = out.with_name(f".{out.name}.part")
    with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _FIRST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with path.open("rb") as source, archive.open(entry, "w") as target:
                shutil.copyfileobj(source, target, 1 << 20)
    fresh.replace(out)


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """A memo or study as a folder; a ZIP is unpacked beside nothing else, within bounds.

    Raises: Refused `insight.memo_form`.
    """
    if path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory() as within:
        _unpack(path, Path(within))
        found = Path(within)
        yield found if (found / HEAD).is_file() or (found / folders.HEAD).is_file() else found / STUDY


def _unpack(path: Path, into: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_FILES or sum(one.file_size for one in entries) > MOST_BYTES:
                raise ValueError("too large")
            for one in entries:
                if not _NAME.fullmatch(one.filename):
                    raise ValueError(one.filename[:80])
                archive.extract(one, into)
    except (OSError, ValueError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise Refused("insight.memo_form", _NO_ZIP, value=path.name[:120], limit=str(error)[:120]) from error


def set_with() -> str:
    """What a PDF depends on beside what is in it: the typesetter, its template, the fonts with Chinese characters."""
    return canonical.digest({"typst": version("typst"), "template": paper.template().decode(),
                             "fonts": typeset.chinese_fonts()})  # fmt: skip
