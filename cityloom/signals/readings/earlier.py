"""Whether a late reading was told before: among those in the journals, and then among those in the lake."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cityloom.lake.domain.dataset import Span

if TYPE_CHECKING:
    from cityloom.lake.table import Table

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_DAY_US = 86_400_000_000
_MOST_ALIKE = 16


@dataclass(frozen=True)
class Rows:
    """Readings as columns: stream ids, microseconds since 1970, results."""

    thing: Ints
    at_us: Ints
    result: Floats


@dataclass(frozen=True)
class _Run:
    """Rows in the order of a hash of stream and instant."""

    hashes: NDArray[np.uint64]
    rows: Rows


@dataclass
class Journal:
    """The readings of one journal; they are put in order for searching only once somebody asks for late ones."""

    waiting: list[Rows] = field(default_factory=list)
    runs: list[_Run] = field(default_factory=list)

    def add(self, rows: Rows) -> None:
        """Take rows in."""
        self.waiting.append(rows)

    def find(self, wanted: Rows, told: Floats, is_known: NDArray[np.bool_]) -> None:
        """Mark those of the wanted rows that are here, and what was told then."""
        self._put_in_order()
        hashes = _hashes(wanted.thing, wanted.at_us)
        for run in self.runs:
            at = np.minimum(np.searchsorted(run.hashes, hashes), len(run.hashes) - 1)
            same = (run.rows.thing[at] == wanted.thing) & (run.rows.at_us[at] == wanted.at_us)
            told[same] = run.rows.result[at][same]
            is_known |= same

    def _put_in_order(self) -> None:
        """Make a run of what waits; sixteen of about one length become one, so that each row is put in order rarely."""
        if not self.waiting:
            return
        self.runs.append(_run(self.waiting))
        self.waiting = []
        while len(last := self.runs[-_MOST_ALIKE:]) == _MOST_ALIKE and len(last[0].hashes) < 4 * len(last[-1].hashes):
            self.runs[-_MOST_ALIKE:] = [_run([one.rows for one in last])]


def find_in_lake(table: Table, wanted: Rows, told: Floats, is_known: NDArray[np.bool_]) -> None:
    """Mark those of the wanted rows that the table has."""
    if not len(wanted.thing):
        return
    first, last = (np.datetime64(int(end) // _DAY_US, "D") for end in (wanted.at_us.min(), wanted.at_us.max()))
    files = table.files(Span(first=str(first), end=str(last + 1)))
    if not files:
        return
    from cityloom.lake.engines import bare

    asked = pa.table({"place": np.arange(len(wanted.thing)), "thing": wanted.thing, "at_us": wanted.at_us})
    connection = bare()
    connection.register("asked", asked)
    found = connection.execute(
        "SELECT asked.place, facts.result FROM read_parquet(?, hive_partitioning = false) AS facts JOIN asked"
        " ON facts.thing = asked.thing AND epoch_us(facts.\"at\") = asked.at_us WHERE facts.thing BETWEEN ? AND ?",
        [[str(table.folder / one.path) for one in files], int(wanted.thing.min()), int(wanted.thing.max())],
    ).fetchnumpy()  # fmt: skip
    told[found["place"]] = found["result"]
    is_known[found["place"]] = True


def _run(parts: list[Rows]) -> _Run:
    thing, at_us, result = (np.concatenate([getattr(one, name) for one in parts])
                            for name in ("thing", "at_us", "result"))  # fmt: skip
    hashes = _hashes(thing, at_us)
    order = np.argsort(hashes, kind="stable")
    return _Run(hashes[order], Rows(thing[order], at_us[order], result[order]))


def _hashes(thing: Ints, at_us: Ints) -> NDArray[np.uint64]:
    """64 bits that differ for different pairs of one journal but by a chance that is looked into, never trusted.

    Source: Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators, the mixing function.
    """
    mixed = at_us.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + thing.astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    return mixed ^ (mixed >> np.uint64(27))
