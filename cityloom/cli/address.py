"""`cityloom register address parse|coverage`, `cityloom register geocode`: what addresses say, where they are."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

import click
from rich.console import Console as Screen
from rich.markup import escape
from rich.table import Table

from cityloom.cli.runtime import Runtime
from cityloom.kernel.refused import Refused

_LONGEST_FIELD = 4_000_000
_LONGEST_PATH = 1_000
_COLUMN = click.option("--column", default="", help="The column of a CSV file with the addresses; by default the only "
                       "one.")  # fmt: skip
_HOME = click.option("--home", default="", help="The city's division code: of divisions of one name, those there are "
                     "meant. By default what the registers of the city here say.")  # fmt: skip


@click.group()
def address() -> None:
    """Take addresses to pieces, write them in one way, find them."""


@address.command()
@click.argument("text", metavar="TEXT|FILE")
@click.option(
    "--column", default="", help="The column of a CSV file that holds the addresses; by default the only one."
)
@click.option("--output", type=click.Path(path_type=Path), help="Where to write the parts of a file; by default shown.")
@_HOME
@click.option("--truth", is_flag=True, help="FILE is labelled by hand, sign by sign: measure how much of it is found.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def parse(
    runtime: Runtime, text: str, column: str, output: Path | None, home: str, truth: bool, as_json: bool
) -> None:  # fmt: skip
    """Take an address, or those in a column of FILE (CSV), to pieces: road, number, building, floor, room ..."""
    home = home or _city_of(runtime)
    if truth:
        _tell_score(Path(text), home, as_json)
        return
    path = Path(text) if len(text) < _LONGEST_PATH and "\0" not in text else None
    if path is not None and path.is_file():
        _parse_file(path, column, output, home)
        return
    _tell_parts(text, home, as_json)


def _city_of(runtime: Runtime) -> str:
    """The division of the city that is here, from its registers; empty where there is none, or they say nothing."""
    try:
        runtime.open_city()
    except Refused:
        runtime.start()
        return ""
    from cityloom.registers import queries

    return queries.home_division()


def _tell_parts(text: str, home: str, as_json: bool) -> None:
    from cityloom.registers import queries

    said = queries.address(text, home)
    parts = [(part.kind, text[part.start : part.end]) for part in said.parts]
    standard = queries.standardised_address(text, home)
    if as_json:
        click.echo(json.dumps({"parts": parts, "division": said.division, "standard": standard}, ensure_ascii=False))
        return
    table = Table("part", "in the address")
    for kind, words in parts:
        if kind != "other":
            table.add_row(kind.replace("_", " "), _plain(words))
    if said.division:
        table.add_row("division", f"{said.division} {queries.division_name(said.division)}")
    table.add_row("in one way", _plain(standard))
    Screen().print(table)


def _parse_file(path: Path, column: str, output: Path | None, home: str) -> None:
    from cityloom.registers import queries

    with _written(output) as place:
        writer = csv.writer(place)
        writer.writerow(["address", *queries.ADDRESS_KINDS, "division", "standard"])
        for text in addresses_in(path, column):
            said = queries.address(text, home)
            parts = said.by_kind()
            told = [parts.get(kind, "") for kind in queries.ADDRESS_KINDS]
            writer.writerow([text, *told, said.division, queries.standardised_address(text, home)])


def addresses_in(path: Path, column: str) -> Iterator[str]:
    """The addresses of a CSV file's column.

    Raises: Refused `address.no_column`, `address.unreadable`.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream)
            header = next(rows, [])
            at = _place_of(header, column)
            for row in rows:
                yield row[at] if at < len(row) else ""
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused("address.unreadable", "{value} is no CSV file in UTF-8; save it as one.",
                      value=path.name) from error  # fmt: skip


def _place_of(header: list[str], column: str) -> int:
    if column in header:
        return header.index(column)
    if not column and len(header) == 1:
        return 0
    guesses = [
        at for at, name in enumerate(header) if name.strip().casefold() in ("address", "地址", "详细地址", "住所")
    ]
    if not column and len(guesses) == 1:
        return guesses[0]
    raise Refused("address.no_column", "Name the column of the addresses with --column; the file has {value}.",
                  value=", ".join(header)[:200])  # fmt: skip


