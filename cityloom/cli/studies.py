"""`cityloom insight study`: a question is worked from tables, step by step, and what came out can be checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console as Screen
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from cityloom.cli.runtime import Runtime

if TYPE_CHECKING:
    from cityloom.insight.queries import Difference, Told

_DIFFERS = 1
_PATH = click.Path(path_type=Path)


@click.group()
def study() -> None:
    """Studies: indices, forecasts, access, hot spots; each number can be traced and worked again."""


@study.command()
@click.pass_obj
def kinds(runtime: Runtime) -> None:
    """List the kinds of studies."""
    runtime.start()
    from cityloom.insight import queries

    for one in queries.study_kinds():
        click.echo(f"{one.name:<14} {one.title}: {one.about}")


@study.command()
@click.argument("name")
@click.pass_obj
def kind(runtime: Runtime, name: str) -> None:
    """Say what a kind reads, and what may be asked of it."""
    runtime.start()
    from cityloom.insight import queries

    click.echo(queries.described(name), nl=False)


@study.command()
@click.argument("kind")
@click.option("--out", type=_PATH, required=True, help="The folder for the question and its made-up tables.")
@click.pass_obj
def example(runtime: Runtime, kind: str, out: Path) -> None:
    """Write a small question of a KIND with made-up tables."""
    runtime.start()
    from cityloom.insight import actions

    path = actions.write_example(kind=kind, folder=out)
    click.echo(f"{path}: an example with made-up figures; work it with\n"
               f"cityloom insight study run {path} --out {out / 'study'}")  # fmt: skip


@study.command()
@click.argument("question", type=_PATH)
@click.option("--out", type=_PATH, required=True, help="The folder for the study: its inputs and every step.")
@click.pass_obj
def run(runtime: Runtime, question: Path, out: Path) -> None:
    """Work the QUESTION of a file of YAML; its tables lie where it names them."""
    runtime.start()
    from cityloom.insight import actions, queries

    with watched() as told:
        done = actions.work_study(path=question, folder=out, told=told)
    click.echo(queries.told_as_text(done), nl=False)
    click.echo(f"\n{out}: {len(done.inputs)} tables read, {len(done.steps)} steps kept"
               f" ({', '.join(one.name for one in done.steps)}).")  # fmt: skip
    click.echo(f"Work it again and compare: cityloom insight study check {out}")


@study.command()
@click.argument("folder", type=_PATH)
@click.pass_obj
def show(runtime: Runtime, folder: Path) -> None:
    """Print what the study in FOLDER tells."""
    runtime.start()
    from cityloom.insight import queries

    click.echo(queries.told_as_text(queries.study_in(folder)), nl=False)


@study.command()
@click.argument("folder", type=_PATH)
@click.pass_context
def check(context: click.Context, folder: Path) -> None:
    """Work the study in FOLDER (or its ZIP) again, and compare every cell; exit status 1 where one does not hold."""
    context.obj.start()
    from cityloom.insight import queries

    with watched() as told:
        found = queries.differences_in(folder, told)
    told_differences(context, folder, found)
    click.echo(f"{folder} holds: every step comes out of the inputs as it stands there.")


@contextmanager
def watched() -> Iterator[Told]:
    """A bar on the screen while a study is worked."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Screen(stderr=True), transient=True) as progress:
        task = progress.add_task("reading", total=1.0)
        yield lambda share, step: progress.update(task, completed=share, description=step[:40])


def told_differences(context: click.Context, path: Path, found: Sequence[Difference]) -> None:
    """Print what does not hold, and end with exit status 1; nothing where all does."""
    for one in found:
        click.echo(f"{one.where}: {one.kept} stands there, {one.found} comes out")
    if found:
        click.echo(f"{path} does not hold; the first {len(found)} differences are above.")
        context.exit(_DIFFERS)
