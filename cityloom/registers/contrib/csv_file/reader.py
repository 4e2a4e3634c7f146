"""Read CSV as offices export it: in their encodings, with their separators, row by row."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TextIO

from cityloom.kernel.refused import Refused
from cityloom.registers.domain.tables import MOST_COLUMNS, MOST_SIGNS, Rows, Wanted, batch_for, most_signs_of

_SAMPLE = 1 << 20
_LONGEST_LINE = 2 << 20
_PIECE = 1 << 20
_DELIMITERS = (",", "\t", ";", "|")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_OTHERS = (b"PK\x03\x04", b"PAR1", b"\x1f\x8b", b"%PDF", b"\xd0\xcf\x11\xe0")
_ENCODINGS = {"utf-8": "utf-8-sig"}


class Csv:
    """Comma-separated values, or with another separator."""

    name = "csv"

    def recognises(self, path: Path, start: bytes) -> bool:
        return not start.startswith(_OTHERS) and path.suffix.lower() in (".csv", ".tsv", ".txt")

    def open(self, path: Path, wanted: Wanted) -> CsvTable:
        return CsvTable(path, wanted)


class CsvTable:
    """An open CSV file."""

    def __init__(self, path: Path, wanted: Wanted) -> None:
        with path.open("rb") as stream:
            sample = stream.read(_SAMPLE)
        if sample.startswith(_OTHERS):
            raise Refused("registers.file_wrong_kind", "{value} is called CSV and is something else; ask for a text "
                          "file, or give it its own ending.", value=path.name)  # fmt: skip
        encoding = wanted.encoding or encoding_of(sample, path.name)
        text = _head(sample, encoding, path.name)
        delimiter = wanted.delimiter or delimiter_of(text)
        self._path = path
        self._longest = MOST_SIGNS
        self.how = replace(wanted, format="csv", encoding=encoding, delimiter=delimiter)
        self.header = self._read_header()
        self._longest = most_signs_of(self.header)

    def batches(self) -> Iterator[Rows]:
        """The rows; the header is row 1, as in a spreadsheet."""
        with self._stream() as stream:
            lines = _Lines(stream, self._path.name)
            reader = csv.reader(iter(lines), delimiter=self.how.delimiter)
            self._some(reader, 1, 0)
            number, count = 2, batch_for(len(self.header))
            while rows := self._some(reader, count, number - 2):
                batch = Rows(list(range(number, number + len(rows))), rows)
                number += len(rows)
                if lines.is_dirty:
                    batch.faults = {at: "bad_characters" for at, row in enumerate(rows) if "\ufffd" in "".join(row)}
                    lines.is_dirty = lines.is_last_dirty  # the batch may end in the middle of what was read
                yield _without_blank_lines(batch)

    def _some(self, reader: Iterator[list[str]], count: int, before: int) -> list[list[str]]:
        rows: list[list[str]] = []
        csv.field_size_limit(self._longest)
        try:
            rows.extend(islice(reader, count))
        except csv.Error as error:
            raise Refused(
                "registers.file_broken",
                "After row {limit} of {value} a quotation mark is never closed, or a value is longer than any field; "
                "mend that row, or ask for the file again.", value=self._path.name, limit=before + len(rows) + 1,
            ) from error  # fmt: skip
        return rows

    def _read_header(self) -> tuple[str, ...]:
        with self._stream() as stream:
            reader = csv.reader(iter(_Lines(stream, self._path.name)), delimiter=self.how.delimiter)
            first = self._some(reader, 1, 0)
        header = [name.strip(" \t\u3000\ufeff") for name in first[0]] if first else []
        return checked_header(header, self._path.name)

    def _stream(self) -> TextIO:
        encoding = _ENCODINGS.get(self.how.encoding, self.how.encoding)
        return self._path.open(encoding=encoding, errors="replace", newline="")


class _Lines:
    """Lines of bounded length, read in large pieces; notes whether one had bytes that are nothing, or a NUL."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream, self._name = stream, name
        self.is_dirty = self.is_last_dirty = False

    def __iter__(self) -> Iterator[str]:
        while piece := self._stream.read(_PIECE):
            if not piece.endswith("\n"):
                piece += self._stream.readline(_LONGEST_LINE)
            if len(piece) >= _LONGEST_LINE and not piece.endswith(("\n", "\r")):
                raise too_wide(self._name)
            self.is_last_dirty = "\ufffd" in piece or "\0" in piece
            self.is_dirty |= self.is_last_dirty
            yield from io.StringIO(piece.replace("\0", "\ufffd") if self.is_last_dirty else piece, newline="")


def _without_blank_lines(batch: Rows) -> Rows:
    if [] not in batch.texts:
        return batch
    kept = Rows()
    for place, row in enumerate(batch.texts):
        if row:
            kept.add(batch.numbers[place], row, batch.faults.get(place, ""))
    return kept


def checked_header(header: list[str], name: str) -> tuple[str, ...]:
    """A header whose columns can be told apart.

    Raises: Refused `registers.too_many_columns`, `registers.no_header`, `registers.header_twice`.
    """
    if len(header) > MOST_COLUMNS:
        raise too_wide(name)
    if not any(header):
        raise Refused("registers.no_header", "{value} has no line with the columns' names at its top; ask for one that "
                      "has.", value=name)  # fmt: skip
    named = [column or f"column {place}" for place, column in enumerate(header, 1)]
    if twice := next((column for column in named if named.count(column) > 1), None):
        raise Refused("registers.header_twice", "Two columns of {value} are called {limit}; rename one.", value=name,
                      limit=twice[:80])  # fmt: skip
    return tuple(named)


def too_wide(name: str) -> Refused:
    """A file with more columns, or longer lines, than any register's."""
    return Refused(
        "registers.too_many_columns",
        "{value} has more than {limit} columns or a line of megabytes; this is no register's file. Ask for the columns "
        "that are needed.", value=name, limit=MOST_COLUMNS,
    )  # fmt: skip


def encoding_of(sample: bytes, name: str) -> str:
    """The encoding of a file by its first bytes.

    Raises: Refused `registers.encoding_unknown`.
    """
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return encoding
    pairs = len(sample) // 2 or 1
    for encoding, zeros in (("utf-16-le", sample[1::2].count(0)), ("utf-16-be", sample[0::2].count(0))):
        if zeros > pairs / 20 and _reads(sample[: pairs * 2], encoding):
            return encoding
    for encoding in ("utf-8", "gb18030"):
        if _reads(sample, encoding):
            return encoding
    raise Refused("registers.encoding_unknown", "{value} is none of UTF-8, GB18030 and UTF-16 throughout; ask for it "
                  "in UTF-8, or name its encoding in the mapping: what cannot be read is then set aside row by row.",
                  value=name)  # fmt: skip


def _reads(sample: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(sample)  # a sign that the sample cuts in two is no fault
    except UnicodeDecodeError:
        return False
    return True


def _head(sample: bytes, encoding: str, name: str) -> str:
    """The first line. Raises: Refused where it does not end, or the encoding is unknown."""
    decoder = codecs.getincrementaldecoder(_ENCODINGS.get(encoding, encoding))(errors="replace")
    text = decoder.decode(sample)
    line, end, _rest = text.partition("\n")
    if not end and len(sample) >= _SAMPLE:
        raise too_wide(name)
    return line


def delimiter_of(line: str) -> str:
    """The separator that a header has most of; a comma where it has none."""
    return max(_DELIMITERS, key=line.count)
