"""Read a sheet of an Excel workbook (.xlsx), row by row, after a look at how much it unpacks to."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from cityloom.kernel.refused import Refused
from cityloom.registers.contrib.csv_file.reader import checked_header
from cityloom.registers.domain.tables import MOST_COLUMNS, MOST_SIGNS, Rows, Wanted, batch_for

MOST_BYTES = 1 << 30
MOST_SHARED = 256 << 20
_MOST_TIMES = 200
_SMALL = 64 << 20
_MOST_PARTS = 10_000
_PROLOGUE = 2_048


class ExcelTable:
    """An open sheet; its first row is the header, and is row 1."""

    def __init__(self, path: Path, wanted: Wanted) -> None:
        self._path = path
        _check_parts(path)
        with self._sheet(wanted.sheet) as sheet:
            if (sheet.max_column or 0) > MOST_COLUMNS:
                sheet.reset_dimensions()  # it may only say so
            first = next(sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS + 1, max_row=1), ())
            title = sheet.title
        header = [_text(cell) for cell in first]
        while header and not header[-1]:
            header.pop()
        self.header = checked_header(header, path.name)
        self.how = replace(wanted, format="excel", sheet=title)

    def batches(self) -> Iterator[Rows]:
        """The rows; what stands to the right of the header is left out."""
        width = len(self.header)
        with self._sheet(self.how.sheet) as sheet:
            batch = Rows()
            rows = sheet.iter_rows(values_only=True, min_row=2, min_col=1, max_col=width)
            for number, row in enumerate(rows, 2):
                texts = [_text(cell) for cell in row]
                if any(texts):
                    batch.add(number, texts + [""] * (width - len(texts)))
                if len(batch.numbers) >= batch_for(width):
                    yield batch
                    batch = Rows()
            if batch.numbers:
                yield batch

    @contextmanager
    def _sheet(self, name: str) -> Iterator[Any]:
        book = None
        try:
            book = load_workbook(self._path, read_only=True, data_only=True, keep_links=False)
            if name and name not in book.sheetnames:
                raise Refused("registers.no_sheet", "{value} has no sheet of that name; it has {limit}.",
                              value=self._path.name, limit=", ".join(book.sheetnames)[:200])  # fmt: skip
            yield book[name] if name else book.worksheets[0]
        except (KeyError, ValueError, IndexError, OSError, SyntaxError, zipfile.BadZipFile) as error:
            raise _broken(self._path) from error
        finally:
            if book is not None:
                book.close()


def _check_parts(path: Path) -> None:
    """Before anything is unpacked: how large the parts say they are, and that none declares entities."""
    try:
        with zipfile.ZipFile(path) as packed:
            parts = packed.infolist()
            total = sum(part.file_size for part in parts)
            shared = sum(part.file_size for part in parts if part.filename.lower().endswith("sharedstrings.xml"))
            is_bomb = total > _SMALL and total > _MOST_TIMES * path.stat().st_size
            if len(parts) > _MOST_PARTS or total > MOST_BYTES or shared > MOST_SHARED or is_bomb:
                raise Refused("registers.file_bomb", "{value} would unpack to far more than any register holds; nothing"
                              " of it was read. Ask for it as CSV.", value=path.name)  # fmt: skip
            for part in parts:
                if part.filename.lower().endswith((".xml", ".rels")):
                    with packed.open(part) as stream:
                        if b"<!DOCTYPE" in stream.read(_PROLOGUE).upper():
                            raise _broken(path)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError) as error:
        raise _broken(path) from error


def _broken(path: Path) -> Refused:
    return Refused("registers.file_broken", "{value} is no workbook that can be read; save it again, or export it as "
                   "CSV.", value=path.name)  # fmt: skip


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time().isoformat() == "00:00:00" else cell.isoformat(" ")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)[: MOST_SIGNS + 1].strip()
