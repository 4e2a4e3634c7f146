"""The Parquet format, whose library is imported when a file needs it."""

from __future__ import annotations

from pathlib import Path

from cityloom.registers.domain.tables import Table, Wanted


class Parquet:
    """Apache Parquet."""

    name = "parquet"

    def recognises(self, path: Path, start: bytes) -> bool:
        return start.startswith(b"PAR1")

    def open(self, path: Path, wanted: Wanted) -> Table:
        from cityloom.registers.contrib.parquet_file.table import ParquetTable  # the library takes a while to import

        return ParquetTable(path, wanted)
