"""`cityloom cases train|card|rules|duplicates`: of what category a report is, whose, and whether known."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console as Screen
from rich.table import Table

from cityloom.cli.runtime import Runtime
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused

_MODEL = click.option("--model", type=click.Path(path_type=Path, exists=True, dir_okay=False),
                      help="A classifier's file, instead of the one that comes with the program.")  # fmt: skip
_LARGEST, _MOST = 512 * 1024 * 1024, 2_000_000
_NO_COLUMNS = "The first row of the file has no column {value}; it has {limit}."
_UNSAFE = 3
_DECIDES = {"same": "for the same unit", "priority": "the priority decides", "order": "ONLY THE ORDER DECIDES"}
_LONG = "A file of reports has at most {limit} bytes and 2,000,000 rows; take a part of it."


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Where to write it.")
@click.pass_obj
def train(runtime: Runtime, file: Path | None, out: Path) -> None:
    """Train a classifier on FILE (CSV with text and category, oldest first), or on made-up reports."""
    runtime.start()
    from cityloom.cases import queries

    model = queries.trained(list(rows_in(file)) if file else None, file.stem if file else "", clock.now())
    content = queries.classifier_file(model)
    out.write_bytes(content)
    click.echo(queries.card_of(model))
    click.echo(f"Written to {out}, {len(content):,} bytes.")


@click.command()
@_MODEL
@click.pass_obj
def card(runtime: Runtime, model: Path | None) -> None:
    """Show the model card of a classifier: data, errors, coverage against precision, limits."""
    runtime.start()
    from cityloom.cases import queries

    click.echo(queries.card_of(model_in(model)))


@click.group()
def rules() -> None:
    """Routing rules: which unit gets a case, and what is wrong with them before they are used."""


@rules.command("check")
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--area", "areas", multiple=True, help="A smallest unit of the city (city/d01/s01); else those named.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def check_rules(runtime: Runtime, file: Path | None, areas: tuple[str, ...], as_json: bool) -> int:
    """Say which rules of FILE (or of the example) overlap, which never fire, and which cases nobody gets.

    Leaves with 3 where a rule never fires, or a case has no unit.
    """
    runtime.start()
    from cityloom.cases import queries

    found = queries.routing_rules_of((file or queries.example_routing()).read_text("utf-8", "replace"))
    findings = queries.routing_findings(found, areas)
    if as_json:
        click.echo(json.dumps({"routing": found.name, **asdict(findings)}, ensure_ascii=False))
    else:
        _show(found.name, len(found.rules), found.otherwise, findings)
    return _UNSAFE if findings.idle or (findings.gaps and not found.otherwise) else 0


@click.group()
def duplicates() -> None:
    """Duplicates: reports that are about one matter."""


@duplicates.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def measure(runtime: Runtime, file: Path) -> None:
    """Say how well duplicates are found in FILE (CSV: at, lon, lat, category, text, matter; error_m, closed_at)."""
    runtime.start()
    from cityloom.cases import queries

    table = Table("rule", "joins from", *(f"{what} of {unit}" for unit in ("pairs", "reports")
                                          for what in ("precision", "recall", "F1")))  # fmt: skip
    for one in queries.duplicates_measured(list(_read(file, {"at", "lon", "lat", "category", "text", "matter"}))):
        figures = (one.threshold, one.precision, one.recall, one.f1, *one.by_report)
        table.add_row(one.rule, *(f"{figure:.3f}" for figure in figures))
    Screen().print(table)


def _show(name: str, count: int, otherwise: str, findings) -> None:  # type: ignore[no-untyped-def]
    click.echo(f"{name}: {count} rules, {findings.combinations:,} combinations looked at.")
    for one in findings.overlaps:
        click.echo(f"{one.first} and {one.second} overlap, {_DECIDES[one.by]}; as {_case(one.example)}")
    for idle in findings.idle:
        click.echo(f"{idle.rule} NEVER FIRES: always before it comes one of {', '.join(idle.behind)}")
    for gap in findings.gaps:
        whose = f"goes to {otherwise}" if otherwise else "NOBODY GETS"
        areas = ", ".join(area or "any other area" for area in gap.areas)
        times = ", ".join(f"{_minute(begin)} to {_minute(end)}" for begin, end in gap.spans)
        click.echo(f"No rule, {whose}: {', '.join(gap.categories)}; in {areas}; {times}; {', '.join(gap.channels)}")


def _case(example) -> str:  # type: ignore[no-untyped-def]
    words = f", with the words {', '.join(example.words)}" if example.words else ""
    where = example.area or "any other area"
    return f"{example.category} in {where}, {_minute(example.minute)}, by {example.channel}{words}"


def _minute(minute: int) -> str:
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "the week's end")
    return f"{days[minute // 1_440]} {minute // 60 % 24:02d}:{minute % 60:02d}" if minute < 10_080 else days[7]


def model_in(path: Path | None):  # type: ignore[no-untyped-def]
    """The classifier of a file, or the one that comes with the program."""
    from cityloom.cases import queries

    return queries.classifier_of(path.read_bytes()) if path else queries.shipped_classifier()


def rows_in(file: Path) -> Iterator[tuple[str, str]]:
    """Texts with their categories, as a city has them."""
    for row in _read(file, {"text", "category"}):
        if row["text"] and row["category"]:
            yield row["text"], row["category"][:80]


def _read(file: Path, wanted: set[str]) -> Iterator[dict[str, str]]:
    if file.stat().st_size > _LARGEST:
        raise Refused("cases.reports_too_large", _LONG, limit=_LARGEST)
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
        reader = csv.DictReader(opened)
        columns = reader.fieldnames or []
        if lacks := sorted(wanted - set(columns)):
            raise Refused("cases.no_columns", _NO_COLUMNS, value=lacks[0], limit=", ".join(columns)[:200])
        for number, row in enumerate(reader):
            if number >= _MOST:
                raise Refused("cases.reports_too_large", _LONG, limit=_LARGEST)
            yield row


COMMANDS = (train, card, rules, duplicates)
