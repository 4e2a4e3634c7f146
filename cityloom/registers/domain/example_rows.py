"""What a made-up file is: its rows as they are true, and what was done to them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field

LABEL = "SYNTHETIC: made up by Cityloom; no such people, companies or dwellings exist."
Row = dict[str, str]


@dataclass(frozen=True)
class Spoiled:
    """What was done to a file: by kind of damage the row numbers as a spreadsheet counts them."""

    rows: dict[str, list[int]] = field(default_factory=dict)

    def note(self, what: str, number: int) -> None:
        """Remember a row that was spoiled."""
        self.rows.setdefault(what, []).append(number)


@dataclass(frozen=True)
class ExampleFile:
    """A file as a department would send it; `truth` are its rows as they were, numbered from `first_row`."""

    name: str
    content: bytes
    truth: list[Row]
    spoiled: Spoiled
    first_row: int = 2


def as_csv(rows: list[Row], delimiter: str = ",") -> str:
    """The rows as lines of text, under their names."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
