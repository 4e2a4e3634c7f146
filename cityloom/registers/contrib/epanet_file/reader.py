"""Read the network of an EPANET file (.inp) as rows, each numbered by its line in the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from cityloom.kernel.refused import Refused
from cityloom.registers.contrib.csv_file.reader import encoding_of
from cityloom.registers.domain.drawing import Drawing
from cityloom.registers.domain.epanet import LARGEST_BYTES, WaterNetwork, read
from cityloom.registers.domain.epanet_rows import HEADERS, MAINS, rows_of
from cityloom.registers.domain.tables import BATCH, Rows, Wanted

_PLACE = ("An EPANET file draws its network in coordinates of its own; say in the mapping's file.place where that "
          "is, as in EPSG:32650.")  # fmt: skip


class Epanet:
    """A water network of EPANET; `sheet` is mains or fittings, `place` where the drawing lies."""

    name = "epanet"

    def recognises(self, path: Path, start: bytes) -> bool:
        return path.suffix.lower() == ".inp"

    def open(self, path: Path, wanted: Wanted) -> EpanetTable:
        return EpanetTable(path, wanted)


class EpanetTable:
    """The mains or the fittings of a network."""

    def __init__(self, path: Path, wanted: Wanted) -> None:
        if not wanted.place:
            raise Refused("registers.epanet_place", _PLACE)
        self._drawing, part = Drawing(wanted.place), wanted.sheet or MAINS
        self._network = network_of(path, wanted.encoding)
        self._rows = list(rows_of(self._network, part, self._drawing))
        self.header = HEADERS[part]
        self.how = replace(wanted, format="epanet", sheet=part)

    def batches(self) -> Iterator[Rows]:
        """The rows, in the order of the file's lines."""
        rows = iter(sorted(self._rows))
        while some := list(islice(rows, BATCH)):
            yield Rows([line for line, _ in some], [texts for _, texts in some])


def network_of(path: Path, encoding: str = "") -> WaterNetwork:
    """The network of a file, in UTF-8 or GB18030.

    Raises: Refused `registers.file_too_large`, `registers.encoding_unknown`, and what the reader refuses.
    """
    if path.stat().st_size > LARGEST_BYTES:
        raise Refused("registers.file_too_large", "{value} is larger than {limit}; ask for it as Parquet or CSV.",
                      value=path.name, limit="64 MB")  # fmt: skip
    content = path.read_bytes()
    name = encoding or encoding_of(content, path.name)
    return read(content.decode("utf-8-sig" if name == "utf-8" else name, errors="replace"))
