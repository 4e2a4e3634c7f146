"""`cityloom register epanet`: a water network and its meters."""

from __future__ import annotations

from pathlib import Path

import click

from cityloom.cli.register import _FILE, _JSON, _counting, _tell_outcome, register
from cityloom.cli.runtime import Runtime
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused


@register.command()
@click.argument("file", type=_FILE)
@click.option("--source", required=True, help="The utility's short name, as in water-company.")
@click.option("--place", required=True, help="Where the drawing lies: lonlat, a system such as EPSG:32650, LON,LAT of "
              "its origin, or LON,LAT,X,Y,METRES for the point X,Y and the metres of one unit.")  # fmt: skip
@click.option("--sensors", type=_FILE, help="A list of meters (CSV: name, kind, at), to be put at nodes and links.")
@click.option("--dry-run", is_flag=True, help="Check everything, change nothing.")
@_JSON
@click.pass_obj
def epanet(
    runtime: Runtime, file: Path, source: str, place: str, sensors: Path | None, dry_run: bool, as_json: bool
) -> None:  # fmt: skip
    """Load the network of FILE (.inp) into the registers of mains and fittings, and put its meters there."""
    runtime.open_city()
    from cityloom.kernel import clock
    from cityloom.registers import actions
    from cityloom.signals import actions as signals

    meters = signals.read_meters(_content(sensors)) if sensors else []
    places = actions.epanet_places(file, place, [meter.at for meter in meters])
    with _counting(quiet=as_json) as tell:
        outcomes = actions.load_epanet(file, source=source, place=place, by=SYSTEM, at=clock.now(), dry_run=dry_run,
                                       tell=tell)  # fmt: skip
    for outcome in outcomes:
        _tell_outcome(outcome, as_json, dry_run=dry_run)
    if meters and not dry_run:
        new, known = signals.install_meters(meters, places, by=SYSTEM, at=clock.now())
        click.echo(f"{new} meters are put there, {known} were there already.", err=as_json)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refused("registers.file_missing", "There is no file {value}; check the path.", value=path.name
                      ) from error  # fmt: skip
