"""What others see of the readings that a store keeps: the last of each stream, counts, and a stretch of time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cityloom.lake import appender
from cityloom.lake.domain.dataset import Span
from cityloom.lake.engines import bare
from cityloom.lake.table import Table
from cityloom.signals.readings import tally_file
from cityloom.signals.readings.earlier import Rows
from cityloom.signals.readings.store import OBSERVATIONS, READINGS, WEB, WHO, folder_of

_DAY_US = 86_400_000_000
_MOST_TRIES = 5


def tallies(root: Path, who: str = WHO) -> NDArray[np.void]:
    """By stream: `id`, `count`, `last_us`, `last`; without a look at any reading."""
    return tally_file.seen(folder_of(root, who))


def between(root: Path, things: NDArray[np.int64], since_us: int, until_us: int, who: str = WHO) -> Rows:
    """The readings of streams from an instant until before another, by stream and instant."""
    files, waiting = _where(root, since_us, until_us, who)
    parts = [_from_files(files, things, since_us, until_us)] if files else []
    parts += [_chosen(facts, things, since_us, until_us) for facts in waiting]
    return _in_order(parts)


def stretches(
    root: Path, things: NDArray[np.int64], since_us: int, until_us: int, width_us: int, who: str = WHO
) -> list[tuple]:  # fmt: skip
    """By stream and stretch of so long: number of the stretch, last instant, count, lowest, sum and highest."""
    files, waiting = _where(root, since_us, until_us, who)
    rows = _stretches_of_files(files, things, since_us, until_us, width_us) if files else []
    for facts in waiting:
        rows += _stretches_of(_chosen(facts, things, since_us, until_us), since_us, width_us)
    return rows


def _where(root: Path, since_us: int, until_us: int, who: str) -> tuple[list[str], list[pa.Table]]:
    """The files of the lake for that time and the journals that are not there yet, of one state."""
    table = Table(root, OBSERVATIONS if who == WEB else READINGS)
    for _ in range(_MOST_TRIES):
        done = table.written_up_to(who)
        files = [str(table.folder / one.path) for one in table.files(_span(since_us, until_us))]
        waiting = appender.unmoved(table, who)
        if table.written_up_to(who) == done:  # otherwise a journal went to the lake between two looks
            break
    return files, waiting


def _stretches_of_files(
    files: list[str], things: NDArray[np.int64], since_us: int, until_us: int, width_us: int
) -> list[tuple]:  # fmt: skip
    connection = bare()
    connection.register("wanted", pa.table({"thing": things}))
    return connection.execute(
        "SELECT thing, (epoch_us(\"at\") - ?::BIGINT) // ?::BIGINT, max(epoch_us(\"at\")), count(*), min(result),"
        " sum(result), max(result) FROM read_parquet(?, hive_partitioning = false)"
        " WHERE thing IN (SELECT thing FROM wanted) AND thing BETWEEN ? AND ? AND \"at\" >= make_timestamptz(?)"
        " AND \"at\" < make_timestamptz(?) GROUP BY 1, 2",
        [since_us, width_us, files, int(things.min()), int(things.max()), since_us, until_us],
    ).fetchall()  # fmt: skip


def _stretches_of(rows: Rows, since_us: int, width_us: int) -> list[tuple]:
    number = (rows.at_us - since_us) // width_us
    order = np.lexsort((rows.at_us, number, rows.thing))
    thing, number, at_us, result = (one[order] for one in (rows.thing, number, rows.at_us, rows.result))
    first = np.flatnonzero(np.r_[True, (np.diff(thing) != 0) | (np.diff(number) != 0)][: len(order)])
    if not len(first):
        return []
    columns = (thing[first], number[first], np.maximum.reduceat(at_us, first), np.diff(np.r_[first, len(order)]),
               np.minimum.reduceat(result, first), np.add.reduceat(result, first), np.maximum.reduceat(result, first))
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _span(since_us: int, until_us: int) -> Span:
    first, last = (np.datetime64(instant // _DAY_US, "D") for instant in (since_us, max(until_us - 1, since_us)))
    return Span(first=str(first), end=str(last + 1))


def _from_files(files: list[str], things: NDArray[np.int64], since_us: int, until_us: int) -> Rows:
    connection = bare()
    connection.register("wanted", pa.table({"thing": things}))
    found = connection.execute(
        "SELECT thing, epoch_us(\"at\") AS at_us, result FROM read_parquet(?, hive_partitioning = false)"
        " WHERE thing IN (SELECT thing FROM wanted) AND thing BETWEEN ? AND ? AND \"at\" >= make_timestamptz(?)"
        " AND \"at\" < make_timestamptz(?)", [files, int(things.min()), int(things.max()), since_us, until_us]
    ).fetchnumpy()  # fmt: skip
    return Rows(found["thing"], found["at_us"], found["result"])


def _chosen(facts: pa.Table, things: NDArray[np.int64], since_us: int, until_us: int) -> Rows:
    thing, at_us = facts["thing"].to_numpy(), facts["at"].cast(pa.int64()).to_numpy()
    wanted = np.isin(thing, things) & (at_us >= since_us) & (at_us < until_us)
    return Rows(thing[wanted], at_us[wanted], facts["result"].to_numpy()[wanted])


def _in_order(parts: list[Rows]) -> Rows:
    if not parts:
        return Rows(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    thing, at_us, result = (np.concatenate([getattr(one, name) for one in parts])
                            for name in ("thing", "at_us", "result"))  # fmt: skip
    order = np.lexsort((at_us, thing))
    return Rows(thing[order], at_us[order], result[order])
