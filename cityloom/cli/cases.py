"""`cityloom cases types|check|draw|key|keys|end-key`: case types, and keys of programs that file requests."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console as Screen
from rich.markup import escape
from rich.table import Table

from cityloom.cli.runtime import Runtime
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

_TYPE = click.argument("casetype", metavar="TYPE|FILE")
_LARGEST = 256 * 1024
_LONG = "A case type has at most {limit} bytes; this is another file."
_NO_TYPE = "There is no case type {value}; give a file, or one of {limit}."


@click.group()
def cases() -> None:
    """Cases: what the city has to settle, and the types that say how."""


@cases.command()
@click.pass_obj
def types(runtime: Runtime) -> None:
    """Show the types that come with the program."""
    runtime.start()
    from cityloom.cases.queries import casetype_of, shipped_type_files

    table = Table("type", "version", "title", "states", "steps", "categories")
    for name, path in shipped_type_files().items():
        found = casetype_of(path.read_text(encoding="utf-8"))
        table.add_row(name, str(found.version), f"{found.title['en']} {found.title['zh-hans']}", str(len(found.states)),
                      str(len(found.steps)), str(len(found.categories)))  # fmt: skip
    Screen().print(table)


@cases.command()
@_TYPE
@click.pass_obj
def check(runtime: Runtime, casetype: str) -> None:
    """Say whether TYPE (a file, or a type's name) is a case type; if not, in which line, why, and what to do."""
    runtime.start()
    from cityloom.cases.queries import casetype_of, check_processes_known, shipped_process_names

    found = casetype_of(_text(casetype))
    if any(state.process not in ("", *shipped_process_names()) for state in found.states.values()):
        runtime.open_city()  # only a city knows its own processes
        check_processes_known(found)
    has = f"{len(found.states)} states, {len(found.steps)} steps"
    click.echo(f"{found.name}, version {found.version}: {has}, all well.")


@cases.command()
@_TYPE
@click.pass_obj
def publish(runtime: Runtime, casetype: str) -> None:
    """Publish TYPE: new cases get this version from now on; it never changes again."""
    runtime.open_city()
    from cityloom.cases import actions

    name, version = actions.publish_type(text=_text(casetype), by=SYSTEM, at=clock.now())
    click.echo(f"{name}, version {version}, is published.")


@cases.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--type", "casetype", default="", help="Only cases of this type.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only cases opened from this day on (UTC).")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Only cases opened before this day (UTC).")
@click.pass_obj
def export(runtime: Runtime, path: Path, casetype: str, since: datetime | None, until: datetime | None) -> None:
    """Write cases as an event log to PATH: OCEL 2.0 (.json, .sqlite) or XES (.xes); nobody is in it."""
    runtime.open_city()
    from cityloom.cases import actions

    first, last = (day.replace(tzinfo=UTC) if day else None for day in (since, until))
    count = actions.export(path=path, casetype=casetype, since=first, until=last, by=SYSTEM, at=clock.now())
    click.echo(f"{count:,} cases in {path}")


@cases.command("open")
@click.argument("casetype", metavar="TYPE")
@click.option("--category", default="", help="One of the type's categories.")
@click.option("--unit", default="", help="The responsible unit; by default the category's, or the desk.")
@click.option("--at", "place", nargs=2, type=float, metavar="LON LAT", help="Where it is.")
@click.option("--answer", "answers", nargs=2, multiple=True, metavar="FIELD VALUE", help="An answer of its form.")
@click.pass_obj
def open_(
    runtime: Runtime, casetype: str, category: str, unit: str, place: tuple[float, float] | None,
    answers: tuple[tuple[str, str], ...],
) -> None:  # fmt: skip
    """Open a case of TYPE in the name of the city."""
    runtime.open_city()
    from cityloom.cases import actions, queries

    lon, lat = place or (None, None)
    asked = actions.Asked(casetype, category, dict(answers), lon, lat, unit)
    facts = queries.facts_of(actions.open_case(asked, by=SYSTEM, at=clock.now()))
    click.echo(f"{facts.spoken}: {facts.casetype}, {facts.category or 'no category'}, {facts.state}, {facts.unit}")


@cases.command()
@_TYPE
@click.option("--language", type=click.Choice(["en", "zh-hans"]), default="en", show_default=True)
@click.pass_obj
def draw(runtime: Runtime, casetype: str, language: str) -> None:
    """Write the table of states of TYPE as a Mermaid diagram."""
    runtime.start()
    from cityloom.cases.queries import casetype_of, diagram_of

    click.echo(diagram_of(casetype_of(_text(casetype)), language))


@cases.command()
@click.option("--owner", required=True, help="Who answers for the program: a unit, a company.")
@click.pass_obj
def key(runtime: Runtime, owner: str) -> None:
    """Make a key with which a program files requests through Open311; it is shown this once."""
    runtime.open_city()
    from cityloom.cases import actions
    from cityloom.kernel import clock
    from cityloom.kernel.actor import SYSTEM

    click.echo(actions.make_key(owner=owner, by=SYSTEM, at=clock.now()))


@cases.command()
@click.pass_obj
def keys(runtime: Runtime) -> None:
    """List the keys of programs: whose they are, never what they are."""
    runtime.open_city()
    from cityloom.cases.queries import program_keys

    table = Table("id", "owner", "made", "state")
    for one in program_keys():
        table.add_row(one.id, escape(one.owner), f"{one.made_at:%Y-%m-%d}", "ended" if one.ended_at else "in use")
    Screen().print(table)


@cases.command("end-key")
@click.argument("key_id")
@click.pass_obj
def end_key(runtime: Runtime, key_id: str) -> None:
    """End a key at once; what was filed with it stays."""
    runtime.open_city()
    from cityloom.cases import actions
    from cityloom.kernel import clock
    from cityloom.kernel.actor import SYSTEM

    actions.end_key(key_id=key_id, by=SYSTEM, at=clock.now())


def _text(casetype: str) -> str:
    """What a file says, or the type of that name."""
    from cityloom.cases.queries import shipped_type_files

    shipped, path = shipped_type_files(), Path(casetype)
    found = path if path.is_file() else shipped.get(casetype)
    if found is None:
        raise Refused("cases.no_type", _NO_TYPE, value=casetype[:80], limit=", ".join(shipped))
    with found.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise Refused("cases.type_too_large", _LONG, limit=_LARGEST)
    return content.decode("utf-8", "replace")
