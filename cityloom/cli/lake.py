"""`cityloom lake declare|schema|load|status|show|query|compact|vacuum|forget`."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console as Screen
from rich.table import Table as Lines

from cityloom.cli.register import load as load_file
from cityloom.cli.runtime import Runtime
from cityloom.kernel.refused import Refused

_JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")
_FILE = click.Path(path_type=Path)
_MOST_ROWS = 100_000
_SHOWN = 1_000
_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def lake() -> None:
    """Facts about registered things: billions of them, by day and place."""


@lake.command()
@click.argument("file", type=_FILE)
@click.pass_obj
def declare(runtime: Runtime, file: Path) -> None:
    """Declare the dataset in FILE, or columns that it gained; `cityloom lake schema` prints the form."""
    runtime.open_city()
    from cityloom.lake import catalogue
    from cityloom.lake.domain import declaration
    from cityloom.registers import queries

    if not file.is_file() or file.stat().st_size > declaration.LARGEST_BYTES:
        raise Refused("lake.declaration", "There is no declaration {value}; check the path.", value=file.name)
    dataset = declaration.read(file.read_text("utf-8-sig", errors="replace"))
    if dataset.register and dataset.register not in queries.register_names():
        raise Refused("lake.declaration", "There is no register {value}; there are {limit}.", value=dataset.register,
                      limit=", ".join(queries.register_names()))  # fmt: skip
    new = catalogue.declare(queries.lake_root(), dataset)
    gained = f"; new columns, empty in older facts: {', '.join(new)}" if new else ""
    click.echo(f"{dataset.name} is declared{gained}")


@lake.command()
def schema() -> None:
    """Print the JSON Schema of a declaration."""
    from cityloom.lake.domain import declaration

    click.echo(json.dumps(declaration.schema(), ensure_ascii=False, indent=2))


lake.add_command(load_file, "load")


@lake.command()
@_JSON
@click.pass_obj
def status(runtime: Runtime, as_json: bool) -> None:
    """List the datasets: rows, bytes, files, freshness."""
    runtime.open_city()
    found = [(table.dataset, table.condition()) for table in _tables()]
    if as_json:
        click.echo(json.dumps([{"dataset": one.name, **asdict(how)} for one, how in found], default=str))
        return
    table = Lines("dataset", "rows", "bytes", "a row", "files", "small", "from", "until", "changed", "compacted")
    for one, how in found:
        a_row = f"{how.bytes / how.rows:.1f}" if how.rows else "–"
        moments = (f"{moment:%Y-%m-%d %H:%M}" if moment else "–" for moment in (how.changed_at, how.compacted_at))
        table.add_row(one.name, f"{how.rows:,}", f"{how.bytes:,}", a_row, str(how.files), str(how.small_files),
                      how.first_day, how.last_day, *moments)  # fmt: skip
    Screen().print(table if found else "The lake has no dataset yet; declare one with: cityloom lake declare FILE")


@lake.command()
@click.argument("name", metavar="DATASET")
@_JSON
@click.pass_obj
def show(runtime: Runtime, name: str, as_json: bool) -> None:
    """Show what DATASET is: its columns with unit, sensitivity and source."""
    runtime.open_city()
    dataset = _table(name).dataset
    if as_json:
        click.echo(json.dumps(asdict(dataset), ensure_ascii=False))
        return
    about = f"about {dataset.register}" if dataset.register else "about things that are not registered"
    table = Lines("column", "kind", "unit", "sensitivity", "source", title=f"{dataset.title}, {about}")
    for one in dataset.all_columns:
        table.add_row(one.name, one.kind, one.unit, one.sensitivity, one.source)
    Screen().print(table)


@lake.command()
@click.argument("name", metavar="DATASET")
@click.option("--by", "keys", multiple=True, help="Count by this column; day and place are columns, too.")
@click.option("--number", default="", help="With --by: mean, least and greatest of this column.")
@click.option("--of", "key", default="", help="The history of the entry that has this key.")
@click.option("--latest", is_flag=True, help="The last fact of each thing.")
@click.option("--from", "first", type=_DAY, help="From this day on (UTC).")
@click.option("--until", "end", type=_DAY, help="Before this day (UTC).")
@click.option("--version", type=click.IntRange(0), help="As the dataset was at this version.")
@click.option("--known-at", default="", metavar="INSTANT", help="As the dataset was then, as 2026-11-22T08:00Z.")
@click.option("--limit", type=click.IntRange(1, _MOST_ROWS), default=_SHOWN, show_default=True)
@click.option("--csv", "as_csv", is_flag=True, help="As CSV.")
@click.pass_obj
def query(
    runtime: Runtime, name: str, keys: Sequence[str], number: str, key: str, latest: bool, first: datetime | None,
    end: datetime | None, version: int | None, known_at: str, limit: int, as_csv: bool,
) -> None:  # fmt: skip
    """Ask DATASET: facts by day where nothing else is asked."""
    runtime.open_city()
    from cityloom.lake import engines, questions
    from cityloom.lake.domain.dataset import Span
    from cityloom.lake.domain.things import thing_of

    table = _table(name)
    _check_columns(table.dataset, [*keys, *([number] if number else [])])
    if known_at:
        version = table.version_at(_instant(known_at))
    thing = thing_of(table.dataset.register, key) if key else None
    span = Span(_iso(first), _iso(end), thing=thing)
    facts = engines.OnDuckDB().table(table, span, version)
    if thing is not None:
        asked = questions.history(facts, thing)
    elif latest:
        asked = questions.latest(facts)
    else:
        asked = questions.by(facts, *(keys or ("day",)), number=number)
    found = asked.limit(limit + 1).to_pyarrow()
    _tell(found.column_names, found.slice(0, limit).to_pylist(), as_csv)
    if found.num_rows > limit:
        click.echo(f"There are more than {limit} rows; ask for fewer days, or raise --limit.", err=True)


@lake.command()
@click.argument("name", metavar="[DATASET]", default="")
@click.pass_obj
def compact(runtime: Runtime, name: str) -> None:
    """Write small files as larger ones; the worker does it by itself."""
    runtime.open_city()
    for table in [_table(name)] if name else _tables():
        click.echo(f"{table.dataset.name}: {table.compact()} small files were joined")


@lake.command()
@click.argument("name", metavar="[DATASET]", default="")
@click.option("--hours", type=click.IntRange(24), default=168, show_default=True,
              help="Keep what versions of the last hours need.")  # fmt: skip
@click.pass_obj
def vacuum(runtime: Runtime, name: str, hours: int) -> None:
    """Remove files that no version of the last hours needs; the worker does it by itself."""
    runtime.open_city()
    for table in [_table(name)] if name else _tables():
        click.echo(f"{table.dataset.name}: {table.vacuum(hours)} files were removed")


def _tables() -> list[Any]:
    from cityloom.lake import catalogue
    from cityloom.registers import queries

    return catalogue.tables(queries.lake_root())


def _table(name: str) -> Any:
    from cityloom.lake import catalogue
    from cityloom.registers import queries

    return catalogue.table(queries.lake_root(), name)


def _check_columns(dataset: Any, names: Sequence[str]) -> None:
    known = [*(one.name for one in dataset.all_columns), "day", "place"]
    for name in names:
        if name not in known:
            raise Refused("lake.no_column", "{value} is no column of it; there are: {limit}.", value=name[:60],
                          limit=", ".join(known))  # fmt: skip


def _instant(text: str) -> datetime:
    from cityloom.kernel import clock

    try:
        return clock.asked_for(text)
    except ValueError as error:
        raise Refused("lake.bad_instant", "{value} is no instant; write it as 2026-11-22T08:00Z.", value=text[:40]
                      ) from error  # fmt: skip


def _iso(day: datetime | None) -> str:
    return day.date().isoformat() if day else ""


def _tell(names: Sequence[str], rows: Sequence[dict[str, Any]], as_csv: bool) -> None:
    if as_csv:
        out = csv.writer(sys.stdout)
        out.writerow(names)
        out.writerows(_texts(rows))
        return
    table = Lines(*names)
    for texts in _texts(rows):
        table.add_row(*texts)
    Screen().print(table if rows else "There is no such fact.")


def _texts(rows: Sequence[dict[str, Any]]) -> Iterator[list[str]]:
    from cityloom.cli.register import plain

    for row in rows:
        yield [plain("" if value is None else str(value)) for value in row.values()]
