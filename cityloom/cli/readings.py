"""`cityloom readings load|bridge|status|show|schema`."""

from __future__ import annotations

import json
import shutil
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import click
from rich.console import Console as Screen
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as Lines

from cityloom.cli.runtime import Runtime
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

_JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")
_FILE = click.Path(path_type=Path)
_TOLD_EVERY_S = 10.0
_LOOK_S = 0.2
_LARGEST_FILE = 2_000_000_000
_LARGEST_BRIDGE = 256 * 1024


@click.group()
def readings() -> None:
    """Readings of sensors at a high rate: from files and from a broker, each once, and durable when acknowledged."""


@readings.command()
@click.argument("files", type=_FILE, nargs=-1, required=True)
@_JSON
@click.pass_obj
def load(runtime: Runtime, files: Sequence[Path], as_json: bool) -> None:
    """Take the readings in FILES: JSON lines, CSV or Parquet with datastream, result and phenomenonTime."""
    runtime.open_city()
    from cityloom.signals import actions

    for file in files:
        if not file.is_file():
            raise Refused("signals.readings_missing", "There is no file {value}; check the path.", value=file.name)
        if file.stat().st_size > _LARGEST_FILE:
            raise Refused("signals.readings_large", "{value} is larger than {limit} bytes; split it.", value=file.name,
                          limit=_LARGEST_FILE)  # fmt: skip
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Screen(stderr=True), transient=True) as progress:
        task = progress.add_task("readings", total=None)
        try:
            found = actions.take_readings(bodies=_bodies(files), by=SYSTEM, at=clock.now(),
                                          tell=lambda done: progress.update(task, completed=done))  # fmt: skip
        except Refused as refusal:
            if refusal.code != "lake.appender_taken" or not runtime.is_serving():
                raise
            found = handed_over(runtime, files)
    if as_json:
        click.echo(json.dumps({"kept": found.kept, "duplicates": found.duplicates, "rejected": found.rejected}))
        return
    click.echo(f"{found.kept:,} new, {found.duplicates:,} known already, {sum(found.rejected.values()):,} set aside")
    _show_rejected(found.rejected)


@readings.command()
@click.argument("file", type=_FILE)
@click.pass_obj
def bridge(runtime: Runtime, file: Path) -> None:
    """Keep what the broker in FILE sends, until Ctrl-C; `cityloom readings schema` prints the form of FILE."""
    runtime.open_city()
    from cityloom.signals import actions

    if not file.is_file() or file.stat().st_size > _LARGEST_BRIDGE:
        raise Refused("signals.bridge_missing", "There is no bridge {value}; check the path.", value=file.name)
    stop, said = Event(), {"at": clock.stopwatch(), "kept": 0}
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    def tell(words: str, kept: int) -> None:
        due = kept != said["kept"] and clock.stopwatch() - said["at"] >= _TOLD_EVERY_S
        if words or due:
            said.update(at=clock.stopwatch(), kept=kept)
            click.echo(f"{words or 'kept'}: {kept:,} readings so far")

    text = file.read_text("utf-8-sig", errors="replace")
    actions.bridge_readings(text=text, stop=stop, by=SYSTEM, at=clock.now(), tell=tell)


@readings.command()
@click.pass_obj
def schema(runtime: Runtime) -> None:
    """Print the JSON Schema of a bridge."""
    runtime.start()
    from cityloom.signals import queries

    click.echo(json.dumps(queries.bridge_schema(), ensure_ascii=False, indent=2))


@readings.command()
@_JSON
@click.pass_obj
def status(runtime: Runtime, as_json: bool) -> None:
    """Say how many readings there are, and what streams said last."""
    runtime.open_city()
    from cityloom.signals import queries

    streams, count = queries.readings_told()
    rows = queries.streams_that_spoke(20)
    line = _line(runtime)
    if as_json:
        told = {"streams": streams, "readings": count, "line": line, "last": [_plain(row) for row in rows]}
        click.echo(json.dumps(told))
        return
    if line:
        click.echo(f"Taking in: {line}")
    table = Lines("stream", "readings", "last at", "last")
    for row in rows:
        table.add_row(row.name, f"{row.count:,}", clock.to_text(row.last_at), f"{row.last:g}")
    click.echo(f"{count:,} readings of {streams:,} streams")
    Screen().print(table)


@readings.command()
@click.argument("name")
@click.option("--hours", type=click.FloatRange(0, 24 * 366), default=24.0, show_default=True)
@click.pass_obj
def show(runtime: Runtime, name: str, hours: float) -> None:
    """Print the last readings of the stream NAME, as CSV."""
    runtime.open_city()
    from cityloom.signals import queries

    found = queries.streams_by_key([name])
    if name not in found:
        raise Refused("signals.unknown_stream", "There is no stream {value}; `cityloom readings status` shows some.",
                      value=name[:60])  # fmt: skip
    now = clock.now()
    rows = queries.readings_between([found[name].id], now - timedelta(hours=hours), now + timedelta(minutes=5))
    click.echo("phenomenonTime,result")
    for at, result in zip(rows.instants(), rows.result.tolist(), strict=True):
        click.echo(f"{at.astimezone(UTC).isoformat()},{result!r}")


def _bodies(files: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    for file in files:
        yield file.name, file.read_bytes()


def handed_over(runtime: Runtime, files: Sequence[Path]) -> Any:
    """Give files to the process that keeps readings, and wait for what becomes of them.

    Raises: Refused `signals.file_refused`, `signals.not_taken`.
    """
    from cityloom.signals.actions import ReadingsTaken

    told: Counter[str] = Counter()
    for file in files:
        name = f"{ids.new_ulid()}-{file.name}"
        fresh = runtime.home.readings / f".{name}"
        shutil.copyfile(file, fresh)
        fresh.rename(runtime.home.readings / name)
        told.update(_told_of(runtime, name))
    start = "rejected."
    rejected = {code.removeprefix(start): count for code, count in sorted(told.items()) if code.startswith(start)}
    return ReadingsTaken(told["kept"], told["duplicates"], rejected)


def _told_of(runtime: Runtime, name: str) -> dict[str, int]:
    while runtime.is_serving():
        for place in ("taken", "refused"):
            path: Path = runtime.home.readings / place / f"{name}.json"
            if path.exists():
                found: dict[str, Any] = json.loads(path.read_text())
                if place == "refused":
                    raise Refused("signals.file_refused", "The file {value} was not taken. {limit}", value=name[27:67],
                                  limit=found["sentence"])  # fmt: skip
                return found
        Event().wait(_LOOK_S)
    raise Refused("signals.not_taken", "The city was stopped before it took {value}; the file waits in its folder, and "
                  "is taken when the city is served again.", value=name[27:67])  # fmt: skip


def _show_rejected(rejected: dict[str, int]) -> None:
    from cityloom.signals import queries

    if rejected:
        table = Lines("set aside", "why")
        for code, count in rejected.items():
            table.add_row(f"{count:,}", queries.sentence_of(code))
        Screen().print(table)


def _line(runtime: Runtime) -> str:
    """How the process that takes readings in stands; "" where none does."""
    path = runtime.home.path / "run" / "ingest.json"
    try:
        return str(json.loads(path.read_text())["line"]) if runtime.is_serving() else ""
    except (OSError, ValueError, KeyError):
        return ""


def _plain(row: Any) -> dict[str, Any]:
    at: datetime = row.last_at
    return {"id": row.id, "name": row.name, "count": row.count, "last_at": clock.to_text(at), "last": row.last}
