"""`cityloom detection packs|check|try|live|rest`: rule packs, when they would have fired, and which are at work."""

from __future__ import annotations

import json
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

_PACK = click.argument("pack", metavar="PACK")
_JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")
_SHOWN = 10
_NO_PACK = "There is no rule pack {value}; give a file, or one of {limit}."
_LONG = "A rule pack has at most {limit} bytes; this is another file."


@click.group()
def detection() -> None:
    """Rule packs: check them, and try them on recorded readings before they go live."""


@detection.command()
@click.pass_obj
def packs(runtime: Runtime) -> None:
    """Show the packs that come with the program."""
    runtime.start()
    from cityloom.detection.queries import shipped_packs

    table = Table("pack", "title", "rules")
    for name, pack in shipped_packs().items():
        table.add_row(name, _said(pack.title), str(len(pack.rules)))
    Screen().print(table)


@detection.command()
@_PACK
@click.pass_obj
def check(runtime: Runtime, pack: str) -> None:
    """Say whether PACK (a file, or a pack's name) is a rule pack, and what does not fit."""
    runtime.start()
    from cityloom.detection.queries import pack_of

    found = pack_of(_text(pack))
    click.echo(f"{found.name}: {len(found.rules)} rules, all well.")


@detection.command("try")
@_PACK
@click.option("--on", "path", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="CSV or Parquet with time, stream, value; kind, unit, lon and lat where known.")  # fmt: skip
@_JSON
@click.pass_obj
def try_(runtime: Runtime, pack: str, path: Path, as_json: bool) -> None:
    """Say how often and when the rules of PACK would have fired on recorded readings."""
    runtime.start()
    from cityloom.detection.queries import fired_on, pack_of

    found = pack_of(_text(pack))
    tried = fired_on(found, path)
    if as_json:
        rows = {name: [{"at": _time(one.at_s), "streams": one.streams} for one in times]
                for name, times in tried.fired.items()}  # fmt: skip
        click.echo(json.dumps({"pack": found.name, "since": _time(tried.since_s), "until": _time(tried.until_s),
                               "readings": tried.readings, "fired": rows}, ensure_ascii=False))  # fmt: skip
        return
    click.echo(f"{tried.readings:,} readings, {_time(tried.since_s)} to {_time(tried.until_s)}")
    for rule in found.rules:
        times = tried.fired[rule.name]
        click.echo(f"{rule.name} ({_said(rule.title)}) would have fired {len(times):,} times")
        for one in times[:_SHOWN]:
            click.echo(f"  {_time(one.at_s)}  {escape(', '.join(one.streams))}")
        if len(times) > _SHOWN:
            click.echo(f"  and {len(times) - _SHOWN:,} more; --json has them all")


@detection.command()
@click.argument("pack", required=False)
@click.pass_obj
def live(runtime: Runtime, pack: str | None) -> None:
    """Put PACK (a file, or a pack's name) to work on live readings; without one, show which are."""
    runtime.open_city()
    from cityloom.detection import actions, queries

    if pack is not None:
        click.echo(f"{actions.go_live(text=_text(pack), by=SYSTEM, at=clock.now())} is at work within five seconds.")
        return
    table = Table("pack", "title", "rules", "since")
    for one in queries.live_packs():
        table.add_row(one.name, _said(one.pack.title), str(len(one.pack.rules)), f"{one.since:%Y-%m-%d %H:%M}")
    Screen().print(table)


@detection.command()
@click.argument("name")
@click.pass_obj
def rest(runtime: Runtime, name: str) -> None:
    """Let the pack NAME rest."""
    runtime.open_city()
    from cityloom.detection import actions

    actions.rest(name=name, by=SYSTEM, at=clock.now())
    click.echo(f"{name} rests.")


def _text(pack: str) -> str:
    from cityloom.detection.queries import LARGEST_PACK_BYTES, shipped_pack_files

    files = shipped_pack_files()
    path = files.get(pack, Path(pack))
    if not path.is_file():
        raise Refused("detection.no_such_pack", _NO_PACK, value=pack[:100], limit=", ".join(files))
    if path.stat().st_size > LARGEST_PACK_BYTES:
        raise Refused("detection.pack_too_large", _LONG, limit=LARGEST_PACK_BYTES)
    return path.read_text(encoding="utf-8", errors="replace")


def _said(title: object) -> str:
    from django.utils.translation import get_language

    words = dict(title)  # type: ignore[call-overload]
    return str(words.get((get_language() or "en").lower(), words["en"]))


def _time(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
