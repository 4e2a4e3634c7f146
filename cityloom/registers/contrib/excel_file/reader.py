"""The Excel format, whose library is imported when a file needs it."""

from __future__ import annotations

from pathlib import Path

from cityloom.registers.domain.tables import Table, Wanted


class Excel:
    """An Excel workbook."""

    name = "excel"

    def recognises(self, path: Path, start: bytes) -> bool:
        return start.startswith(b"PK\x03\x04") and path.suffix.lower() in (".xlsx", ".xlsm")

    def open(self, path: Path, wanted: Wanted) -> Table:
        from cityloom.registers.contrib.excel_file.table import ExcelTable  # the library takes a while to import

        return ExcelTable(path, wanted)
