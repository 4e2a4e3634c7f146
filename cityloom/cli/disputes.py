"""`cityloom cases disputes`: how many disputes there are, with small counts hidden."""

from __future__ import annotations

import csv
import sys

import click
from rich.console import Console as Screen
from rich.table import Table

from cityloom.cli.runtime import Runtime
from cityloom.kernel import clock

_BY = click.Choice(["category", "month", "outcome", "unit"])


@click.command()
@click.option("--by", type=_BY, default="category", show_default=True)
@click.option("--over", type=_BY, help="What the columns are.")
@click.option("--as", "form", type=click.Choice(["table", "csv"]), default="table", show_default=True)
@click.pass_obj
def disputes(runtime: Runtime, by: str, over: str | None, form: str) -> None:
    """Count the disputes of the last twelve whole months; 7 or fewer are not told, the others are rounded to 5."""
    runtime.open_city()
    from cityloom.cases.queries import dispute_figures

    found = dispute_figures(by, over or "", clock.now()).table
    head = [by, *(found.columns if len(found.columns) > 1 else ()), "all"]
    lines = [[name, *("≤ 7 *" if count is None else str(count) for count in line[-len(head) + 1 :])]
             for name, line in zip([*found.rows, "all"], found.counts, strict=True)]  # fmt: skip
    if form == "csv":
        csv.writer(sys.stdout).writerows([head, *lines])
        return
    table = Table(*head)
    for line in lines:
        table.add_row(*line)
    Screen().print(table)
