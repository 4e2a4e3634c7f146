"""`cityloom drill run|list|report|decisions|remove`."""

from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import click
from rich.console import Console as Screen
from rich.markup import escape
from rich.table import Table

from cityloom.cli.runtime import Runtime
from cityloom.kernel.envelope import Envelope

UNSAFE = 3


@click.group()
def drill() -> None:
    """Rehearse an emergency on the whole city, and see what came of it."""


@drill.command()
@click.argument("scenario")
@click.option("--resume", "exercise_id", metavar="EXERCISE", help="Go on with an exercise that was interrupted.")
@click.option("--hold", is_flag=True, help="Stop at the proposal, and leave the approvals to people at the screens.")
@click.option("--json", "as_json", is_flag=True, help="The whole report, for machines.")
@click.option("--decisions", is_flag=True, help="Only what was decided, without ids and times: equal for equal runs.")
@click.option("--road", type=click.Choice(["direct", "mqtt"]), default="direct", show_default=True,
              help="How readings come: recorded one by one, or through a broker and a process of its own.")  # fmt: skip
@click.option("--broker", default="mqtt://localhost:1883", show_default=True, help="The broker of --road mqtt.")
@click.pass_obj
def run(
    runtime: Runtime, scenario: str, exercise_id: str | None, hold: bool, as_json: bool, decisions: bool, road: str,
    broker: str,
) -> int:  # fmt: skip
    """Run SCENARIO: the name of one that comes with Cityloom, or a YAML file."""
    runtime.open_city()
    from cityloom.drills.jobs import keeping
    from cityloom.drills.jobs import run as runs
    from cityloom.emergency import queries as incidents
    from cityloom.kernel import ids

    quiet = as_json or decisions
    screen = Screen(stderr=quiet, quiet=quiet)
    with ExitStack() as stack:
        keeper = keeping.keeper_for_drill(stack)
        exercise_id = exercise_id or ids.new_ulid()
        taken = stack.enter_context(runtime.road_of_exercise(exercise_id, broker)) if road == "mqtt" else None
        report = runs.run(
            scenario, exercise_id=exercise_id, narrator=Told(screen), keeper=keeper, approve=not hold, road=taken,
        )  # fmt: skip
    if decisions:
        click.echo(incidents.decisions(report["exercise_id"]))
    elif as_json:
        click.echo(json.dumps(report, ensure_ascii=False, indent=1))
    elif not hold:
        _show_outcome(screen, report)
    else:
        screen.print("The proposal waits for people: run `cityloom serve`, sign in as the commander, and decide.")
    return UNSAFE if report["outcome"] == "unsafe" else 0


@drill.command("list")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def list_(runtime: Runtime, as_json: bool) -> int:
    """Show the exercises that were run, and the scenarios there are."""
    runtime.open_city()
    from cityloom.drills import queries

    runs = queries.runs()
    if as_json:
        found = {"scenarios": queries.shipped_scenarios(), "runs": [vars(run) for run in runs]}
        click.echo(json.dumps(found, default=str))
        return 0
    table = Table("exercise", "scenario", "state", "outcome", "started", "seconds")
    for run in runs:
        seconds = f"{run.wall_s:.1f}" if run.wall_s is not None else ""
        started = f"{run.started_at:%Y-%m-%d %H:%M}"
        table.add_row(run.exercise_id, run.scenario, run.state, run.outcome, started, seconds)
    screen = Screen()
    screen.print(table)
    screen.print(f"Scenarios: {', '.join(queries.shipped_scenarios())}")
    return 0


@drill.command()
@click.argument("exercise")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def report(runtime: Runtime, exercise: str, as_json: bool) -> int:
    """Show what came of an exercise, and where its report lies."""
    runtime.open_city()
    from cityloom.drills import queries

    found = queries.report_of(exercise)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        _show_outcome(Screen(), found)
    return UNSAFE if found["outcome"] == "unsafe" else 0


@drill.command()
@click.argument("exercise")
@click.pass_obj
def decisions(runtime: Runtime, exercise: str) -> None:
    """Print what was decided in an exercise, without ids and times: equal for equal runs."""
    runtime.open_city()
    from cityloom.drills import queries
    from cityloom.emergency import queries as incidents

    queries.find(exercise)
    click.echo(incidents.decisions(exercise))


@drill.command()
@click.argument("exercise")
@click.pass_obj
def remove(runtime: Runtime, exercise: str) -> int:
    """Erase everything that an exercise wrote; the keeper's log keeps its leaves."""
    runtime.open_city()
    from cityloom.drills import actions
    from cityloom.drills.jobs import keeping
    from cityloom.kernel.actor import SYSTEM

    with ExitStack() as stack:
        keeping.keeper_for_drill(stack)
        removed = actions.remove(exercise_id=exercise, by=SYSTEM)
    click.echo(f"Erased {removed} rows of exercise {exercise}.")
    return 0


class Told:
    """The live timeline on the screen."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def note(self, words: str) -> None:
        self._screen.print(f"[dim]          {escape(words)}[/]", highlight=False)

    def events(self, events: list[tuple[Envelope, float | None]], first_signal_at: datetime) -> None:
        from cityloom.drills.domain.timeline import lines_of

        for line in lines_of(events, first_signal_at):
            wall = f"{line.wall_ms:,.0f} ms" if line.wall_ms is not None else ""
            self._screen.print(
                f"[cyan]{_clock(line.t_s):>9}[/] [bold]{line.step:<26}[/] {escape(line.decided)} [dim]{wall}[/]",
                highlight=False, soft_wrap=True,
            )  # fmt: skip


def _clock(seconds: float) -> str:
    sign, whole = ("-" if seconds < 0 else "+"), abs(round(seconds))
    return f"{sign}{whole // 60}:{whole % 60:02}"


def _show_outcome(screen: Screen, report: dict[str, Any]) -> None:
    checks = Table("", "safety check", "what was found", title="Safety checks")
    for check in report["checks"]:
        checks.add_row("[green]held[/]" if check["passed"] else "[red]BROKEN[/]", check["name"], check["detail"])
    screen.print(checks)
    for figure in report["figures"]:
        screen.print(f"  {figure['label']:<46} {figure['value']}  [dim]{figure.get('note', '')}[/]", highlight=False)
    if report["outcome"] == "unsafe":
        broken = ", ".join(check["name"] for check in report["checks"] if not check["passed"])
        screen.print(f"[bold red]UNSAFE[/]: {broken}", soft_wrap=True)
    for path in report["files"]:
        screen.print(f"Report: {path}", soft_wrap=True, highlight=False)
    for note in report["notes"]:
        screen.print(f"[dim]{note}[/]", soft_wrap=True, highlight=False)
