"""`cityloom cases table publish|list|show|withdraw`: the decision tables by which a city grants at once."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console as Screen
from rich.markup import escape
from rich.table import Column, Table

from cityloom.cli.caserules import file_bytes
from cityloom.cli.runtime import Runtime
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM

_NUMBER = click.option("--version", "number", type=click.IntRange(1), help="A version; else the one in force.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def publish(runtime: Runtime, file: Path) -> None:
    """Put FILE in force for the category that names it, if it fits the form, only grants and says why in each row."""
    runtime.open_city()
    from cityloom.cases import actions, queries

    data = file_bytes(file)
    name, number = actions.publish_table(data=data, by=SYSTEM, at=clock.now())
    click.echo(f"{name}, version {number}, decides from now on.")
    findings = queries.table_findings(queries.decision_table_of(data))
    for gap in findings.gaps:
        click.echo(f"A person decides where {gap}")


@click.command("list")
@click.pass_obj
def listed(runtime: Runtime) -> None:
    """Show all versions of all tables, and which decide now."""
    runtime.open_city()
    from cityloom.cases.queries import tables

    shown = Table(Column("table", no_wrap=True), "version", "decides for", "standing", "since", "why withdrawn")
    for one in tables():
        since = one.withdrawn_at or one.published_at
        shown.add_row(one.name, str(one.number), f"{one.casetype} {one.category}", one.standing,
                      since.date().isoformat() if since else "", escape(one.why))  # fmt: skip
    Screen().print(shown)


@click.command()
@click.argument("name")
@_NUMBER
@click.option("--as", "form", type=click.Choice(["yaml", "xml"]), default="yaml", help="DMN is xml.")
@click.pass_obj
def show(runtime: Runtime, name: str, number: int | None, form: str) -> None:
    """Write the table NAME as it decides now, or as a version that decided before."""
    runtime.open_city()
    from cityloom.cases.queries import table_as, table_version

    one = table_version(name, number or 0)
    if form == "yaml":
        click.echo(f"# version {one.number}: {one.standing}")
    click.echo(table_as(one.table, form), nl=False)


@click.command()
@click.argument("name")
@_NUMBER
@click.option("--why", required=True, help="Kept beside it, for everybody to read.")
@click.pass_obj
def withdraw(runtime: Runtime, name: str, number: int | None, why: str) -> None:
    """Take a version of NAME out of force; what it decided stays readable, and the one before it decides again."""
    runtime.open_city()
    from cityloom.cases import actions

    taken = actions.withdraw_table(name=name, number=number or 0, why=why, by=SYSTEM, at=clock.now())
    click.echo(f"{name}, version {taken}, is withdrawn.")


COMMANDS = (publish, listed, show, withdraw)
