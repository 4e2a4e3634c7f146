"""What a study tells, as parts that a page, a report and a memo draw alike: sentences, tables, charts, maps.

Words are English sentences that are translated where they are drawn (`gettext_noop` marks them where they are written).
Each number is a cell of a step, so that a reader gets from the sentence to the row it is from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cityloom.insight.domain.study.study import Cell


@dataclass(frozen=True)
class Number:
    """A number of a sentence: the cell it is from, and how it is written.

    `form` is whole, decimal (`places` digits), percent (a share of 1) or word; `unit` stands behind it.
    """

    cell: Cell
    form: Literal["whole", "decimal", "percent", "word"] = "decimal"
    places: int = 1
    unit: str = ""


@dataclass(frozen=True)
class Heading:
    """A heading inside what is told."""

    words: str


@dataclass(frozen=True)
class Says:
    """A sentence with its numbers by name: `Says("{gap} places are missing in {year}", {"gap": ..., "year": ...})`.

    `names` fill in plain words (the name of a district). `weight` doubt or wrong makes it stand out.
    """

    words: str
    numbers: Mapping[str, Number] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    weight: Literal["told", "answer", "doubt", "wrong"] = "told"


@dataclass(frozen=True)
class Shown:
    """A column of a table that is shown: its title and how its numbers are written."""

    column: str
    title: str
    form: Literal["whole", "decimal", "percent", "word"] = "decimal"
    places: int = 1
    unit: str = ""


@dataclass(frozen=True)
class TableOf:
    """Rows of a step's table, sorted by `sort` (a column; - before it: the largest first), at most `most` of them."""

    title: str
    step: str
    columns: tuple[Shown, ...]
    sort: str = ""
    most: int = 50
    where: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ChartOf:
    """A chart of a step's table.

    `form`: line (x in order, with a band from `low` to `high`, and `measured` where known), bar, intervals (a point
    with a bar from low to high for each row, for rankings), scatter. `by` draws one line or colour for each value.
    """

    title: str
    step: str
    form: Literal["line", "bar", "intervals", "scatter"]
    x: str
    y: str
    low: str = ""
    high: str = ""
    measured: str = ""
    by: str = ""
    x_title: str = ""
    y_title: str = ""
    sort: str = ""
    most: int = 60
    where: Mapping[str, str] = field(default_factory=dict)
    measured_title: str = ""
    """What the open rings are, where they are not what was measured ("Places")."""


@dataclass(frozen=True)
class MapOf:
    """A map: rows as points (`lon`, `lat` columns, degrees) or as units of the city (`area`: a column of zone or
    district codes), coloured by `value`; `size` draws points larger.
    """

    title: str
    step: str
    value: str
    lon: str = ""
    lat: str = ""
    area: str = ""
    label: str = ""
    size: str = ""
    where: Mapping[str, str] = field(default_factory=dict)


Block = Heading | Says | TableOf | ChartOf | MapOf
