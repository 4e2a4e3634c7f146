"""`cityloom serve|status|stop`."""

from __future__ import annotations

import json

import click
from rich.console import Console as Screen
from rich.table import Table

from cityloom.cli.runtime import Runtime


@click.command()
@click.option("--host", default="localhost", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port; by default 8471 or the next free one.")
@click.pass_obj
def serve(runtime: Runtime, host: str, port: int | None) -> None:
    """Start the city's processes and keep them running."""
    runtime.open_city()
    runtime.serve(host=host, port=port)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def status(runtime: Runtime, as_json: bool) -> int:
    """Say what runs, and how it is."""
    facts = runtime.status()
    if as_json:
        click.echo(json.dumps(facts, default=str))
        return 0
    if not facts.get("running"):
        click.echo("Nothing is running; start it with `cityloom serve`.")
        return 0
    table = Table("process", "pid", "state", "restarts", title=f"Cityloom at {facts.get('url', '')}")
    for name, process in dict(facts.get("processes", {})).items():  # type: ignore[call-overload]
        state = ": ".join(str(process[part]) for part in ("state", "says") if process.get(part))
        table.add_row(name, str(process.get("pid")), state, str(process.get("restarts", 0)))
    Screen().print(table)
    return 0


@click.command()
@click.pass_obj
def stop(runtime: Runtime) -> int:
    """Stop the city's processes."""
    click.echo("Stopped." if runtime.stop() else "Nothing was running.")
    return 0
