"""`cityloom register address parse`: what an address is made of."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import click
from rich.console import Console as Screen
from rich.markup import escape
from rich.table import Table

from cityloom.cli.runtime import Runtime
from cityloom.kernel.refused import Refused

_LONGEST_FIELD = 4_000_000


@click.group()
def address() -> None:
    """Take addresses to pieces, write them in one way, find them."""


@address.command()
@click.argument("text", metavar="TEXT|FILE")
@click.option(
    "--column", default="", help="The column of a CSV file that holds the addresses; by default the only one."
)
@click.option("--output", type=click.Path(path_type=Path), help="Where to write the parts of a file; by default shown.")
@click.option("--home", default="", help="The city's division code: of divisions of one name, those there are meant.")
@click.option("--truth", is_flag=True, help="FILE is labelled by hand, sign by sign: measure how much of it is found.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def parse(
    runtime: Runtime, text: str, column: str, output: Path | None, home: str, truth: bool, as_json: bool
) -> None:  # fmt: skip
    """Take an address, or those in a column of FILE (CSV), to pieces: road, number, building, floor, room ..."""
    runtime.start()
    if truth:
        _tell_score(Path(text), home, as_json)
        return
    path = Path(text) if len(text) < 1_000 and "\0" not in text else None
    if path is not None and path.is_file():
        _parse_file(path, column, output, home)
        return
    _tell_parts(text, home, as_json)


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

    place: TextIO = output.open("x", encoding="utf-8", newline="") if output else sys.stdout
    try:
        writer = csv.writer(place)
        writer.writerow(["address", *queries.ADDRESS_KINDS, "division", "standard"])
        for text in addresses_in(path, column):
            said = queries.address(text, home)
            parts = said.by_kind()
            told = [parts.get(kind, "") for kind in queries.ADDRESS_KINDS]
            writer.writerow([text, *told, said.division, queries.standardised_address(text, home)])
    finally:
        if output:
            place.close()


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


def _plain(text: str) -> str:
    return escape("".join(sign if sign.isprintable() else "\ufffd" for sign in text[:300]))
