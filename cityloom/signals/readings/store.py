"""Readings at a high rate: each once, on the disk before it is acknowledged, in the lake some minutes later.

One process owns the store; others look at what it keeps (`looking`). What tells readings apart is the stream and the
instant: the same again is a repeat; another result for an instant is set aside, since nobody can tell which holds.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cityloom.lake import catalogue, log, parquet
from cityloom.lake.appender import Appender
from cityloom.lake.domain.dataset import Column, Dataset
from cityloom.lake.table import Table
from cityloom.signals.domain import tally
from cityloom.signals.domain.judging import Judged, Streams
from cityloom.signals.readings import tally_file
from cityloom.signals.readings.earlier import Journal, Rows, find_in_lake

READINGS = Dataset(
    "readings", "Readings of sensors", (Column("result", "number", sensitivity="open", source="sensors"),),
)  # fmt: skip
OBSERVATIONS = Dataset(
    "observations", "Observations that came through SensorThings in bulk",
    (Column("result", "number", sensitivity="open", source="sensors"),
     Column("known_at", "instant", sensitivity="open", source="when it came")),
    each="month",
)  # fmt: skip
"""Months, since whole histories and forecasts come here."""
WHO = tally_file.INGEST
WEB = tally_file.WEB
folder_of = tally_file.folder_of
MOST_WAITING = 4_000_000
LONGEST_S = 300.0


@dataclass(frozen=True)
class Taken:
    """What became of readings: those that are new, in order by stream and instant, how many repeats, and reasons.

    `differing` are the places, among those that were given, of readings that contradict what was told before.
    """

    slot: NDArray[np.int64]
    at_us: NDArray[np.int64]
    result: NDArray[np.float64]
    duplicates: int
    rejected: Counter[str]
    differing: NDArray[np.intp]


class Store:
    """Owns the readings of a lake.

    Raises: Refused `lake.appender_taken` where another process does.
    """

    def __init__(
        self, root: Path, streams: Streams, *, who: str = WHO, rows: int = MOST_WAITING, seconds: float = LONGEST_S,
        dataset: Dataset = READINGS,
    ) -> None:  # fmt: skip
        catalogue.declare(root, dataset)
        self.streams = streams
        self._table = Table(root, dataset)
        self._folder = folder_of(root, who)
        log.make_folder(self._folder)
        self._turn = threading.Lock()
        self._journals: dict[int, Journal] = {}
        self._tallies: dict[int, NDArray[np.void]] = {}
        self._moved = tally_file.load(self._folder, self._table.written_up_to(who), streams.id, self._table)
        self._gone = self._moved
        self._appender = Appender(self._table, rows, seconds, who=who, aside=True, before=self._count_moved,
                                  after=self._let_go)  # fmt: skip
        self._gone = self._moved  # what a process before this one left may have gone to the lake just now
        self._tallies.clear()
        counted = self._moved.copy()
        for facts in self._appender.unmoved:
            self._count(facts, counted)
            self._journal().add(_rows_of(facts))
        self.tally = tally_file.live(self._folder, streams.id, counted)

    def grow(self, streams: Streams) -> None:
        """Take readings of more streams: those that there were keep their slots."""
        with self._turn:
            counted = tally.empty(len(streams))
            for name in tally.RECORD.names or ():
                counted[name][: len(self.tally)] = self.tally[name]
            self.streams = streams
            self.tally = tally_file.live(self._folder, streams.id, counted)

    def take(self, judged: Judged, also: Mapping[str, int] | None = None) -> Taken:
        """Keep what is new; when this returns it is on the disk. `also` fills further columns, one value for all.

        Raises: Refused `lake.disk_full`; nothing of these readings is kept then.
        """
        with self._turn:
            order = tally.order_of(judged.slot, judged.at_us)
            slot, at_us, result = judged.slot[order], judged.at_us[order], judged.result[order]
            known, differs = self._known(slot, at_us, result)
            if known.any():
                slot, at_us, result = slot[~known], at_us[~known], result[~known]
            self._keep(slot, at_us, result, also or {})
        rejected = judged.rejected + Counter({"contradicts": int(differs.sum())})
        return Taken(slot, at_us, result, int(known.sum() - differs.sum()), rejected, order[differs])

    def tick(self) -> None:
        """Let what has waited long enough go to the lake."""
        with self._turn:
            self._appender.tick()

    def close(self) -> None:
        """Move everything to the lake, and let others own it."""
        with self._turn:
            self._appender.close()

    def _keep(
        self, slot: NDArray[np.int64], at_us: NDArray[np.int64], result: NDArray[np.float64], also: Mapping[str, int]
    ) -> None:  # fmt: skip
        if not len(slot):
            return
        things = self.streams.id[slot]
        further = {name: np.full(len(slot), value) for name, value in also.items()}
        columns = {"thing": things, "at": at_us, "cell": self.streams.cell[slot], "result": result} | further
        self._appender.add(_facts(self._table.dataset, columns))
        self._journal().add(Rows(things, at_us, result))  # after it: a new journal may have begun with these
        tally.add(self.tally, slot, at_us, result)

    def _known(
        self, slot: NDArray[np.int64], at_us: NDArray[np.int64], result: NDArray[np.float64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which rows, in order, were told before, here or in the same batch, and which of those with another result."""
        known = tally.repeats(slot, at_us)
        told = np.r_[np.nan, result[:-1]] if known.any() else result
        late = ~known & (at_us <= self.tally["last_us"][slot]) & (at_us >= self.tally["first_us"][slot])
        if late.any():
            places = np.flatnonzero(late)
            found, said = self._earlier(slot[places], at_us[places], result[places])
            known[places] = found
            told = told.copy()
            told[places] = said
        return known, known & (told != result)

    def _earlier(
        self, slot: NDArray[np.int64], at_us: NDArray[np.int64], result: NDArray[np.float64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        wanted = Rows(self.streams.id[slot], at_us, result)
        told, known = np.full(len(slot), np.nan), np.zeros(len(slot), np.bool_)
        for journal in list(self._journals.values()):
            journal.find(wanted, told, known)
        places = np.flatnonzero(~known & (at_us <= self._fitted(self._gone)["last_us"][slot]))
        if len(places):
            part_told, part_known = told[places], known[places]
            find_in_lake(self._table, Rows(wanted.thing[places], at_us[places], result[places]), part_told, part_known)
            told[places], known[places] = part_told, part_known
        return known, told

    def _journal(self) -> Journal:
        return self._journals.setdefault(self._appender.number, Journal())

    def _let_go(self, number: int) -> None:
        """Keep the journal that went to the lake last at hand: what is late by some minutes is looked for there."""
        for old in [one for one in self._journals if one < number]:
            self._gone = self._tallies.pop(old, self._gone)
            self._journals.pop(old)

    def _count_moved(self, number: int, facts: list[pa.Table]) -> None:
        """What goes to the lake now is counted first, so that the tally of a journal is there when its commit is."""
        streams = self.streams  # they may grow meanwhile
        counted = self._fitted(self._moved, len(streams)).copy()
        for part in facts:
            self._count(part, counted)
        tally_file.save(self._folder, number, streams.id, counted)
        self._moved = self._tallies[number] = counted

    def _fitted(self, counted: NDArray[np.void], many: int = 0) -> NDArray[np.void]:
        """A tally with a part for each stream, those that came later included."""
        more = (many or len(self.streams)) - len(counted)
        return np.concatenate([counted, tally.empty(more)]) if more > 0 else counted

    def _count(self, facts: pa.Table, counted: NDArray[np.void]) -> None:
        rows = _rows_of(facts)
        slot = self.streams.slots_of_ids(rows.thing)
        here = (slot >= 0) & (slot < len(counted))
        tally.add(counted, slot[here], rows.at_us[here], rows.result[here])


def _facts(dataset: Dataset, columns: Mapping[str, NDArray[np.generic]]) -> pa.Table:
    """The columns as they are: a thousand times a second nothing is copied or cast."""
    names = [column.name for column in dataset.all_columns]
    arrays = [
        pa.Array.from_buffers(parquet.ARROW[column.kind], len(columns[column.name]),
                              [None, pa.py_buffer(np.ascontiguousarray(columns[column.name]))])
        for column in dataset.all_columns
    ]  # fmt: skip
    return pa.table(arrays, names=names)


def _rows_of(facts: pa.Table) -> Rows:
    return Rows(facts["thing"].to_numpy(), facts["at"].cast(pa.int64()).to_numpy(), facts["result"].to_numpy())
