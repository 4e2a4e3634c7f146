"""`cityloom insight collect people`: people for studies out of the city's own registers, as statistics allow."""

from __future__ import annotations

from pathlib import Path

import click

from cityloom.cli.runtime import Runtime
from cityloom.kernel.actor import SYSTEM


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder for them.")
@click.pass_obj
def people(runtime: Runtime, out: Path) -> None:
    """Write people by district, sex and age: counts.csv as the gate gives them, base.csv by estimated single years."""
    runtime.open_city()
    from cityloom.cli.keep import keeper_of
    from cityloom.insight import actions

    with keeper_of(runtime):
        found = actions.collect_people(folder=out, by=SYSTEM)
    click.echo(f"{found.districts} districts, {found.people:,} people (rounded to 5) in"
               f" {' and '.join(str(path) for path in found.files)}")  # fmt: skip
    click.echo(f"{found.withheld} counts by sex and age are withheld, as they are 7 or less or of a small district.")
    click.echo("Single years of age are estimated from four bands (0-17, 18-59, 60-79, 80+).")
    if found.not_said:
        click.echo(f"About {found.not_said:,} people whose sex is not said are in counts.csv alone.")
    if found.made_up:
        click.echo("All people of this city are made up.")


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder for them.")
@click.option("--class", "kinds", multiple=True, default=["school"], show_default=True, help="Class of facilities.")
@click.option("--mode", type=click.Choice(["walk", "cycle", "drive"]), default="walk", show_default=True)
@click.pass_obj
def roads(runtime: Runtime, out: Path, kinds: tuple[str, ...], mode: str) -> None:
    """Write the road graph, districts with people, and facilities of a class, for studies of access and sites."""
    runtime.open_city()
    from cityloom.cli.keep import keeper_of
    from cityloom.insight import actions

    with keeper_of(runtime):
        found = actions.collect_roads(folder=out, kinds=kinds, mode=mode, by=SYSTEM)
    click.echo(f"{found.nodes:,} nodes and {found.edges:,} edges, {found.districts} districts, {found.facilities} "
               f"facilities in {', '.join(str(path) for path in found.files)}")  # fmt: skip
    if found.withheld:
        click.echo(f"{found.withheld} districts are too small to be counted; their people are left empty.")
    if found.without_capacity:
        click.echo(f"Of {found.without_capacity} facilities nobody has said the capacity; fill it in before a study.")
