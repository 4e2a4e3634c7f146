"""`cityloom cases process upload|list|show|start|tasks|finish|message|runs|retry`: processes and what waits in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
from rich.console import Console as Screen
from rich.markup import escape
from rich.table import Table

from cityloom.cli.caserules import file_bytes
from cityloom.cli.runtime import Runtime
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor

_AS = click.option("--as", "username", default="", metavar="USERNAME", help="In whose name; the city's, if none.")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")
_ONLY = click.option("--only", type=click.Choice(["running", "ended", "stuck"]), help="Only those that stand so.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_AS
@click.pass_obj
def upload(runtime: Runtime, file: Path, username: str) -> None:
    """Keep FILE as the next version of its process, if all of it can be run; runs stay on theirs."""
    runtime.open_city()
    from cityloom.cases import actions

    name, number = actions.upload_process(data=file_bytes(file), by=_actor(username), at=clock.now())
    click.echo(f"{name}, version {number}, is kept.")


@click.command("list")
@click.pass_obj
def list_(runtime: Runtime) -> None:
    """Show the processes of this city, with how many runs there are."""
    runtime.open_city()
    from cityloom.cases.queries import processes_of_city

    table = Table("process", "version", "title", "running", "ended", "stuck")
    for one in processes_of_city():
        counts = map(str, (one.running, one.ended, one.stuck))
        table.add_row(one.name, str(one.number or "shipped"), escape(one.process.titles["en"]), *counts)
    Screen().print(table)


@click.command()
@click.argument("process", metavar="NAME[@VERSION]")
@click.pass_obj
def show(runtime: Runtime, process: str) -> None:
    """Show what a process does: its elements, who does them, and what may come of each."""
    runtime.open_city()
    from cityloom.cases.queries import process_named

    name, _, number = process.partition("@")
    found = process_named(name, int(number) if number.isdecimal() else 0)
    table = Table("element", "kind", "name", "of", "outcomes", title=f"{name} {found.number or '(shipped)'}")
    for node in found.process.nodes.values():
        of = " ".join(filter(None, (node.lane, node.does, node.calls, node.message, node.loop and f"each {node.loop}")))
        outcomes = ", ".join(one.value for one in node.form.outcomes)
        table.add_row(escape(node.id), node.kind, escape(node.name), escape(of), outcomes)
    Screen().print(table)


@click.command()
@click.argument("process", metavar="NAME[@VERSION]")
@click.option("--case", "number", default="", metavar="NUMBER", help="The case in which it runs.")
@click.option("--fact", "facts", nargs=2, multiple=True, metavar="NAME VALUE", help="What conditions ask for.")
@_AS
@click.pass_obj
def start(runtime: Runtime, process: str, number: str, facts: tuple[tuple[str, str], ...], username: str) -> None:
    """Start a run of a process, in a case or by itself."""
    runtime.open_city()
    from cityloom.cases import actions, queries

    by = _actor(username)
    case_id = queries.id_numbered(number) if number else ""
    run = actions.start_process(process=process, by=by, at=clock.now(), case_id=case_id, facts=_facts(facts))
    click.echo(run)


@click.command()
@_ONLY
@click.argument("process", metavar="[NAME]", default="")
@click.pass_obj
def runs(runtime: Runtime, only: str | None, process: str) -> None:
    """Show the latest runs, where each stands, and why one is stuck."""
    runtime.open_city()
    from cityloom.cases.queries import runs_of

    table = Table("run", "process", "case", "stands", "waits for")
    for one in runs_of(process, only=only or ""):
        held = "; ".join(each.sentence for each in one.held)
        stands = f"stuck: {held}" if held else one.standing
        waits = ", ".join(dict.fromkeys(each.node_id for each in one.waits))
        table.add_row(one.id, f"{one.name} {one.number}", one.case_number, escape(stands), escape(waits))
    Screen(width=160).print(table)


@click.command()
@click.option("--as", "username", required=True, metavar="USERNAME", help="Whose tasks.")
@click.pass_obj
def tasks(runtime: Runtime, username: str) -> None:
    """Show the open tasks that somebody may do, what is due first at the top."""
    runtime.open_city()
    from cityloom.cases.queries import tasks_for

    table = Table("task", "what", "case", "unit", "due", "outcomes")
    for one in tasks_for(_actor(username))[0]:
        due = f"{one.due_at:%Y-%m-%d %H:%M}" if one.due_at else "-"
        outcomes = ", ".join(each.value for each in one.node.form.outcomes)
        table.add_row(one.id, escape(one.node.title["en"]), one.case_number, one.unit or one.case_unit, due, outcomes)
    Screen(width=160).print(table)


@click.command()
@click.argument("task")
@click.option("--as", "username", required=True, metavar="USERNAME", help="Who does it.")
@click.option("--outcome", default="", help="One of the task's outcomes.")
@click.option("--note", default="", help="Why; sealed for the case.")
@click.option("--fact", "facts", nargs=2, multiple=True, metavar="NAME VALUE", help="A field of the task.")
@click.pass_obj
def finish(
    runtime: Runtime, task: str, username: str, outcome: str, note: str, facts: tuple[tuple[str, str], ...]
) -> None:  # fmt: skip
    """Finish TASK in somebody's name; needs the city's keeper where there is a note."""
    runtime.open_city()
    from cityloom.cases import actions

    actions.finish_task(task_id=task, by=_actor(username), at=clock.now(), outcome=outcome, note=note,
                        facts=_facts(facts))  # fmt: skip
    click.echo("The task is done.")


@click.command()
@click.argument("run")
@click.argument("message")
@_AS
@click.pass_obj
def message(runtime: Runtime, run: str, message: str, username: str) -> None:
    """Let MESSAGE come to RUN; say how many waited for it."""
    runtime.open_city()
    from cityloom.cases import actions

    count = actions.tell_process(run_id=run, message=message, by=_actor(username), at=clock.now())
    click.echo(f"{count} waited for it.")


@click.command()
@click.argument("run")
@_AS
@click.pass_obj
def retry(runtime: Runtime, run: str, username: str) -> None:
    """Let what RUN is stuck at be tried again."""
    runtime.open_city()
    from cityloom.cases import actions

    actions.try_run_again(run_id=run, by=_actor(username), at=clock.now())
    click.echo("It was tried again.")


COMMANDS = (upload, list_, show, start, runs, tasks, finish, message, retry)


def _actor(username: str) -> Actor:
    from cityloom.accounts import queries as accounts

    return accounts.actor_of(accounts.account_named(username)) if username else SYSTEM


def _facts(said: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """What was typed as values: numbers, yes and no, and texts."""
    return {name: _value(text) for name, text in said}


def _value(text: str) -> Any:
    known = {"true": True, "false": False}
    if text in known:
        return known[text]
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)
