"""A file's rows, read and checked batch after batch: in columns where its format can, one by one where it must be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from operator import itemgetter
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cityloom.registers.domain.checks import Checked, Checks, digests
from cityloom.registers.domain.proofs import Proof
from cityloom.registers.domain.tables import BATCH, Asked, Columns, ColumnTable, Rows, Table
from cityloom.registers.loading import crew

MOST = 50_000
T = TypeVar("T")
Batch = tuple[Rows, Checked]
"""Rows and what was found; of a row that is good the texts may be missing, its values are there."""


def checked(
    table: Table, checks: Checks, *, after: int = 0, only: Collection[str] | None = None, key: bytes = b"",
    at_once: int = MOST, doubtful: NDArray[np.int64] | None = None,
) -> Iterator[Batch]:  # fmt: skip
    """The rows behind a number, so many at once at most; with `only` perhaps no values but of these fields, with a key
    perhaps digests. `doubtful` are the rows that an earlier reading of the same file found no proof for: so no proof is
    looked for again."""
    proof = checks.proof if isinstance(table, ColumnTable) else None
    if proof is None or not isinstance(table, ColumnTable):
        yield from _one_by_one(table, checks, after)
    elif is_shared(table, checks, after):
        yield from shared(table, checks, None, after=after, only=only, key=key, at_once=at_once, doubtful=doubtful)
    else:
        asked = replace(_asked(proof, only, key, (after, at_once)), doubtful=doubtful)
        yield from ahead(in_columns(table, checks, asked, key))


def is_shared(table: Table, checks: Checks, after: int) -> bool:
    """Whether several processes read a file: a large one, in columns, on a machine with more than one core."""
    if not isinstance(table, ColumnTable) or table.count - after < crew.WORTH or crew.size() < 2:
        return False
    return checks.proof is not None


def shared(
    table: Table, checks: Checks, then: Callable[[Batch], Any] | None, *, after: int = 0,
    only: Collection[str] | None = None, key: bytes = b"", at_once: int = MOST,
    doubtful: NDArray[np.int64] | None = None,
) -> Iterator[Any]:  # fmt: skip
    """The same of a file that several processes read, each of which does `then` with its batches."""
    proof = checks.proof
    if proof is None or not isinstance(table, ColumnTable):
        raise ValueError("A file that is not asked in columns is not shared.")
    asked = replace(_asked(proof, only, key, (after, at_once)), doubtful=doubtful)
    yield from ahead(crew.batches(crew.Orders(table, checks, asked, key, then), crew.size()))


def _asked(proof: Proof, only: Collection[str] | None, key: bytes, part: tuple[int, int]) -> Asked:
    wanted = proof.terms.keys() if only is None else proof.terms.keys() & set(only)
    return Asked(
        proof.certain, {name: term.value for name, term in proof.terms.items() if name in wanted},
        {name: f"{term.text} <> ''" for name, term in proof.terms.items() if name not in wanted},
        proof.digest(key) if key else "", *part, shared=proof.shared,
    )  # fmt: skip


def _one_by_one(table: Table, checks: Checks, after: int) -> Iterator[Batch]:
    for batch in table.batches():
        rows = batch.behind(after)
        if rows.numbers:
            yield rows, checks.check(rows.numbers, rows.texts, rows.faults)


def ahead(items: Generator[T, None, None]) -> Iterator[T]:
    """The items, each made in a thread while the one before is worked on."""
    with closing(items), ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(next, items, None)
        while (item := waiting.result()) is not None:
            waiting = thread.submit(next, items, None)
            yield item


def in_columns(table: ColumnTable, checks: Checks, asked: Asked, key: bytes) -> Generator[Batch, None, None]:
    """Rows of a file that can be asked in SQL, batch after batch."""
    for columns in table.columns(asked):
        out = checks.judge(_merged(columns, checks, key if asked.digest else b""), columns.numbers)
        texts: list[list[str]] = [[]] * len(columns.numbers)
        for place, row in (columns.texts | _told(table, columns, out)).items():
            texts[place] = row
        yield Rows(columns.numbers, texts), out


def _told(table: ColumnTable, columns: Columns, out: Checked) -> dict[int, list[str]]:
    """The texts of rows that were good by themselves and are bad in their file."""
    places = sorted(out.faults.keys() - columns.texts.keys())
    texts = table.texts_of([columns.numbers[place] for place in places]) if places else []
    return dict(zip(places, texts, strict=True))


def _merged(columns: Columns, checks: Checks, key: bytes) -> Checked:
    """The values that are certain, and what `Checks` says of the other rows."""
    places = list(columns.texts)
    others = checks.read(list(columns.texts.values()), {})
    out = Checked(columns.values, {places[at]: faults for at, faults in others.faults.items()}, others.notes,
                  len(columns.numbers), doubtful=places)  # fmt: skip
    for name, values in columns.values.items():
        _put(values, places, others.values[name])
    for name, filled in columns.filled.items():
        out.filled[name] = int((filled & columns.certain).sum()) + held(others.values[name])
    if key:
        out.said = columns.said
        _put(columns.said, places, digests(others.values, others.count, key))
    return out


def _put(values: list[Any], places: list[int], others: list[Any]) -> None:
    for place, value in zip(places, others, strict=True):
        values[place] = value


def rows_of(table: Table, wanted: set[int]) -> Iterator[tuple[list[int], list[list[str]]]]:
    """Some rows by their numbers, in order: numbers and texts, a batch at a time."""
    if isinstance(table, ColumnTable):
        numbers = sorted(wanted)
        for first in range(0, len(numbers), BATCH):
            some = numbers[first : first + BATCH]
            yield some, table.texts_of(some)
        return
    for batch in table.batches() if wanted else ():
        places = [place for place, number in enumerate(batch.numbers) if number in wanted]
        yield [batch.numbers[place] for place in places], [batch.texts[place] for place in places]


def held(values: list[Any]) -> int:
    """How many values there are that hold something."""
    return len(values) - values.count("") - values.count(None)


def some(values: list[Any], places: list[int]) -> list[Any]:
    """The values at some places, which rise."""
    if len(places) == len(values):
        return values
    return list(itemgetter(*places)(values)) if len(places) > 1 else [values[place] for place in places]
