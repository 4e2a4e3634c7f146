"""Event logs in CSV: a line is an event, its columns are chosen or guessed, and those that name people are not read."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from cityloom.insight.domain import persons
from cityloom.insight.domain.cleaning import RawEvents
from cityloom.insight.domain.eventlog import NONE, UNKNOWN, Codes
from cityloom.insight.domain.findings import Finding
from cityloom.insight.eventlogs import attributes
from cityloom.insight.eventlogs.columns import Columns, check_office, chosen
from cityloom.insight.eventlogs.instants import Times, instants
from cityloom.insight.eventlogs.limits import MOST_EVENTS, Bounded, check_events
from cityloom.kernel.refused import Refused

_HEAD = 1 << 16
_SIGNS = (",", ";", "\t", "|")
MISSING = ("", "EMPTY", "UNKNOWN", "NULL", "null", "None", "nan", "NaN", "N/A", "n/a", "-", "无")
_EMPTY = "The table has no line with an event; send one with a first line of names and a line for each event."
_BROKEN = "The table cannot be read: {value}. Write it anew as CSV, with one event a line."


@dataclass(frozen=True)
class _Form:
    encoding: str
    sign: str
    header: tuple[str, ...]


def header_of(path: Path) -> tuple[str, ...]:
    """The names of the columns."""
    return _form_of(path).header


def read(path: Path, asked: Columns) -> tuple[RawEvents, Columns]:
    """The events of a table, and from which columns they were read.

    Raises: Refused `insight.table_empty`, `insight.table_broken`, and what `columns.chosen` refuses.
    """
    form = _form_of(path)
    columns = chosen(form.header, asked)
    others = [one for one in form.header if one not in columns.named.values()]
    people = [one for one in others if persons.names_persons(one)]
    table, bad = _table(path, form, [*columns.named.values(), *(one for one in others if one not in people)])
    check_events(table.num_rows)
    raw, style = _events(table, columns, people, bad)
    return raw, replace(columns, style=style)


def _form_of(path: Path) -> _Form:
    with opened(path) as file:
        head = file.read(_HEAD)
    encoding = "utf-8"
    with suppress(UnicodeDecodeError):
        head[: head.rfind(b"\n") + 1 or None].decode("utf-8-sig")
        encoding = "utf-8-sig" if head.startswith(b"\xef\xbb\xbf") else "utf-8"
    try:
        head[: head.rfind(b"\n") + 1 or None].decode(encoding)
    except UnicodeDecodeError:
        encoding = "gb18030"
    first = head.decode(encoding, "replace").partition("\n")[0].rstrip("\r").lstrip("\ufeff")
    sign = max(_SIGNS, key=first.count)
    header = tuple(next(csv.reader(io.StringIO(first), delimiter=sign), ()))
    if not any(header):
        raise Refused("insight.table_empty", _EMPTY)
    return _Form(encoding, sign, header)


def opened(path: Path) -> BinaryIO:
    """A file, unpacked on the way where it is packed with gzip, and never more than may be read."""
    file = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115 - given to whoever reads
    return Bounded(file)  # type: ignore[arg-type, return-value]


def _table(path: Path, form: _Form, wanted: Sequence[str]) -> tuple[pa.Table, int]:
    bad = 0

    def note(row: Any) -> str:
        nonlocal bad
        bad += 1
        return "skip"

    names = [f"c{place}" for place in range(len(form.header))]
    places = {name: names[form.header.index(name)] for name in wanted}
    kinds = {one: pa.string() for one in names}
    encoding = "utf8" if form.encoding.startswith("utf-8") else form.encoding
    try:
        with opened(path) as file:
            table = pacsv.read_csv(
                pa.PythonFile(file, "r"),
                pacsv.ReadOptions(column_names=names, skip_rows=1, encoding=encoding, block_size=8 << 20),
                pacsv.ParseOptions(delimiter=form.sign, invalid_row_handler=note, newlines_in_values=True),
                pacsv.ConvertOptions(
                    column_types=kinds,
                    include_columns=list(places.values()),
                    strings_can_be_null=False,
                    check_utf8=False,
                ),
            )
    except pa.ArrowInvalid as error:
        raise Refused("insight.table_broken", _BROKEN, value=str(error).partition(":")[0][:120]) from error
    if not table.num_rows:
        raise Refused("insight.table_empty", _EMPTY)
    return table.rename_columns(list(places)), bad


def _events(table: pa.Table, columns: Columns, people: Sequence[str], bad: int) -> tuple[RawEvents, str]:
    rows = table.num_rows
    case, case_ids = coded(table[columns.case])
    activity, activities = coded(table[columns.activity])
    office, offices = coded(table[columns.office]) if columns.office else (np.full(rows, NONE, np.int32), [])
    check_office(columns.office, offices)
    transition, transitions = coded(table[columns.transition]) if columns.transition else (None, [])
    ended = instants(table[columns.time], columns.zone, columns.style)
    begun = instants(table[columns.start], columns.zone, columns.style) if columns.start else None
    others = {name: table[name] for name in table.column_names if name not in columns.named.values()}
    known, left_out = attributes.of_events(others, case, len(case_ids), columns.zone)
    if transition is not None:
        transition = np.where(transition == NONE, len(transitions), transition).astype(np.int32)
        transitions = [*transitions, ""]
    noted = [Finding("bad_rows", bad, rows + bad), *time_findings([one for one in (ended, begun) if one], rows),
             Finding("persons_left_out", len(people), len(table.column_names) + len(people), tuple(sorted(people))),
             Finding("attributes_left_out", len(left_out), len(others), tuple(left_out))]  # fmt: skip
    raw = RawEvents(
        case,
        activity,
        office,
        ended.at,
        begun.at if begun else np.full(rows, UNKNOWN),
        case_ids,
        activities,
        offices,
        known,
        transition,
        transitions,
        tuple(noted),
    )
    return raw, ended.style


def coded(column: pa.ChunkedArray) -> tuple[Codes, list[str]]:
    """A column of texts as codes and labels; what says nothing is `NONE`."""
    packed = pc.utf8_trim_whitespace(column).combine_chunks().dictionary_encode()
    if isinstance(packed, pa.ChunkedArray):
        packed = packed.combine_chunks()
    labels = packed.dictionary.to_pylist()
    kept = [one for one in labels if one is not None and one not in MISSING]
    new = {one: place for place, one in enumerate(kept)}
    turned = np.array([*(new.get(one, NONE) for one in labels), NONE], np.int32)
    codes = pc.fill_null(packed.indices, len(labels)).to_numpy(zero_copy_only=False)
    return turned[codes], kept


def time_findings(times: Sequence[Times], events: int) -> list[Finding]:
    """What columns of times have that must be said."""
    offsets = tuple(sorted({offset for one in times for offset in one.offsets}))
    naive = sum(one.without_zone for one in times)
    mixed = naive and any(one.offsets for one in times)
    total = events * len(times)
    return [Finding("unreadable_time", sum(one.unreadable for one in times), total),
            Finding("no_zone", naive, total),
            Finding("several_zones", total if len(offsets) > 1 or mixed else 0, total, offsets)]  # fmt: skip


__all__ = ["MOST_EVENTS", "coded", "header_of", "opened", "read", "time_findings"]
