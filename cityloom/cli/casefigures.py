"""`cityloom cases figures`: shares of cases with what is left out, and how sure they are."""

from __future__ import annotations

import csv
import json
import sys

import click
from rich.console import Console as Screen
from rich.table import Table

from cityloom.cli.runtime import Runtime
from cityloom.kernel import clock

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--casetype", default="request", show_default=True, help="The type of the cases.")
@click.option("--unit", default="city", show_default=True, help="The unit, with all below it.")
@click.option("--since", type=_DAY, help="Only cases opened from this day on; by default a year.")
@click.option("--until", type=_DAY, help="Only cases opened before this day.")
@click.option("--by", type=click.Choice(["unit", "category", "month", "origin"]), default="unit", show_default=True)
@click.option("--as", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.pass_obj
def figures(
    runtime: Runtime, casetype: str, unit: str, since: click.DateTime | None, until: click.DateTime | None, by: str,
    form: str,
) -> None:  # fmt: skip
    """Count cases: answered in time, solved, satisfied, come again; neither officials nor residents are units."""
    runtime.open_city()
    from cityloom.cases.queries import case_figures, case_figures_as_json, case_figures_as_rows

    found = case_figures(casetype, unit, _text(since), _text(until), clock.now())
    if form == "json":
        click.echo(json.dumps(case_figures_as_json(found, by), ensure_ascii=False, indent=1))
        return
    rows = case_figures_as_rows(found, by)
    if form == "csv":
        csv.writer(sys.stdout).writerows(rows)
        return
    table = Table(*map(str, rows[0][:7]), "left out", "all")
    for row in rows[1:]:
        left_out = sum(count for count in row[7:-1] if isinstance(count, int))
        table.add_row(*map(str, row[:7]), str(left_out), str(row[-1]))
    Screen().print(table)


def _text(day: click.DateTime | None) -> str:
    return f"{day:%Y-%m-%d}" if day else ""
