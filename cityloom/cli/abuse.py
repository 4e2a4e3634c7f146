"""`cityloom abuse-drill list|run`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
from rich.console import Console as Screen
from rich.table import Table

from cityloom.cli.drill import UNSAFE
from cityloom.cli.runtime import Runtime

if TYPE_CHECKING:
    from cityloom.drills.domain.abuse import Outcome

_COLOURS = {"held": "green", "broken": "bold red", "skipped": "yellow"}
_LANGUAGES = ("en", "zh-hans")


@click.group("abuse-drill")
def abuse_drill() -> None:
    """Abuse a made-up city in every way that is known, and see what stops it."""


@abuse_drill.command("list")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def list_(runtime: Runtime, as_json: bool) -> None:
    """Show which abuses there are and what stops each, in English and Chinese."""
    runtime.start()
    from django.utils.translation import gettext, override

    from cityloom.drills.jobs.abuse.catalogue import ABUSES

    rows = {}
    for language in _LANGUAGES:
        with override(language):
            for abuse in ABUSES:
                rows.setdefault(abuse.id, {})[language] = (gettext(abuse.title), gettext(abuse.stop))
    if as_json:
        found = [{"id": name, **{at: {"abuse": each[0], "stopped_by": each[1]} for at, each in said.items()}}
                 for name, said in rows.items()]  # fmt: skip
        click.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    table = Table("", show_lines=True)
    for heading in ("abuse", "what stops it"):
        table.add_column(heading, overflow="fold")
    for name, said in rows.items():
        table.add_row(name, "\n".join(each[0] for each in said.values()), "\n".join(each[1] for each in said.values()))
    Screen().print(table)


@abuse_drill.command()
@click.argument("abuses", nargs=-1, metavar="[A01 ... | all]")
@click.option("--people", type=click.IntRange(2_000, 20_000_000), default=2_000, show_default=True,
              help="How many people the made-up city has.")
@click.option("--mutations", type=click.IntRange(40), default=300, show_default=True,
              help="How many changes of the log, and failures of the disk.")
@click.option("--kills", type=click.IntRange(1), default=5, show_default=True, help="How often the keeper is killed.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The whole report, for machines.")
@click.pass_obj
def run(
    runtime: Runtime, abuses: tuple[str, ...], people: int, mutations: int, kills: int, seed: int, as_json: bool
) -> int:  # fmt: skip
    """Try them on a city that is made for it and gone afterwards; your own city is not touched."""
    runtime.start()
    from cityloom.drills.jobs.abuse import catalogue
    from cityloom.drills.jobs.abuse import run as runs

    try:
        wanted = catalogue.chosen(abuses)
    except KeyError as error:
        known = ", ".join(abuse.id for abuse in catalogue.ABUSES)
        raise click.BadParameter(f"there is no {error.args[0]}; there are {known}", param_hint="ABUSE") from error
    screen = Screen(stderr=as_json, quiet=as_json)
    screen.print(f"Making a city of {people:,} people, who are all made up...")
    outcomes = runs.run(wanted, people=people, mutations=mutations, kills=kills, seed=seed,
                        tell=lambda outcome: _tell(screen, outcome))  # fmt: skip
    if as_json:
        report = {"people": people, "mutations": mutations, "kills": kills, "seed": seed,
                  "held": not runs.is_broken(outcomes),
                  "drills": [outcome.as_json() for outcome in outcomes]}  # fmt: skip
        click.echo(json.dumps(report, ensure_ascii=False, indent=1))
    else:
        _show(screen, outcomes)
    return UNSAFE if runs.is_broken(outcomes) else 0


def _tell(screen: Screen, outcome: Outcome) -> None:
    colour = _COLOURS[outcome.state]
    screen.print(f"  {outcome.id} [{colour}]{outcome.state}[/] [dim]{outcome.seconds:,.1f} s[/]", highlight=False)


def _show(screen: Screen, outcomes: list[Outcome]) -> None:
    table = Table("", "what was tried", "what stopped it, how often", "", show_lines=True)
    conditions = Table("", "condition", "found", "must be", "")
    for outcome in outcomes:
        colour = _COLOURS[outcome.state]
        stopped = "\n".join(f"{code} {times:,}" for code, times in outcome.stopped_by.items())
        table.add_row(outcome.id, ";\n".join(outcome.tried), stopped, f"[{colour}]{outcome.state}[/]")
        for check in outcome.checks:
            held = "held" if check.held else "broken"
            conditions.add_row(outcome.id, check.what, check.found, check.must, f"[{_COLOURS[held]}]{held}[/]")
        conditions.add_section()
    screen.print(table, conditions)
    for outcome in outcomes:
        for skipped in outcome.skipped:
            screen.print(f"[yellow]{outcome.id} did not try[/] {skipped}", highlight=False, soft_wrap=True)
    broken = [f"{outcome.id} {check.what}" for outcome in outcomes for check in outcome.checks if not check.held]
    for what in broken:
        screen.print(f"[bold red]BROKEN[/] {what}", highlight=False, soft_wrap=True)
