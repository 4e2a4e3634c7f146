"""`cityloom insight forecasts`: forecasts are published, measured by what came, and withdrawn only in sight."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Column, Table

from cityloom.cli.runtime import Runtime
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM


@click.group()
def forecasts() -> None:
    """Published forecasts: frozen as they were told, each with a scorecard of what came."""


@forecasts.command()
@click.argument("study")
@click.option("--subject", required=True, help="Of what it is a forecast; forecasts of one subject are its vintages.")
@click.option("--title", default="", help="What it is called; by default its subject.")
@click.pass_obj
def publish(runtime: Runtime, study: str, subject: str, title: str) -> None:
    """Publish the forecast of a STUDY: its folder, or the id of one that the city keeps. It cannot be changed after."""
    runtime.open_city()
    from cityloom.insight import actions

    made = actions.publish_forecast(study=study, subject=subject, title=title, by=SYSTEM, at=clock.now())
    click.echo(f"{made}: published. When outcomes come: cityloom insight forecasts actuals FILE --subject “{subject}”")


@forecasts.command("list")
@click.pass_obj
def list_all(runtime: Runtime) -> None:
    """List all forecasts that were ever published, with how they did."""
    runtime.open_city()
    from cityloom.insight import queries

    table = Table(Column("Forecast", no_wrap=True), "Published", "State", "Outcomes", "Error", "Naive", "Inside")
    for one in queries.published_forecasts():
        row = one["one"]
        table.add_row(f"{row.pk}\n{row.title} ({row.subject})\n{row.first_period} to {row.last_period}",
                      f"{row.published_at:%Y-%m-%d}", "withdrawn" if row.withdrawn_at else "holds", one["known"],
                      one["error"], one["naive"], one["coverage"])  # fmt: skip
    Console().print(table)


@forecasts.command()
@click.argument("forecast")
@click.option("--csv", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write it with what came here.")
@click.pass_obj
def show(runtime: Runtime, forecast: str, file: Path | None) -> None:
    """Show the scorecard of a FORECAST by horizon."""
    runtime.open_city()
    from cityloom.insight import queries

    found = queries.published_forecast(forecast)
    row, card = found["forecast"], found["scorecard"]
    click.echo(f"{row.title}: {row.series} series, {row.first_period} to {row.last_period}, SHA-256 {row.digest}")
    if not found["is_intact"]:
        click.echo("Wrong: what is kept is not what was published; its digest does not fit.")
    if row.withdrawn_at:
        click.echo(f"Withdrawn {row.withdrawn_at:%Y-%m-%d}: {row.reason}")
    if card is None:
        click.echo("Nothing has come yet that it can be measured by.")
    else:
        table = Table(*card.heads)
        for cells in card.rows:
            table.add_row(*(cell.text for cell in cells))
        Console().print(table)
    if file is not None:
        file.write_text(queries.published_forecast_as_csv(forecast), "utf-8")


@forecasts.command()
@click.argument("source")
@click.option("--subject", required=True, help="Of what the outcomes are.")
@click.pass_obj
def actuals(runtime: Runtime, source: str, subject: str) -> None:
    """Keep what came and score every forecast of the subject by it.

    SOURCE is a CSV, Parquet or Excel file with the columns series, period, value; or a newer study of the kind forecast
    (its folder or id), whose history says what came.
    """
    runtime.open_city()
    from cityloom.insight import actions

    for forecast, known in actions.deliver_actuals(source=source, subject=subject, by=SYSTEM, at=clock.now()).items():
        click.echo(f"{forecast}: {known} outcomes known")


@forecasts.command()
@click.argument("forecast")
@click.option("--reason", required=True, help="Why; it is shown with the forecast.")
@click.pass_obj
def withdraw(runtime: Runtime, forecast: str, reason: str) -> None:
    """Withdraw a FORECAST: it stays to be seen, with its scorecard and the reason."""
    runtime.open_city()
    from cityloom.insight import actions

    actions.withdraw_forecast(forecast_id=forecast, reason=reason, by=SYSTEM, at=clock.now())
    click.echo(f"{forecast}: withdrawn; its scorecard stays.")
