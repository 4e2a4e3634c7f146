"""What a study tells, ready to be drawn: blocks with their numbers in the reader's words, each with its cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.study.blocks import Block, ChartOf, Heading, MapOf, Says, Shown, TableOf
from cityloom.insight.domain.study.study import Cell, Study
from cityloom.insight.domain.study.tables import Table
from cityloom.insight.studies.kinds import Kind
from cityloom.insight.telling import words

MOST_LINES = 6
"""As many as there are colours and dashes to tell apart."""
MOST_POINTS = 2_000
_DEGREES, _DEGREE_PLACES = ("lon", "lat"), 4  # ten metres
_MOST_BEHIND = 200
"""Rows of the table behind a chart; all of them are in the step."""


@dataclass(frozen=True)
class Figure:
    """A number, or words, as it is shown; `cell` is where it is from, `form`, `places` and `unit` how it is written."""

    text: str
    cell: Cell | None = None
    form: str = "word"
    places: int = 0
    unit: str = ""


@dataclass(frozen=True)
class Title:
    """A heading."""

    text: str


@dataclass(frozen=True)
class Sentence:
    """Words and numbers in turn."""

    pieces: Sequence[str | Figure]
    weight: str = "told"

    @cached_property
    def text(self) -> str:
        """The whole sentence."""
        return "".join(one if isinstance(one, str) else one.text for one in self.pieces)


@dataclass(frozen=True)
class Rows:
    """A table; `numbers` says of each column whether it is of numbers; `left_out` rows are in the step only."""

    title: str
    step: str
    heads: Sequence[str]
    numbers: Sequence[bool]
    rows: Sequence[Sequence[Figure]]
    left_out: int = 0


@dataclass(frozen=True)
class Group:
    """Points of one line or colour: `x` as numbers or places in `names`; nan where nothing is known."""

    label: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    measured: NDArray[np.float64]


@dataclass(frozen=True)
class Drawing:
    """A chart to be drawn; `names` are the places of x where it is of words."""

    title: str
    form: str
    x_title: str
    y_title: str
    groups: Sequence[Group]
    names: Sequence[str]
    behind: Rows
    lines_left_out: int = 0
    measured_title: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(np.isfinite(one.y).any() or np.isfinite(one.measured).any() for one in self.groups)


@dataclass(frozen=True)
class Spots:
    """A map to be drawn: points (`lon`, `lat`, degrees) or units of the city by their codes."""

    title: str
    value: NDArray[np.float64]
    kinds: Sequence[str]
    labels: Sequence[str]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    areas: Sequence[str]
    size: NDArray[np.float64]
    behind: Rows
    value_title: str = field(default="")


Part = Title | Sentence | Rows | Drawing | Spots


def told(study: Study, kind: Kind) -> list[Part]:
    """All that a study tells, in the reader's language.

    Raises: Refused, where a block names a step, row or column that is not there.
    """
    return of_blocks(study, kind.tell(study))


def of_blocks(study: Study, blocks: Sequence[Block]) -> list[Part]:
    """Blocks of a study, in the reader's language.

    Raises: Refused, where a block names a step, row or column that is not there.
    """
    return [_part(study, block) for block in blocks]


def notes(study: Study, kind: Kind) -> list[Sentence]:
    """What whoever reads the figures has to know."""
    found = []
    for one in study.notes:
        values = {"value": _plain(one.value), "limit": _plain(one.limit)}
        pieces = words.filled(kind.notes.get(one.code, one.code), values)
        text = "".join(before + (values[name] if name else "") for before, name in pieces)
        found.append(Sentence((text,), one.weight))
    return found


def options(study: Study, kind: Kind, most: int = 20) -> Rows | None:
    """What one may choose between, where the kind has such a step."""
    if not kind.options or not any(one.name == kind.options for one in study.steps):
        return None
    table = study.step(kind.options).table
    columns = tuple(Shown(name, name, "word" if _is_words(table, name) else "decimal", 3) for name in table.columns)
    return _rows(study, TableOf("Options", kind.options, columns, most=most), roughly=True)


def _plain(value: object) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return words.roughly(float(value)) if abs(value) >= 10_000 or value != int(value) else str(int(value))
    return "" if value is None else words.known(str(value))


def _part(study: Study, block: Block) -> Part:
    if isinstance(block, Heading):
        return Title(words.known(block.words))
    if isinstance(block, Says):
        return _sentence(study, block)
    if isinstance(block, TableOf):
        return _rows(study, block)
    return _drawing(study, block) if isinstance(block, ChartOf) else _spots(study, block)


def _sentence(study: Study, block: Says) -> Sentence:
    figures = {name: Figure(words.said(study.at(one.cell), one), one.cell, one.form, one.places, one.unit)
               for name, one in block.numbers.items()}  # fmt: skip
    texts = {name: figure.text for name, figure in figures.items()} | {
        name: words.known(one) for name, one in block.names.items()}  # fmt: skip
    pieces: list[str | Figure] = []
    for before, name in words.filled(block.words, texts):
        pieces += [before] if before else []
        pieces += [figures.get(name, texts[name])] if name else []
    return Sentence(tuple(pieces), block.weight)


def chosen(table: Table, where: Mapping[str, str], sort: str) -> list[int]:
    """Which rows are shown, in which order; what is not known comes last."""
    keep = np.ones(table.rows, bool)
    for name, value in where.items():
        keep &= np.array([_as_key(one) == value for one in table[name].tolist()], bool)
    places = np.flatnonzero(keep)
    if sort:
        column = table[sort.removeprefix("-")][places]
        if column.dtype == object:
            order = sorted(range(len(places)), key=lambda at: column[at], reverse=sort.startswith("-"))
        else:
            order = np.argsort(-column if sort.startswith("-") else column, kind="stable").tolist()
        places = places[order]
    return [int(one) for one in places]


def _as_key(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def row_name(table: Table, at: int) -> tuple[str, ...]:
    """What a row is called."""
    return tuple(str(table[part][at]) for part in table.key)


def _is_words(table: Table, name: str) -> bool:
    return table[name].dtype == object


def _rows(study: Study, block: TableOf, *, roughly: bool = False) -> Rows:
    table = study.step(block.step).table
    places = chosen(table, block.where, block.sort)
    rows = [[_figure(table, block.step, at, one, roughly=roughly) for one in block.columns]
            for at in places[: block.most]]  # fmt: skip
    return Rows(words.known(block.title), block.step, [words.known(one.title) for one in block.columns],
                [not _is_words(table, one.column) and one.form != "word" for one in block.columns], rows,
                max(0, len(places) - block.most))  # fmt: skip


def _figure(table: Table, step: str, at: int, how: Shown, *, roughly: bool = False) -> Figure:
    value = table[how.column][at]
    value = value if isinstance(value, str) else float(value)
    cell = Cell(step, row_name(table, at), how.column)
    if how.column in _DEGREES and not isinstance(value, str):
        return Figure(words.said(value, Shown(how.column, "", places=_DEGREE_PLACES)), cell, "decimal", _DEGREE_PLACES)
    form = "rough" if roughly and how.form != "word" else how.form
    text = words.roughly(value) if form == "rough" else words.said(value, how)
    return Figure(text, cell, form, how.places, how.unit)


def _drawing(study: Study, block: ChartOf) -> Drawing:
    table = study.step(block.step).table
    places = chosen(table, block.where, block.sort or ("" if block.form in ("bar", "intervals") else block.x))
    labels = list(dict.fromkeys(str(table[block.by][at]) for at in places)) if block.by else [""]
    kept = labels[:MOST_LINES]
    of = {at: str(table[block.by][at]) if block.by else "" for at in places}
    places = [at for at in places if of[at] in kept]
    most = {"bar": block.most * len(kept), "intervals": block.most * len(kept), "scatter": MOST_POINTS}
    places = places[: most.get(block.form, len(places))]
    is_words = _is_words(table, block.x) or block.form in ("bar", "intervals")
    names = list(dict.fromkeys(_as_key(table[block.x][at]) for at in places)) if is_words else []
    at_name = {name: at for at, name in enumerate(names)}
    groups = []
    for label in kept:
        own = [at for at in places if of[at] == label]
        x = [at_name[_as_key(table[block.x][at])] for at in own] if is_words else table[block.x][own]
        groups.append(Group(words.known(label), np.asarray(x, np.float64), *(
            _numbers(table, name, own) for name in (block.y, block.low, block.high, block.measured))))  # fmt: skip
    return Drawing(words.known(block.title), block.form, words.known(block.x_title), words.known(block.y_title), groups,
                   [words.known(name) for name in names], _behind(study, block, places),
                   len(labels) - len(kept), words.known(block.measured_title))  # fmt: skip


def _numbers(table: Table, name: str, places: list[int]) -> NDArray[np.float64]:
    return table[name][places].astype(np.float64) if name else np.full(len(places), np.nan)


def _behind(study: Study, block: ChartOf | MapOf, places: list[int]) -> Rows:
    """The table for whoever cannot see the picture."""
    table = study.step(block.step).table
    titled = _titles_of_chart(block) if isinstance(block, ChartOf) else _titles_of_map(block)
    columns = [Shown(name, title, "word" if _is_words(table, name) or name in table.key else "decimal")
               for name, title in titled.items()]  # fmt: skip
    rows = [[_figure(table, block.step, at, one, roughly=True) for one in columns] for at in places[:_MOST_BEHIND]]
    return Rows(words.known(block.title), block.step, [words.known(one.title) for one in columns],
                [one.form != "word" for one in columns], rows, max(0, len(places) - _MOST_BEHIND))  # fmt: skip


def _titles_of_chart(block: ChartOf) -> dict[str, str]:
    named = {block.by: block.by, block.x: block.x_title or block.x, block.y: block.y_title or block.y,
             block.low: "At least", block.high: "At most",
             block.measured: block.measured_title or "Measured"}  # fmt: skip
    return {name: title for name, title in named.items() if name}


def _titles_of_map(block: MapOf) -> dict[str, str]:
    named = {block.label or block.area: block.label or block.area, block.lon: "Longitude", block.lat: "Latitude",
             block.value: block.value, block.size: block.size}  # fmt: skip
    return {name: title for name, title in named.items() if name}


def _spots(study: Study, block: MapOf) -> Spots:
    table = study.step(block.step).table
    places = chosen(table, block.where, "")[:MOST_POINTS]
    is_words = _is_words(table, block.value)
    kinds = list(dict.fromkeys(str(table[block.value][at]) for at in places)) if is_words else []
    value = np.array([kinds.index(str(table[block.value][at])) for at in places], np.float64) if is_words else (
        _numbers(table, block.value, places))  # fmt: skip
    named = block.label or block.area
    return Spots(
        words.known(block.title), value, [words.known(one) for one in kinds],
        [str(table[named][at]) for at in places] if named else [""] * len(places),
        _numbers(table, block.lon, places), _numbers(table, block.lat, places),
        [str(table[block.area][at]) for at in places] if block.area else [], _numbers(table, block.size, places),
        _behind(study, block, places), words.known(block.value),
    )  # fmt: skip
