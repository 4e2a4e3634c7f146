"""`cityloom backup|restore|keys`: what an operator does for the day that something is lost or known to others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import click
from rich.console import Console as Screen
from rich.progress import Progress

from cityloom.cli.runtime import Runtime
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

_LOOK_S = 0.2
_place = click.argument("place", metavar="DIR", type=click.Path(path_type=Path))


@click.group()
def backup() -> None:
    """Back up the city's records, its lake and the keeper's keys, the keys in a place of their own."""


@click.group()
def restore() -> None:
    """Bring a backup back; the city must be stopped."""


@click.group()
def keys() -> None:
    """Care for the keeper's keys."""


@backup.command("database")
@_place
@click.pass_obj
def back_up_database(runtime: Runtime, place: Path) -> None:
    """Copy the records, with sealed envelopes, into a new folder in DIR."""
    runtime.open_city()
    from cityloom.gate import actions as gate
    from cityloom.kernel import clock

    click.echo(gate.back_up_database(by=SYSTEM, at=clock.now(), place=place))


@backup.command("lake")
@_place
@click.pass_obj
def back_up_lake(runtime: Runtime, place: Path) -> None:
    """Copy the lake, each table at its last whole version, into a new folder in DIR; also while the city runs."""
    runtime.open_city()
    from cityloom.gate import actions as gate
    from cityloom.kernel import clock

    click.echo(gate.back_up_lake(by=SYSTEM, at=clock.now(), place=place))


@backup.command("keys")
@_place
@click.pass_obj
def back_up_keys(runtime: Runtime, place: Path) -> None:
    """Copy the keeper's keys, slots and log into a new folder in DIR, which must hold no backup of the records."""
    runtime.open_city()
    from cityloom.gate import actions as gate
    from cityloom.kernel import clock

    with keeper_of(runtime):
        click.echo(gate.back_up_keys(by=SYSTEM, at=clock.now(), place=place))


@backup.command()
@_place
@click.option("--older-than", default="30d", show_default=True, help="An age in days, such as 30d.")
@click.pass_obj
def prune(runtime: Runtime, place: Path, older_than: str) -> None:
    """Remove the backups in DIR that are older; keys are overwritten first."""
    runtime.start()
    from cityloom.gate import actions as gate
    from cityloom.kernel import clock

    age = re.fullmatch(r"(\d{1,5})d", older_than)
    if age is None:
        raise click.BadParameter("give days, such as 30d", param_hint="--older-than")
    gone = gate.prune_backups(by=SYSTEM, at=clock.now(), place=place, older_than=timedelta(days=int(age[1])))
    for folder in gone:
        click.echo(folder)


@restore.command("database")
@_place
@click.pass_obj
def restore_database(runtime: Runtime, place: Path) -> None:
    """Put a backup of the records in the place of the current ones; DIR is a backup, or a folder with several."""
    _refuse_while_served(runtime)
    runtime.open_city()
    from cityloom.gate import actions as gate
    from cityloom.kernel import clock

    click.echo(f"Restored {gate.restore_database(by=SYSTEM, at=clock.now(), source=place)}.")


@restore.command("lake")
@_place
@click.pass_obj
def restore_lake(runtime: Runtime, place: Path) -> None:
    """Put a backup of the lake in the place of the current one; DIR is a backup, or a folder with several."""
    _refuse_while_served(runtime)
    runtime.open_city()
    from cityloom.gate import actions as gate
    from cityloom.kernel import clock

    click.echo(f"Restored {gate.restore_lake(by=SYSTEM, at=clock.now(), source=place)}.")


@restore.command("keys")
@_place
@click.option("--force", is_flag=True, help="Also a backup older than 30 days, or of another keeper.")
@click.pass_obj
def restore_keys(runtime: Runtime, place: Path, force: bool) -> None:
    """Put a backup of the keys in the place of the current keeper; later erasures are done again."""
    _refuse_while_served(runtime)
    runtime.open_city()
    from cityloom.gate import actions as gate
    from cityloom.kernel import clock

    done = gate.restore_keys(by=SYSTEM, at=clock.now(), source=place, force=force)
    click.echo(f"Restored; {done['erased']} people were erased again, and the key is a new one.")
    if not done["log_kept"]:
        click.echo("The log goes on where the backup ends: what was logged or erased after it is not known here.")
    if done["put_aside"]:
        click.echo(f"The keeper that was here could not be read; it lies in {done['put_aside']}, with its keys.")


@keys.command()
@click.pass_obj
def rotate(runtime: Runtime) -> None:
    """Change the key that all slots are wrapped under; people can be opened meanwhile."""
    runtime.open_city()
    from cityloom.gate import actions as gate
    from cityloom.gate import queries
    from cityloom.kernel import clock

    with keeper_of(runtime), ThreadPoolExecutor(1) as aside, Progress(console=Screen(stderr=True)) as bars:
        asked = aside.submit(gate.rotate_keys, by=SYSTEM, at=clock.now())
        bar = bars.add_task("Wrapping slots anew", total=None)
        while not _ended(asked):
            done, total = queries.rotation_progress()
            bars.update(bar, completed=done, total=total or None)
        number = asked.result()
    click.echo(f"The key is now number {number}; the one before it is destroyed.")


def _ended(asked: Future[int]) -> bool:
    try:
        asked.exception(timeout=_LOOK_S)
    except TimeoutError:
        return False
    return True


@contextmanager
def keeper_of(runtime: Runtime) -> Iterator[None]:
    """The keeper that runs with the city, or one for the moment."""
    if runtime.is_serving():
        yield
        return
    from cityloom.gate import actions as gate

    running = gate.start_keeper()
    try:
        yield
    finally:
        running.stop()


def _refuse_while_served(runtime: Runtime) -> None:
    if runtime.is_serving():
        raise Refused("city.in_use", "The city's processes are running; stop them with `cityloom stop` first.")
