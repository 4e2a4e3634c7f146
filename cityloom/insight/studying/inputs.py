"""A kind's table from a file: the columns that it needs, numbers that are numbers, rows that are there once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cityloom.insight.domain import persons
from cityloom.insight.domain.study.tables import Column, Table
from cityloom.insight.studies.kinds import InputSpec
from cityloom.insight.studying import files
from cityloom.kernel.refused import Detail, Refused

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "-", "–", "..", "…", "无")
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"
_WHOLE = r"^-?(0|[1-9][0-9]{0,14})$"
_CODE = r"^0[0-9]+$"
_INFINITE = r"(?i)^[+-]?inf(inity)?$"
_MOSTLY = 0.9
"""From this share of numbers on, a column that nobody described is of numbers."""
_ENOUGH = 2_000
_LACKS = "The table {limit} lacks the column {value}; add it, or name one so."
_NO_NUMBER = "{value} is no number ({limit}); write it with digits and a point, or leave it empty if it is not known."
_NOT_FINITE = "{value} is no number that can be counted with ({limit}); leave it empty if it is not known."
_NO_KEY = "Nothing says which row this is: {value} is empty ({limit}); fill it in, or leave the row out."
_TWICE = "The row {value} is there more than once ({limit}); add the two up, or leave one of them out."
_PERSONS = "The column {value} of {limit} names persons, and a person is never a unit here; leave it out."
_WHERE = "{value}, column {limit}"


def read(path: Path, spec: InputSpec) -> Table:
    """The table of a file as its kind reads it.

    Raises: Refused `insight.input_*`, `insight.column_missing`, `insight.no_number`, `insight.not_finite`,
    `insight.row_unnamed`, `insight.row_twice`, `insight.names_persons`.
    """
    raw = _named_as_here(files.read(path), spec)
    for name in (*spec.key, *spec.columns):
        if name not in raw:
            raise Refused("insight.column_missing", _LACKS, value=name, limit=path.name[:120])
    columns = {name: _column(path, spec, name, texts) for name, texts in raw.items()}
    for name, column in columns.items():
        _check_persons(path, name, column, is_told=name in spec.key or name in spec.columns or name in spec.optional)
    for name in spec.key:
        _check_named(path, name, columns[name])
    found = Table(columns, spec.key)
    check_once(path.name, found, path)
    return found


def _named_as_here(raw: dict[str, pa.Array], spec: InputSpec) -> dict[str, pa.Array]:
    """The columns by the names that the kind has for them, where other tools write another one."""
    ours = {next((one for one in others if one in raw), ""): name for name, others in spec.also.items()
            if name not in raw}  # fmt: skip
    return {ours.get(name, name): column for name, column in raw.items()}


def check_once(name: str, found: Table, path: Path | None = None) -> None:
    """Refuse a table in which a row is there twice.

    Raises: Refused `insight.row_twice`.
    """
    if not found.key:
        return
    codes = np.zeros(found.rows, np.int64)
    for part in found.key:
        column = found[part]
        seen = pa.array(column.tolist() if column.dtype == object else column).dictionary_encode()
        own = seen.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        _, codes = np.unique(codes * (len(seen.dictionary) + 1) + own, return_inverse=True)
    counts = np.bincount(codes)
    if counts.max(initial=0) > 1:
        at = np.flatnonzero(counts[codes] > 1)
        row = int(at[np.flatnonzero(codes[at] == codes[at[0]])[1]])
        said = ", ".join(str(found[part][row]) for part in found.key)[:200]
        where = files.line(path or Path(name), row)
        raise Refused("insight.row_twice", _TWICE, value=said, limit=where)


def _column(path: Path, spec: InputSpec, name: str, raw: pa.Array) -> Column:
    if not pa.types.is_string(raw.type):
        return _typed(path, spec, name, raw)
    missing = pc.is_in(raw, pa.array(MISSING))
    if name in spec.words:
        return _words(raw, missing)
    known = len(raw) - (pc.sum(missing).as_py() or 0)
    wholes = pc.sum(pc.match_substring_regex(raw, _WHOLE)).as_py() or 0
    if name in spec.key:
        return _whole(raw) if wholes == len(raw) else _words(raw, missing)
    numbers = pc.match_substring_regex(raw, _NUMBER)
    is_declared = name in spec.columns or name in spec.optional
    if not is_declared:
        codes = pc.sum(pc.match_substring_regex(raw, _CODE)).as_py() or 0
        if not known or codes or (pc.sum(numbers).as_py() or 0) < _MOSTLY * known:
            return _words(raw, missing)
    return _whole(raw) if wholes == len(raw) else _numbers(path, name, raw, missing, numbers)


def _typed(path: Path, spec: InputSpec, name: str, raw: pa.Array) -> Column:
    """A column that the file has as numbers."""
    if pa.types.is_integer(raw.type) and not raw.null_count:
        column = raw.to_numpy(zero_copy_only=False).astype(np.int64)
    else:
        column = pc.cast(raw, pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
        _check_finite(path, name, column)
        known = column[~np.isnan(column)]
        if name in spec.key and len(known) == len(column) and np.all(known == np.rint(known)):
            column = column.astype(np.int64)
    if name not in spec.words:
        return column
    said = np.empty(len(column), object)
    said[:] = ["" if one != one else str(one) for one in column.tolist()]  # noqa: PLR0124 - not a number
    return said


def _words(raw: pa.Array, missing: pa.Array) -> Column:
    found = np.empty(len(raw), object)
    found[:] = pc.if_else(missing, "", raw).to_pylist()
    return found


def _whole(raw: pa.Array) -> Column:
    return pc.cast(raw, pa.int64()).to_numpy(zero_copy_only=False)


def _numbers(path: Path, name: str, raw: pa.Array, missing: pa.Array, numbers: pa.Array) -> Column:
    bad = np.flatnonzero(~(missing.to_numpy(zero_copy_only=False) | numbers.to_numpy(zero_copy_only=False)))
    if len(bad):
        row = int(bad[0])
        is_infinite = pc.match_substring_regex(raw.slice(row, 1), _INFINITE)[0].as_py()
        code, sentence = ("not_finite", _NOT_FINITE) if is_infinite else ("no_number", _NO_NUMBER)
        raise Refused(f"insight.{code}", sentence, value=raw[row].as_py()[:80], limit=_where(path, name, row))
    texts = pc.if_else(missing, pa.scalar(None, pa.string()), raw)
    try:
        column = pc.cast(texts, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:  # a plus, or nothing behind the point
        column = np.array([np.nan if one is None else float(one) for one in texts.to_pylist()])
    _check_finite(path, name, column)
    return column.astype(np.float64)


def _check_finite(path: Path, name: str, column: Column) -> None:
    infinite = np.flatnonzero(np.isinf(column))
    if len(infinite):
        row = int(infinite[0])
        raise Refused("insight.not_finite", _NOT_FINITE, value=str(column[row]), limit=_where(path, name, row))


def _where(path: Path, name: str, row: int) -> Detail:
    return Detail(_WHERE, files.line(path, row), name[:80])


def _check_named(path: Path, name: str, column: Column) -> None:
    empty = np.flatnonzero(column == "") if column.dtype == object else np.flatnonzero(np.isnan(column))
    if len(empty):
        raise Refused("insight.row_unnamed", _NO_KEY, value=name, limit=files.line(path, int(empty[0])))


def _check_persons(path: Path, name: str, column: Column, *, is_told: bool) -> None:
    """A column that is of persons is refused by its name; one of counts (health workers, residents) is none."""
    words = column.dtype == object
    values = sorted({str(one) for one in column[:_ENOUGH].tolist()}) if words or column.dtype.kind == "i" else []
    if persons.is_of_persons(name, values, are_words=words, is_known=is_told):
        raise Refused("insight.names_persons", _PERSONS, value=name[:80], limit=path.name[:120])
