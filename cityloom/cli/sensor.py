"""`cityloom sensor key|keys|end-key|hide|publish|adopt|faults|weather|mqtt|mqtt-schema|end-mqtt`."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import click
from rich.console import Console as Screen
from rich.markup import escape
from rich.table import Table

from cityloom.cli.runtime import Runtime
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

_LARGEST_FILE = 256 * 1024
_LARGEST_WEATHER = 64_000_000
_ROWS_SHOWN = 20
_TOLD_EVERY_S = 10.0
_STREAMS = click.argument("datastreams", nargs=-1, type=int, required=True)


@click.group()
def sensor() -> None:
    """Let devices write, and say which sensors' readings are public."""


@sensor.command()
@click.option("--owner", required=True, help="The unit or company that answers for what is sent with the key.")
@click.option("--thing", type=int, help="Only observations of this thing's datastreams may be written.")
@click.option("--chooses-ids", is_flag=True, help="What is made may be given an id, as in {\"@iot.id\": 7}.")
@click.pass_obj
def key(runtime: Runtime, owner: str, thing: int | None, chooses_ids: bool) -> None:
    """Make a device key for SensorThings; it is shown this once."""
    runtime.open_city()
    from cityloom.kernel import clock
    from cityloom.signals import actions

    made = actions.make_key(owner=owner, thing_id=thing, chooses_ids=chooses_ids, by=SYSTEM, at=clock.now())
    click.echo(made)


@sensor.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def keys(runtime: Runtime, as_json: bool) -> None:
    """List the device keys: whose they are, never what they are."""
    runtime.open_city()
    from cityloom.signals import queries

    found = queries.device_keys()
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False, default=str))
        return
    table = Table("id", "owner", "thing", "made", "state")
    for one in found:
        state = "ended" if one.ended_at else "in use"
        table.add_row(one.id, escape(one.owner), str(one.thing_id or "all"), f"{one.made_at:%Y-%m-%d}", state)
    Screen().print(table)


@sensor.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def faults(runtime: Runtime, as_json: bool) -> None:
    """List the sensors that do not do their work, as far as readings are watched."""
    runtime.open_city()
    from cityloom.fieldwork import queries

    found = [one for one in queries.repairs(most=1_000) if one.what.startswith("datastream:")]
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False, default=str))
        return
    table = Table("sensor", "fault", "since")
    for one in found:
        table.add_row(escape(one.name), one.fault.replace("_", " "), f"{one.asked_at:%Y-%m-%d %H:%M}")
    Screen().print(table)


@sensor.command()
@_STREAMS
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The day of the calibration.")
@click.option("--due", type=click.DateTime(["%Y-%m-%d"]), help="When it is due again.")
@click.pass_obj
def calibrated(runtime: Runtime, datastreams: tuple[int, ...], on: datetime, due: datetime | None) -> None:
    """Write down when the sensors of DATASTREAMS (their ids) were calibrated."""
    runtime.open_city()
    from cityloom.kernel import clock
    from cityloom.signals import actions

    count = actions.note_calibration(datastream_ids=datastreams, on=on.date(), due_on=due.date() if due else None,
                                     by=SYSTEM, at=clock.now())  # fmt: skip
    click.echo(f"{count} written down.")


@sensor.command()
@click.argument("unit")
@_STREAMS
@click.pass_obj
def owner(runtime: Runtime, unit: str, datastreams: tuple[int, ...]) -> None:
    """Say that UNIT (as in city/water) looks after the sensors of DATASTREAMS (their ids)."""
    runtime.open_city()
    from cityloom.kernel import clock
    from cityloom.signals import actions

    count = actions.set_owner(datastream_ids=datastreams, unit=unit, by=SYSTEM, at=clock.now())
    click.echo(f"{count} written down.")


@sensor.command("end-key")
@click.argument("key_id")
@click.pass_obj
def end_key(runtime: Runtime, key_id: str) -> None:
    """End a device key; it opens nothing from now on."""
    runtime.open_city()
    from cityloom.kernel import clock
    from cityloom.signals import actions

    actions.end_key(key_id=key_id, by=SYSTEM, at=clock.now())
    click.echo(f"{key_id} is ended.")


@sensor.command()
@_STREAMS
@click.pass_obj
def hide(runtime: Runtime, datastreams: tuple[int, ...]) -> None:
    """Serve the observations of DATASTREAMS (their ids) to nobody without a key."""
    _set_public(runtime, datastreams, is_public=False)


@sensor.command()
@_STREAMS
@click.pass_obj
def publish(runtime: Runtime, datastreams: tuple[int, ...]) -> None:
    """Serve the observations of DATASTREAMS (their ids) to everyone again."""
    _set_public(runtime, datastreams, is_public=True)


@sensor.command()
@click.argument("datastream", type=int)
@click.option("--kind", default="", help="What it observes; without it, what its property and unit say.")
@click.pass_obj
def adopt(runtime: Runtime, datastream: int, kind: str) -> None:
    """Take DATASTREAM, which a client has made, among the city's own: on the map, and heard by detection."""
    runtime.open_city()
    from cityloom.kernel import clock
    from cityloom.signals import actions

    found = actions.adopt(datastream_id=datastream, kind=kind, by=SYSTEM, at=clock.now())
    click.echo(f"Datastream {datastream} is one of the city's now, of kind {found}.")