def _tell_score(path: Path, home: str, as_json: bool) -> None:
    from cityloom.registers import queries

    if not path.is_file():
        raise Refused("address.no_file", "There is no file {value}; check the path.", value=path.name)
    try:
        with path.open(encoding="utf-8-sig") as lines:
            score = queries.address_score(lines, home)
    except UnicodeDecodeError as error:
        raise Refused("address.unreadable", "{value} is not in UTF-8; save it as UTF-8.", value=path.name) from error
    if as_json:
        click.echo(json.dumps(score.as_figures(), ensure_ascii=False))
        return
    figures = score.as_figures()
    table = Table(
        "part", "labelled", "found", "right", "precision", "recall", "signs right", title=f"{score.addresses} addresses"
    )
    for kind, row in figures["parts"].items():
        shares = [f"{row[name]:.1%}" for name in ("precision", "recall", "signs_right")]
        table.add_row(kind.replace("_", " "), *(str(row[name]) for name in ("labelled", "found", "right")), *shares)
    Screen().print(table)
    Screen().print(f"Signs right: {figures['signs_right']:.2%} of {figures['signs']}; parts: precision "
                   f"{figures['precision']:.2%}, recall {figures['recall']:.2%}; addresses right in every part: "
                   f"{figures['whole']:.2%}", highlight=False, soft_wrap=True)  # fmt: skip


_LEVEL_WORDS = {
    "UNTOLD": "by the rule of its source", "TAGS": "the building's own", "POINT_INSIDE": "an address point inside",
    "POINT_NEAR": "an address point within 15 m", "INTERPOLATED": "between its neighbours' numbers",
    "STREET": "the nearest street, no number", "NONE": "none: no street with a name within 60 m",
}  # fmt: skip


@address.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def coverage(runtime: Runtime, as_json: bool) -> None:
    """Count the city's buildings by where their address comes from."""
    runtime.open_city()
    from cityloom.registers import queries

    counts = queries.address_coverage()
    if as_json:
        click.echo(json.dumps({level.name.lower(): count for level, count in counts.items()}))
        return
    total = max(1, sum(counts.values()))
    table = Table("address", "buildings", "share")
    for level, count in counts.items():
        if count:
            table.add_row(_LEVEL_WORDS[level.name], f"{count:,}", f"{count / total:.1%}")
    Screen().print(table)


@click.command()
@click.argument("text", metavar="TEXT|FILE", default="")
@_COLUMN
@click.option("--load", "number", type=click.IntRange(1), help="Place records of this load without coordinates.")
@click.option("--output", type=click.Path(path_type=Path), help="Where to write a file's places; by default shown.")
@_HOME
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def geocode(
    runtime: Runtime, text: str, column: str, number: int | None, output: Path | None, home: str, as_json: bool
) -> None:  # fmt: skip
    """Find an address, or those in a column of FILE (CSV): building, place in the street, street or area."""
    runtime.open_city()
    from cityloom.registers import actions, queries

    if number is not None:
        found_count, missed = actions.place_by_address(number)
        click.echo(f"{found_count} records have a place by their address now; of {missed} none was found.")
        return
    path = Path(text) if len(text) < _LONGEST_PATH and "\0" not in text else None
    if path is not None and path.is_file():
        _geocode_file(path, column, output, home)
        return
    found = queries.geocoded(text, home)
    if as_json:
        click.echo(json.dumps(asdict(found), ensure_ascii=False))
        return
    table = Table(show_header=False)
    for name, value in _rows_of(found):
        table.add_row(name, _plain(value))
    Screen().print(table)


def _rows_of(found: Any) -> Iterator[tuple[str, str]]:
    yield "found", found.level
    yield "why", found.reason
    if found.lon is not None:
        yield "place", f"{found.lon:.6f}, {found.lat:.6f}, within {found.within_m:g} m"
    if found.building:
        yield "building", str(found.building)
    for one in found.candidates:
        number = f"building {one.building}, " if one.building else ""
        yield "perhaps" if found.level == "ambiguous" else "from", f"{one.words} ({number}{one.lon:.6f}, {one.lat:.6f})"


_PLACES = ("address", "level", "lon", "lat", "within_m", "building", "reason", "candidates")


def _geocode_file(path: Path, column: str, output: Path | None, home: str) -> None:
    from cityloom.registers import queries

    with _written(output) as place:
        writer = csv.writer(place)
        writer.writerow(_PLACES)
        texts = list(addresses_in(path, column))
        for text, found in zip(texts, queries.geocoded_many(texts, home), strict=True):
            spot = ("", "") if found.lon is None else (f"{found.lon:.7f}", f"{found.lat:.7f}")
            within = "" if found.within_m is None else f"{found.within_m:g}"
            candidates = "; ".join(one.words for one in found.candidates)
            writer.writerow([text, found.level, *spot, within, found.building or "", found.reason, candidates])


@contextmanager
def _written(output: Path | None) -> Iterator[TextIO]:
    """A new file, or the screen. Raises: Refused `address.file_exists`."""
    if output is None:
        yield sys.stdout
        return
    try:
        with output.open("x", encoding="utf-8", newline="") as place:
            yield place
    except FileExistsError as error:
        raise Refused("address.file_exists", "{value} is there already; name another file with --output.",
                      value=output.name) from error  # fmt: skip


def _plain(text: str) -> str:
    return escape("".join(sign if sign.isprintable() else "\ufffd" for sign in text[:300]))
