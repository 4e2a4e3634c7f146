"""What asks the lake: the same Ibis expression on DuckDB, in this process, or on Spark, on a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cityloom.lake.domain.dataset import AT, DAY, EVERYTHING, PLACE, Span

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from cityloom.lake.table import Table

_DUCKDB = {"integer": "BIGINT", "number": "DOUBLE", "text": "VARCHAR", "instant": "TIMESTAMPTZ", "flag": "BOOLEAN",
           "bytes": "BLOB"}  # fmt: skip
_SPARK = {"integer": "bigint", "number": "double", "text": "string", "instant": "timestamp", "flag": "boolean",
          "bytes": "binary"}  # fmt: skip


class OnDuckDB:
    """Embedded; reads Parquet with its own reader, and never loads an extension or goes out to a network."""

    def __init__(self, memory_limit: str = "4GB", threads: int = 2) -> None:
        import ibis

        self.ibis = ibis.duckdb.connect(
            memory_limit=memory_limit, threads=threads, autoinstall_known_extensions=False,
            autoload_known_extensions=False,
        )  # fmt: skip
        self.ibis.raw_sql("SET TimeZone = 'UTC'")
        self._number = 0

    def table(self, table: Table, span: Span = EVERYTHING, version: int | None = None) -> ir.Table:
        """The facts of these days, this place and thing, with `day` and `place`, as an Ibis table."""
        files = [str(table.folder / one.path) for one in table.files(span, version)]
        self._number += 1
        name = f"{table.dataset.name}_{self._number}"
        self.ibis.raw_sql(f"CREATE TEMP VIEW {name} AS {self._select(table, files)}")
        return _within(self.ibis.table(name), table, span)

    def _select(self, table: Table, files: list[str]) -> str:
        ours = {f'"{one.name}"': _DUCKDB[one.kind] for one in table.dataset.all_columns}
        names = ours | {DAY: "DATE", PLACE: "BIGINT"}
        if not files:
            return _nothing(names)
        listed = ", ".join("'" + path.replace("'", "''") + "'" for path in files)
        grown = ", union_by_name = true" if table.has_grown() else ""
        hive = f"hive_partitioning = true, hive_types = {{'{DAY}': DATE, '{PLACE}': BIGINT}}"
        source = f"read_parquet([{listed}], {hive}{grown})"
        if grown:  # where none of these files has a column that came later, nobody else would name it
            source = f"(SELECT * FROM {source} UNION ALL BY NAME {_nothing(names)})"  # noqa: S608 - our own names
        shown = ", ".join([*ours, DAY if table.dataset.each == "day" else f'CAST("{AT}" AS DATE) AS {DAY}', PLACE])
        return f"SELECT {shown} FROM {source}"  # noqa: S608 - our own names


def _nothing(names: Mapping[str, str]) -> str:
    empty = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in names.items())
    return f"SELECT {empty} WHERE false"


def latest_of(table: Table, thing: int, columns: Sequence[str], limit: int) -> list[dict[str, Any]]:
    """The latest facts of one thing, the newest first; a bare connection, since a page waits for it."""
    files = table.files(Span(thing=thing))
    if not files:
        return []
    kinds = {one.name: _DUCKDB[one.kind] for one in table.dataset.all_columns}
    nothing = _nothing({f'"{name}"': kinds[name] for name in ("thing", *columns)})
    listed = ", ".join("'" + str(table.folder / one.path).replace("'", "''") + "'" for one in files)
    names = ", ".join(f'"{name}"' for name in columns)
    found = bare().execute(
        f"SELECT {names} FROM (SELECT * FROM read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"  # noqa: S608 - our own names
        f' UNION ALL BY NAME {nothing}) WHERE thing = ? ORDER BY "{AT}" DESC LIMIT ?', [thing, limit]
    )  # fmt: skip
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def counts_by_cell(table: Table, first: str, end: str, resolution: int) -> dict[int, int]:
    """How many facts there are by cell, from a day until before another; those without a place are left out."""
    from cityloom.lake.domain.partition import counted_by_parent

    files = table.files(Span(first=first, end=end))
    if not files:
        return {}
    listed = ", ".join("'" + str(table.folder / one.path).replace("'", "''") + "'" for one in files)
    found = bare().execute(
        f"SELECT cell, count(*) FROM read_parquet([{listed}], hive_partitioning = false)"  # noqa: S608 - our own names
        f' WHERE cell <> 0 AND "{AT}" >= CAST(? AS TIMESTAMPTZ) AND "{AT}" < CAST(? AS TIMESTAMPTZ) GROUP BY cell',
        [first, end],
    )  # fmt: skip
    return counted_by_parent(dict(found.fetchall()), resolution)


def bare() -> Any:
    """A connection of its own, that never loads an extension or goes out to a network."""
    import duckdb

    bare = duckdb.connect(config={
        "threads": "2", "memory_limit": "1GB", "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    })  # fmt: skip
    bare.execute("SET TimeZone = 'UTC'")
    return bare


class OnSpark:
    """A cluster, or two cores of this machine; needs Java and the locked list `spark`."""

    def __init__(self, master: str = "local[2]") -> None:
        import ibis
        from pyspark.sql import SparkSession

        self.session = (
            SparkSession.builder.master(master).appName("cityloom").config("spark.sql.session.timeZone", "UTC")
            .config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "4").getOrCreate()
        )  # fmt: skip
        self.ibis = ibis.pyspark.connect(self.session)
        self._number = 0

    def table(self, table: Table, span: Span = EVERYTHING, version: int | None = None) -> ir.Table:
        """The same facts as an Ibis table on Spark."""
        files = [str(table.folder / one.path) for one in table.files(span, version)]
        ours = ", ".join(f"`{one.name}` {_SPARK[one.kind]}" for one in table.dataset.all_columns)
        schema = f"{ours}, {DAY} date, {PLACE} bigint"
        reader = self.session.read.schema(schema).option("basePath", str(table.folder))
        frame = reader.parquet(*files) if files else self.session.createDataFrame([], schema)
        self._number += 1
        name = f"{table.dataset.name}_{self._number}"
        if table.dataset.each != "day":
            frame = frame.withColumn(DAY, frame[AT].cast("date"))
        frame.createOrReplaceTempView(name)
        return _within(self.ibis.table(name), table, span)


def _within(facts: ir.Table, table: Table, span: Span) -> ir.Table:
    """The days that are wanted, where a partition has more than one."""
    import ibis

    if table.dataset.each == "day":
        return facts
    if span.first:
        facts = facts.filter(facts[DAY] >= ibis.date(span.first))
    return facts.filter(facts[DAY] < ibis.date(span.end)) if span.end else facts
