"""`cityloom alert lint`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cityloom.cli.runtime import Runtime


@click.group()
def alert() -> None:
    """Look at alerts in the Common Alerting Protocol (CAP 1.2)."""


@alert.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def lint(runtime: Runtime, file: Path, as_json: bool) -> int:
    """Say what is wrong with an alert, beyond what its schema can see."""
    runtime.start()
    from cityloom.alerts import queries as alerts
    from cityloom.kernel import clock

    findings = alerts.lint_file(file, at=clock.now())
    if as_json:
        wanted = ("code", "level", "where", "sentence")
        rows = [{name: getattr(item, name) for name in wanted} for item in findings]
        click.echo(json.dumps(rows, ensure_ascii=False))
    else:
        for item in findings:
            click.echo(f"{item.code}: {item.sentence}")
        click.echo(f"{len(findings)} findings." if findings else "Nothing found.")
    return 1 if findings else 0
