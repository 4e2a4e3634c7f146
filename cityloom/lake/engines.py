"""What asks the lake: the same Ibis expression on DuckDB, in this process, or on Spark, on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cityloom.lake.domain.dataset import DAY, EVERYTHING, PLACE, Span

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

    def table(self, table: Table, span: Span = EVERYTHING) -> ir.Table:
        """The facts of these days, this place and thing, with `day` and `place`, as an Ibis table."""
        files = [str(table.folder / one.path) for one in table.files(span)]
        self._number += 1
        name = f"{table.dataset.name}_{self._number}"
        self.ibis.raw_sql(f"CREATE TEMP VIEW {name} AS {self._select(table, files)}")
        return self.ibis.table(name)

    def _select(self, table: Table, files: list[str]) -> str:
        ours = {f'"{one.name}"': _DUCKDB[one.kind] for one in table.dataset.all_columns}
        names = ours | {DAY: "DATE", PLACE: "BIGINT"}
        if not files:
            empty = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in names.items())
            return f"SELECT {empty} WHERE false"
        listed = ", ".join("'" + path.replace("'", "''") + "'" for path in files)
        grown = ", union_by_name = true" if table.has_grown() else ""
        hive = f"hive_partitioning = true, hive_types = {{'{DAY}': DATE, '{PLACE}': BIGINT}}"
        return f"SELECT {', '.join(names)} FROM read_parquet([{listed}], {hive}{grown})"  # noqa: S608 - our own names


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

    def table(self, table: Table, span: Span = EVERYTHING) -> ir.Table:
        """The same facts as an Ibis table on Spark."""
        files = [str(table.folder / one.path) for one in table.files(span)]
        ours = ", ".join(f"`{one.name}` {_SPARK[one.kind]}" for one in table.dataset.all_columns)
        schema = f"{ours}, {DAY} date, {PLACE} bigint"
        reader = self.session.read.schema(schema).option("basePath", str(table.folder))
        frame = reader.parquet(*files) if files else self.session.createDataFrame([], schema)
        self._number += 1
        name = f"{table.dataset.name}_{self._number}"
        frame.createOrReplaceTempView(name)
        return self.ibis.table(name)