@sensor.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def mqtt(runtime: Runtime, file: Path) -> None:
    """Speak SensorThings with the broker in FILE until Ctrl-C; `cityloom sensor mqtt-schema` prints the form of FILE.

    Subscribers are told what is made and changed; what clients send is made, as the key says that FILE names.
    """
    runtime.open_city()
    from cityloom.kernel import clock
    from cityloom.signals import actions

    if not file.is_file() or file.stat().st_size > _LARGEST_FILE:
        raise Refused("signals.exchange_missing", "There is no file {value}; check the path.", value=file.name)
    stop, said = Event(), {"at": clock.stopwatch(), "counts": (0, 0)}
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    def tell(words: str, told: int, made: int) -> None:
        due = (told, made) != said["counts"] and clock.stopwatch() - float(str(said["at"])) >= _TOLD_EVERY_S
        if words or due:
            said.update(at=clock.stopwatch(), counts=(told, made))
            click.echo(f"{words or 'at work'}: {told:,} changes told, {made:,} entities made")

    text = file.read_text("utf-8-sig", errors="replace")
    url = runtime.status().get("url") or "http://localhost"
    actions.exchange_things(text=text, stop=stop, by=SYSTEM, at=clock.now(), tell=tell, root=f"{url}/sta/v1.1")


@sensor.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--form", type=click.Path(path_type=Path), help="YAML that names the columns and units of FILE.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def weather(runtime: Runtime, file: Path, form: Path | None, as_json: bool) -> None:
    """Take the weather in FILE: stations or cells as CSV, cells as GeoJSON, a grid as classic NetCDF.

    Without a form, columns are lon, lat, time (with its zone), station where there is one, and rain (mm/h), wind_speed
    (m/s), wind_from (deg), air_temperature (Cel), relative_humidity (%), air_pressure (hPa).
    """
    runtime.open_city()
    from cityloom.cli.readings import handed_over
    from cityloom.kernel import clock
    from cityloom.signals import actions

    content, text = _content(file), _content(form).decode("utf-8-sig", "replace") if form else ""
    said = {"name": file.name, "content": content, "form": text, "by": SYSTEM, "at": clock.now()}
    try:
        taken = actions.take_weather(**said)
        sensors, found, aside = taken.sensors, taken.readings, taken.aside
    except Refused as refusal:
        if refusal.code != "lake.appender_taken" or not runtime.is_serving():
            raise
        put = actions.put_weather(**said)
        with TemporaryDirectory() as folder:
            path = Path(folder) / "weather.csv"
            path.write_bytes(put.body)
            sensors, found, aside = put.sensors, handed_over(runtime, [path]), put.aside
    _tell_weather(sensors, found, aside, as_json=as_json)


def _tell_weather(sensors: int, found: Any, aside: Sequence[tuple[int, str]], *, as_json: bool) -> None:
    from cityloom.signals import queries

    if as_json:
        rows = [{"row": row + 1, "reason": code} for row, code in aside]
        told = {"sensors": sensors, "kept": found.kept, "duplicates": found.duplicates, "refused": rows}
        click.echo(json.dumps(told))
        return
    click.echo(f"{sensors:,} new sensors; {found.kept:,} new readings, {found.duplicates:,} known already")
    for row, code in aside[:_ROWS_SHOWN]:
        click.echo(f"row {row + 1} set aside: {queries.sentence_of(code)}")
    if len(aside) > _ROWS_SHOWN:
        click.echo(f"and {len(aside) - _ROWS_SHOWN:,} rows more")


def _content(path: Path) -> bytes:
    """What is in a file, as far as it may be large. Raises: Refused `signals.weather_missing`."""
    if not path.is_file():
        raise Refused("signals.weather_missing", "There is no file {value}; check the path.", value=path.name)
    with path.open("rb") as file:
        return file.read(_LARGEST_WEATHER + 1)


@sensor.command("mqtt-schema")
@click.pass_obj
def mqtt_schema(runtime: Runtime) -> None:
    """Print the JSON Schema of a file for `cityloom sensor mqtt`."""
    runtime.start()
    from cityloom.signals import queries

    click.echo(json.dumps(queries.exchange_schema(), ensure_ascii=False, indent=2))


@sensor.command("end-mqtt")
@click.pass_obj
def end_mqtt(runtime: Runtime) -> None:
    """Tell no broker of changes any more; what waits to be told goes."""
    runtime.open_city()
    from cityloom.kernel import clock
    from cityloom.signals import actions

    click.echo(f"{actions.end_exchange(by=SYSTEM, at=clock.now()):,} changes were not told.")


def _set_public(runtime: Runtime, datastreams: tuple[int, ...], *, is_public: bool) -> None:
    runtime.open_city()
    from cityloom.kernel import clock
    from cityloom.signals import actions

    count = actions.set_public(datastream_ids=datastreams, is_public=is_public, by=SYSTEM, at=clock.now())
    click.echo(f"{count} changed.")
