"""`cityloom city build|import|show`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console as Screen
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from cityloom.cli.runtime import Runtime
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

SIZES = {"small": 20_000, "demo": 200_000, "shenzhen": 20_000_000}
DWELLINGS_A_WORKER = 1_500
_STEPS = {
    "read": "Reading the file", "generate": "Making up streets and buildings", "complete": "Filling in what is missing",
    "buildings": "Writing buildings and dwellings", "roads": "Writing roads and mains",
    "people": "Sealing people", "index": "Indexing", "sensors": "Putting up sensors",
}  # fmt: skip


@click.group()
def city() -> None:
    """Make a city, or look at the one there is."""


_replace = click.option("--replace", is_flag=True, help="Replace the current city even if it holds real incidents.")
_seed = click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True)
_json = click.option("--json", "as_json", is_flag=True, help="For machines.")


@city.command()
@click.option("--people", type=click.IntRange(1), help="How many people; 200,000 by default.")
@click.option("--size", type=click.Choice(sorted(SIZES)), help="A size with a name; shenzhen is 20 million people.")
@_seed
@_replace
@_json
@click.pass_obj
def build(
    runtime: Runtime, people: int | None, size: str | None, seed: int, replace: bool, as_json: bool
) -> int:  # fmt: skip
    """Build a synthetic city; everything in it is made up, and says so."""
    count = people or SIZES[size or "demo"]
    return _make(runtime, lambda city, tell: city.draft_synthetic(count, seed, tell), seed, replace, as_json)


@city.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--timezone", default="", metavar="ZONE",
              help="The city's time zone, as in Asia/Shanghai or UTC+08:00; by default one is guessed by longitude.")
@_seed
@_replace
@_json
@click.pass_obj
def import_(
    runtime: Runtime, path: Path, timezone: str, seed: int, replace: bool, as_json: bool
) -> int:  # fmt: skip
    """Import a city from PATH: OpenStreetMap data, or a folder with buildings.geojson and roads.geojson."""
    source = path.expanduser().absolute()
    return _make(runtime, lambda city, tell: city.draft_from(source, tell, timezone), seed, replace, as_json)


@city.command()
@_json
@click.pass_obj
def show(runtime: Runtime, as_json: bool) -> int:
    """Show what is in the city, and what of it is made up."""
    runtime.open_city()
    from cityloom.registers import queries

    _tell(queries.loaded_city(), as_json)
    return 0


def _make(
    runtime: Runtime, drafted: Callable[[Any, Any], Any], seed: int, replace: bool, as_json: bool
) -> int:  # fmt: skip
    """Build beside the current city, and put the new one in its place when it is whole."""
    if runtime.is_serving():
        raise Refused("city.in_use", "The city's processes are running; stop them with `cityloom stop` first.")
    if not replace and (real := runtime.real_incidents()):
        raise Refused("city.has_incidents", "The current city holds {value} real incidents; add --replace to give it "
                      "up.", value=real)  # fmt: skip
    with _progress(quiet=as_json) as progress, runtime.new_city():
        facts = _build(runtime, drafted, seed, progress)
    _tell(facts, as_json)
    return 0


def _build(
    runtime: Runtime, drafted: Callable[[Any, Any], Any], seed: int, progress: Callable[[str, int, int], None]
) -> Any:  # fmt: skip
    from cityloom.accounts import actions as accounts
    from cityloom.fieldwork import actions as fieldwork
    from cityloom.gate import actions as gate
    from cityloom.kernel import clock
    from cityloom.registers import actions as registers
    from cityloom.registers import queries
    from cityloom.signals import actions as signals

    at = clock.now()
    draft = registers.completed(drafted(registers, progress), seed, progress)
    runtime.make_schema()
    keeper = gate.start_keeper()
    try:
        registers.load(draft, seed=seed, people=True, by=SYSTEM, at=at, progress=progress)
    finally:
        keeper.stop()
    progress("sensors", 0, len(draft.sensor_sites))
    signals.install(draft.sensor_sites, by=SYSTEM, at=at)
    progress("sensors", len(draft.sensor_sites), len(draft.sensor_sites))
    posts = registers.worker_posts(draft, DWELLINGS_A_WORKER, seed)
    demo = accounts.create_demo_accounts(workers=[post.unit_id for post in posts], by=SYSTEM, at=at)
    fieldwork.install_workers(workers=demo, sites=[(post.lon, post.lat) for post in posts], by=SYSTEM, at=at)
    return queries.loaded_city()


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    columns = (TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, disable=quiet, console=Screen(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(_STEPS.get(step, step), total=total)
            bars.update(tasks[step], completed=done, total=total)

        yield report


def _tell(facts: Any, as_json: bool) -> None:
    if as_json:
        shown = {name: getattr(facts, name) for name in facts.__dataclass_fields__}
        click.echo(json.dumps(shown, ensure_ascii=False, default=str))
        return
    screen = Screen()
    label = "synthetic city" if facts.kind == "synthetic" else "real place, synthetic people"
    table = Table("", "", title=f"{escape(facts.name)} ({label})", show_header=False)
    for what, count in facts.counts.items():
        table.add_row(what.replace("_", " "), f"{count:,}")
    table.add_row("time zone", facts.timezone)
    for what, count in facts.defects.items():
        table.add_row(f"[yellow]in the source: {what}[/]", f"{count:,}")
    screen.print(table)
    made = Table("made up", "how many", "rule")
    for what, entry in facts.synthesised.items():
        made.add_row(what, f"{entry['count']:,}", str(entry["rule"]))
    screen.print(made)
    if facts.attribution:
        screen.print(facts.attribution, markup=False)
