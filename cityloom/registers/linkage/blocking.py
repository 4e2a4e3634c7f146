"""Which pairs of records are compared: those that share a block, unless too many share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cityloom.registers.domain.linkage_config import Config, Key
from cityloom.registers.linkage.cleaning import column

if TYPE_CHECKING:
    import duckdb


def usable(keys: tuple[Key, ...], parts: frozenset[str]) -> list[Key]:
    """The keys whose every part has values."""
    return [key for key in keys if parts.issuperset(key)]


def pair_up(
    con: duckdb.DuckDBPyConnection, config: Config, parts: frozenset[str], *, within: frozenset[int], between: bool
) -> dict[str, int]:  # fmt: skip
    """Make the table `pair` of candidates (join_key_l < join_key_r); return how many blocks of each key were too large.

    `within`: places of the tables inside of which pairs are looked for, too.
    """
    con.execute("CREATE TABLE found (l BIGINT, r BIGINT)")
    skipped: dict[str, int] = {}
    allowed = _allowed(within, between)
    ((records,),) = con.execute("SELECT count(*) FROM record").fetchall()
    is_small = records * records / 2 <= config.all_pairs_up_to
    if is_small:
        every = f"SELECT l.uid, r.uid FROM record l JOIN record r ON l.uid < r.uid AND ({allowed})"
        con.execute(f"INSERT INTO found {every}")
    for key in () if is_small else usable(config.blocks, parts):
        skipped[" + ".join(key)] = _pair_in(con, key, config.most_in_block, allowed)
    con.execute("""CREATE TABLE pair AS
        SELECT '0' AS match_key, l AS join_key_l, r AS join_key_r FROM found GROUP BY l, r""")
    con.execute("DROP TABLE found")
    return skipped


def _allowed(within: frozenset[int], between: bool) -> str:
    ways = ["l.tbl <> r.tbl"] if between else []
    ways += [f"(l.tbl = r.tbl AND l.tbl IN ({', '.join(map(str, sorted(within)))}))"] if within else []
    return " OR ".join(ways) or "false"


def _pair_in(con: duckdb.DuckDBPyConnection, key: Key, most: int, allowed: str) -> int:
    hashed = f"hash({', '.join(column(part) for part in key)})"
    known = " AND ".join(f"{column(part)} IS NOT NULL" for part in key)
    con.execute(f"CREATE TABLE keyed AS SELECT uid, tbl, {hashed} AS k FROM record WHERE {known}")
    con.execute("CREATE TABLE size AS SELECT k, tbl, count(*) AS n FROM keyed GROUP BY k, tbl")
    con.execute(f"CREATE TABLE block AS SELECT k FROM size GROUP BY k HAVING sum(n) > 1 AND max(n) <= {most}")
    large = con.execute(f"SELECT count(DISTINCT k) FROM size WHERE n > {most}").fetchall()[0][0]
    con.execute("CREATE OR REPLACE TABLE keyed AS SELECT keyed.* FROM keyed JOIN block USING (k)")
    con.execute(f"""INSERT INTO found SELECT l.uid, r.uid FROM keyed l
        JOIN keyed r ON l.k = r.k AND l.uid < r.uid AND ({allowed})""")
    for table in ("keyed", "size", "block"):
        con.execute(f"DROP TABLE {table}")
    return int(large)
