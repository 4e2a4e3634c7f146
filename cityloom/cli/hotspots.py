"""`cityloom insight hotspots`: look for hot spots in the city's own cases now, and list the alarms."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import click

from cityloom.cli.runtime import Runtime
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM

_JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")


@click.group()
def hotspots() -> None:
    """Hot spots: where more is reported than a place's own past lets expect."""


@hotspots.command()
@click.option("--per-year", type=click.FloatRange(0.01, 365), help="So many false alarms a year for an office.")
@click.option("--past", type=click.IntRange(28, 1_000), help="Days of the past that say what is usual.")
@click.option("--ahead", type=click.IntRange(1, 56), help="The last days that are looked at.")
@_JSON
@click.pass_obj
def look(runtime: Runtime, per_year: float | None, past: int | None, ahead: int | None, as_json: bool) -> None:
    """Look at the days up to yesterday, as the worker does each morning, and ask the offices that answer."""
    runtime.open_city()
    from cityloom.insight import actions, queries

    said = {name: value for name, value in (("per_year", per_year), ("past", past), ("ahead", ahead)) if value}
    watch = replace(queries.usual_hotspot_watch(), **said)
    found = actions.look_for_hotspots(by=SYSTEM, at=clock.now(), watch=watch)
    if as_json:
        click.echo(json.dumps(asdict(found) | {"day": found.day.isoformat()}))
        return
    click.echo(f"{found.cases:,} cases, {found.places:,} places, {found.categories} categories; "
               f"{len(found.raised)} new alarms, {len(found.renewed)} brought up to date")  # fmt: skip
    for line in queries.hotspots_in_words([*found.raised, *found.renewed]):
        click.echo(f"  {line}")


@hotspots.command("list")
@_JSON
@click.pass_obj
def list_(runtime: Runtime, as_json: bool) -> None:
    """List the alarms that wait for an answer."""
    runtime.open_city()
    from cityloom.insight import queries

    rows = queries.open_hotspots_in("city")
    if as_json:
        click.echo(json.dumps([
            {"id": one.id, "category": one.category, "unit": one.unit, "since": one.since_on.isoformat(),
             "lon": one.lon, "lat": one.lat, "observed": one.observed, "expected": one.expected,
             "recurrence_years": round(one.recurrence_years, 2)} for one in rows]))  # fmt: skip
        return
    for line in queries.hotspots_in_words([one.id for one in rows]) or ["No alarm waits for an answer."]:
        click.echo(line)
