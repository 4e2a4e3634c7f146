"""`cityloom insight brief`: what may go wrong in the coming days and weeks, on the command line."""

from __future__ import annotations

import json

import click
from rich.console import Console
from rich.table import Table

from cityloom.cli.runtime import Runtime
from cityloom.kernel import clock


@click.command()
@click.option("--unit", default="city", show_default=True, help="A branch of the tree of units, as city/d02.")
@click.option("--as", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_obj
def brief(runtime: Runtime, unit: str, form: str) -> None:
    """What may go wrong in the coming days and weeks in a branch of the city: how bad, how sure, whether it rises."""
    runtime.open_city()
    from cityloom.insight import queries

    found = queries.risk_brief_as_json(queries.risk_brief(unit, clock.now()))
    if form == "json":
        click.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    table = Table("When", "Weight", "What", "Chance", "Trend", "Branch")
    for risk in found["risks"]:
        chance = "" if risk["chance"] is None else f"{risk['chance']:.0%}"
        table.add_row(risk["horizon"], f"{risk['severity']}/4", risk["title"], chance, risk["trend"] or "",
                      risk["unit"])  # fmt: skip
    Console().print(table)
    quiet, unread = (", ".join(found[name]) or "nothing" for name in ("quiet", "not_told"))
    click.echo(f"Quiet: {quiet}. Not told: {unread}. What nobody measures or reports is not here.")
