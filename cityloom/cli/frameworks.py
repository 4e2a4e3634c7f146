"""`cityloom insight framework` and `collect`: the files that say what an index is made of, and tables for them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from rich.console import Console as Screen
from rich.table import Table

from cityloom.cli.runtime import Runtime
from cityloom.kernel import clock

_DAY = click.DateTime(["%Y-%m-%d"])
_PATH = click.Path(path_type=Path)
_WRONG = 1


@click.group()
def framework() -> None:
    """Frameworks of indicators: of organisations, places and services, never of persons."""


@framework.command("list")
@click.pass_obj
def list_(runtime: Runtime) -> None:
    """List the frameworks that come with the program."""
    runtime.start()
    from cityloom.insight import queries

    for one in queries.shipped_frameworks():
        click.echo(f"{one.code:<22} {one.purpose:<8} {len(one.indicators):>3} indicators  {one.title['en']}"
                   f" (unit: {one.unit})")  # fmt: skip


@framework.command()
@click.argument("name")
@click.option("--language", type=click.Choice(["en", "zh-hans"]), default="en", show_default=True)
@click.pass_obj
def show(runtime: Runtime, name: str, language: str) -> None:
    """Show the structure of a framework: the NAME of a shipped one, or a file that ends with .yaml."""
    runtime.start()
    from cityloom.insight import queries

    one = queries.framework_named(name)
    about = one.about or one.title
    click.echo(f"{one.title.get(language, one.title['en'])} ({one.code}; unit: {one.unit})\n"
               f"{about.get(language, about['en'])}")  # fmt: skip
    table = Table("item", "title", "better", "share", "made by", box=None)
    table.columns[0].no_wrap = True
    for item in queries.items_of_framework(one, language):
        share = f"{100 * item.share:.2f} %" if item.share else ""
        better = {"up": "higher", "down": "lower"}.get(item.direction, "")
        table.add_row("  " * item.depth + item.code, item.title, better, share, item.made_by)
    Screen().print(table)
    if one.source:
        click.echo(f"Source: {one.source}")


@framework.command()
@click.argument("file", type=_PATH)
@click.pass_context
def check(context: click.Context, file: Path) -> None:
    """Tell all that is wrong with a framework's FILE, each with its line; exit status 1 where anything is."""
    context.obj.start()
    from cityloom.cli.main import told
    from cityloom.insight import queries

    found = queries.faults_in_framework(file)
    for fault in found:
        click.echo(f"{file}:{fault.line}: {told(fault.refusal)} ({fault.refusal.code}, {fault.place})")
    if found:
        context.exit(_WRONG)
    one = queries.framework_named(str(file))
    click.echo(f"{file} can be worked: {len(one.indicators)} indicators, {len(one.aggregates)} aggregates.")


@framework.command()
@click.argument("name")
@click.option("--out", type=_PATH, required=True, help="The folder for the question and its synthetic table.")
@click.pass_obj
def example(runtime: Runtime, name: str, out: Path) -> None:
    """Write a question of the shipped framework NAME with a synthetic table."""
    runtime.start()
    from cityloom.insight import actions

    path = actions.write_framework_example(framework=name, folder=out)
    click.echo(f"{path}: an example with synthetic figures; work it with\n"
               f"cityloom insight study run {path} --out {out / 'study'}")  # fmt: skip


@click.group()
def collect() -> None:
    """Tables for frameworks, collected from the city's own records."""


@collect.command("public-service")
@click.option("--out", type=_PATH, required=True, help="The table that is written (CSV).")
@click.option("--casetype", default="request", show_default=True, help="The type of the cases.")
@click.option("--unit", default="city", show_default=True, help="The units right below this one are compared.")
@click.option("--since", type=_DAY, help="Only cases opened from this day on; by default a year.")
@click.option("--until", type=_DAY, help="Only cases opened before this day.")
@click.pass_obj
def public_service(runtime: Runtime, out: Path, casetype: str, unit: str, since: datetime | None,
                   until: datetime | None) -> None:  # fmt: skip
    """Collect how units served residents: in time, solved, not again, satisfied; shares of few cases stay unknown."""
    runtime.open_city()
    from cityloom.insight import actions

    units = actions.collect_public_service(casetype=casetype, unit=unit, since=_text(since), until=_text(until),
                                           at=clock.now(), path=out)  # fmt: skip
    click.echo(f"{units} units in {out}; work it with the framework public-service (kind: index).")


def _text(day: datetime | None) -> str:
    return f"{day:%Y-%m-%d}" if day else ""
