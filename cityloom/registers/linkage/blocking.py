"""Which pairs of records are compared: those that share a block, unless too many share it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cityloom.registers.domain.linkage import Ints
from cityloom.registers.domain.linkage_config import Config, Key
from cityloom.registers.linkage.cleaning import column

if TYPE_CHECKING:
    import duckdb

_THREADS = 2
"""Sorting leaves the interpreter's lock alone."""
_FAR = 2**31
"""More than there are records."""


def usable(keys: tuple[Key, ...], parts: frozenset[str]) -> list[Key]:
    """The keys whose every part has values."""
    return [key for key in keys if parts.issuperset(key)]


def pair_up(
    con: duckdb.DuckDBPyConnection, config: Config, parts: frozenset[str], *, within: frozenset[int], between: bool
) -> dict[str, int]:  # fmt: skip
    """Make the table `pair` of candidates (join_key_l < join_key_r); return how many blocks of each key were too large.

    `within`: places of the tables inside of which pairs are looked for, too.
    """
    ((records,),) = con.execute("SELECT count(*) FROM record").fetchall()
    if records * records / 2 <= config.all_pairs_up_to:
        con.execute(f"""CREATE TABLE pair AS SELECT '0' AS match_key, l.uid AS join_key_l, r.uid AS join_key_r
            FROM record l JOIN record r ON l.uid < r.uid AND ({_allowed(within, between)})""")
        return {}
    keys = usable(config.blocks, parts)
    table, hashes = _hashed(con, keys)

    def paired(key: Key) -> tuple[Ints, int]:
        return _pairs(hashes.pop(key), table, config.most_in_block, within=within, between=between)

    with ThreadPoolExecutor(_THREADS) as threads:
        found = list(threads.map(paired, keys))
    _keep_pairs(con, [pairs for pairs, _large in found])
    return {" + ".join(key): large for key, (_pairs, large) in zip(keys, found, strict=True)}


def _allowed(within: frozenset[int], between: bool) -> str:
    ways = ["l.tbl <> r.tbl"] if between else []
    ways += [f"(l.tbl = r.tbl AND l.tbl IN ({', '.join(map(str, sorted(within)))}))"] if within else []
    return " OR ".join(ways) or "false"


def _hashed(con: duckdb.DuckDBPyConnection, keys: list[Key]) -> tuple[Ints, dict[Key, np.ma.MaskedArray]]:
    """The table of each record, and for each key what its records agree in, masked where one has nothing."""
    hashed = "".join(f", {_hash(key)} AS k{place}" for place, key in enumerate(keys))
    found = con.execute(f"SELECT uid, tbl{hashed} FROM record").fetchnumpy()
    order = np.argsort(found["uid"])
    return found["tbl"][order], {key: np.ma.asarray(found[f"k{place}"])[order] for place, key in enumerate(keys)}


def _hash(key: Key) -> str:
    columns = [column(part) for part in key]
    known = " AND ".join(f"{one} IS NOT NULL" for one in columns)
    return f"CASE WHEN {known} THEN hash({', '.join(columns)}) END"


def _pairs(
    hashes: np.ma.MaskedArray, table: Ints, most: int, *, within: frozenset[int], between: bool
) -> tuple[Ints, int]:  # fmt: skip
    """Pairs in one block as numbers (the smaller record times `_FAR` plus the other); how many blocks are too large."""
    known = np.flatnonzero(~np.ma.getmaskarray(hashes))
    values = np.ma.getdata(hashes)[known]
    order = np.argsort(values)
    records, values = known[order], values[order]
    block = np.cumsum(np.diff(values, prepend=values[:1]) != 0)
    blocks = int(block[-1]) + 1 if len(block) else 0
    size = np.bincount(block, minlength=blocks)
    largest = size
    if size.max(initial=0) > most:
        tables = int(table.max()) + 1
        largest = np.bincount(block * tables + table[records], minlength=blocks * tables).reshape(-1, tables).max(1)
    chosen = ((size > 1) & (largest <= most))[block]
    pairs = _within_blocks(records[chosen], block[chosen])
    return pairs[_are_asked(pairs, table, within, between)], int(np.count_nonzero(largest > most))


def _within_blocks(records: Ints, block: Ints) -> Ints:
    """Every pair of records that lie together, block by block."""
    out = []
    apart = 1
    at = np.arange(len(records))
    while len(at := at[at + apart < len(records)]):
        at = at[block[at] == block[at + apart]]
        one, other = records[at], records[at + apart]
        out.append(np.minimum(one, other) * _FAR + np.maximum(one, other))
        apart += 1
    return np.concatenate(out) if out else np.empty(0, np.int64)


def _are_asked(pairs: Ints, table: Ints, within: frozenset[int], between: bool) -> NDArray[np.bool_]:
    left, right = table[pairs // _FAR], table[pairs % _FAR]
    return np.where(left == right, np.isin(left, list(within)), between)


def _keep_pairs(con: duckdb.DuckDBPyConnection, found: list[Ints]) -> None:
    import pyarrow as pa

    pairs = np.sort(np.concatenate([np.empty(0, np.int64), *found]))
    pairs = pairs[np.diff(pairs, prepend=-1) != 0]  # np.unique takes five times as long
    con.register("incoming", pa.table({"join_key_l": pairs // _FAR, "join_key_r": pairs % _FAR}))
    con.execute("CREATE TABLE pair AS SELECT '0' AS match_key, join_key_l, join_key_r FROM incoming")
    con.unregister("incoming")
