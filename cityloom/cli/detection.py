"""`cityloom detection packs|check|try|put|withdraw|history|leaks`: rules and causes, on the past and at work."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
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
_REASON = click.option("--reason", default="by the operator, from the command line", help="Why; it is kept.")
_WHICH_PAST = "Say on which past: --on FILE for a recording, or --days N for the readings that the city keeps."
_SHOWN = 10
_NO_PACK = "There is no rule pack {value}; give a file, or one of {limit}."
_LONG = "A rule pack has at most {limit} bytes; this is another file."


@click.group()
def detection() -> None:
    """Packs of rules and of causes: check them, try them on recorded readings, put them in force."""


@detection.command()
@click.pass_obj
def packs(runtime: Runtime) -> None:
    """Show the packs that come with the program."""
    runtime.start()
    from cityloom.detection.queries import shipped_causes, shipped_packs

    table = Table("pack", "title", "rules", "signs")
    for name, pack in shipped_packs().items():
        table.add_row(name, _said(pack.title), str(len(pack.rules)), "")
    for cause in shipped_causes():
        table.add_row(cause.name, _said(cause.title), "", str(len(cause.signs) + len(cause.calls)))
    Screen().print(table)


@detection.command()
@_PACK
@click.pass_obj
def check(runtime: Runtime, pack: str) -> None:
    """Say whether PACK (a file, or a pack's name) is a pack of rules or of a cause, and what does not fit."""
    runtime.start()
    click.echo(f"{_named(_text(pack))}, all well.")


@detection.command("try")
@_PACK
@click.option("--on", "path", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="CSV or Parquet with time, stream, value; kind, unit, lon and lat where known.")  # fmt: skip
@click.option("--days", type=click.IntRange(1, 366), help="The last days of the readings that the city keeps instead.")
@_JSON
@click.pass_obj
def try_(runtime: Runtime, pack: str, path: Path | None, days: int | None, as_json: bool) -> None:
    """Say how often and when the rules of PACK would have fired, or its cause been told, on recorded readings."""
    if (path is None) == (days is None):
        raise Refused("detection.which_past", _WHICH_PAST)
    runtime.start()
    text = _text(pack)
    if days or not _is_of_rules(text):
        runtime.open_city()
    from cityloom.detection.queries import fired_in_city, fired_on, written

    found, now = written(text), clock.now()
    tried = fired_on(found, path) if path else fired_in_city(found, now - timedelta(days=days or 0), now)
    if as_json:
        rows = {name: [{"at": _time(one.at_s), "streams": one.streams} for one in times]
                for name, times in tried.fired.items()}  # fmt: skip
        click.echo(json.dumps({"pack": found.name, "since": _time(tried.since_s), "until": _time(tried.until_s),
                               "readings": tried.readings, "fired": rows}, ensure_ascii=False))  # fmt: skip
        return
    click.echo(f"{tried.readings:,} readings, {_time(tried.since_s)} to {_time(tried.until_s)}")
    for rule in getattr(found, "rules", (found,)):
        times = tried.fired[rule.name]
        what = "fired" if hasattr(found, "rules") else "been told"
        click.echo(f"{rule.name} ({_said(rule.title)}) would have {what} {len(times):,} times")
        for one in times[:_SHOWN]:
            click.echo(f"  {_time(one.at_s)}  {escape(', '.join(one.streams))}")
        if len(times) > _SHOWN:
            click.echo(f"  and {len(times) - _SHOWN:,} more; --json has them all")


@detection.command()
@_PACK
@click.option("--version", "number", type=click.IntRange(1), help="An earlier version of the pack, instead of a file.")
@_REASON
@click.pass_obj
def put(runtime: Runtime, pack: str, number: int | None, reason: str) -> None:
    """Put PACK (a file, or a pack's name) in force; it runs on live readings from now on."""
    runtime.open_city()
    from cityloom.detection import actions

    name, at = pack, clock.now()
    if number is None:
        name, number = actions.keep_pack(text=_text(pack), reason=reason, by=SYSTEM, at=at)
    actions.put_in_force(pack=name, number=number, reason=reason, by=SYSTEM, at=at)
    click.echo(f"{name}, version {number}, is in force.")


@detection.command()
@_PACK
@_REASON
@click.pass_obj
def withdraw(runtime: Runtime, pack: str, reason: str) -> None:
    """Take PACK out of force."""
    runtime.open_city()
    from cityloom.detection import actions

    actions.withdraw_pack(pack=pack, reason=reason, by=SYSTEM, at=clock.now())
    click.echo(f"{pack} is not in force any more.")


@detection.command()
@click.option("--learn-since", type=click.DateTime(["%Y-%m-%d"]), help="First day of the quiet weeks in which it is "
              "learnt what is usual; else those chosen before, or the first eight with readings.")  # fmt: skip
@click.option("--learn-days", type=click.IntRange(28, 366), default=56, show_default=True, help="How many these are.")
@_JSON
@click.pass_obj
def leaks(runtime: Runtime, learn_since: datetime | None, learn_days: int, as_json: bool) -> None:
    """Look for leaks in the water network now, as the worker does each morning."""
    runtime.open_city()
    from cityloom.detection import actions

    at = clock.now()
    if learn_since is not None:
        actions.learn_usual(since=learn_since.replace(tzinfo=UTC), days=learn_days, by=SYSTEM, at=at)
    found = actions.look_for_leaks(by=SYSTEM, at=at)
    rows = [{"day": _time(one.at_s)[:10], "what": one.kind, "litres_s": round(one.litres, 1),
             "main": str(found.edge[one.place]) if one.kind in ("leak", "mended") else ""}
            for one in found.events]  # fmt: skip
    if as_json:
        click.echo(json.dumps({"sensors": found.sensors, "days": found.days, "raised": found.raised, "events": rows}))
        return
    click.echo(f"{found.sensors} sensors, {found.days} days; {len(found.raised)} new detections")
    for row in rows:
        litres = f"{row['litres_s']} L/s" if row["main"] else ""
        click.echo(f"  {row['day']}  {row['what']:8} {row['main']:20} {litres}")


@detection.command()
@click.argument("pack", metavar="[PACK]", default="")
@click.pass_obj
def history(runtime: Runtime, pack: str) -> None:
    """Show what is in force, or the versions of PACK and when which of them was."""
    runtime.open_city()
    from cityloom.detection import queries

    if not pack:
        table = Table("pack", "version", "in force since", "what")
        for name, one in sorted(queries.versions_in_force().items()):
            table.add_row(name, str(one.number), f"{one.in_force_since:%Y-%m-%d %H:%M}", _named(one.text))
        Screen().print(table)
        return
    steps = Table("at", "version", "why")
    for step in queries.steps_of(pack):
        steps.add_row(f"{step.at:%Y-%m-%d %H:%M}", str(step.number or "none"), escape(step.reason))
    versions = Table("version", "written", "why", "in force")
    for one in queries.versions_of(pack):
        mark = "yes" if one.in_force_since else ""
        versions.add_row(str(one.number), f"{one.at:%Y-%m-%d %H:%M}", escape(one.reason), mark)
    Screen().print(versions, steps)


def _text(pack: str) -> str:
    from cityloom.detection.queries import LARGEST_PACK_BYTES, shipped_cause_files, shipped_pack_files

    files = shipped_pack_files() | shipped_cause_files()
    path = files.get(pack, Path(pack))
    if not path.is_file():
        raise Refused("detection.no_such_pack", _NO_PACK, value=pack[:100], limit=", ".join(files))
    if path.stat().st_size > LARGEST_PACK_BYTES:
        raise Refused("detection.pack_too_large", _LONG, limit=LARGEST_PACK_BYTES)
    return path.read_text(encoding="utf-8", errors="replace")


def _is_of_rules(text: str) -> bool:
    from cityloom.detection.queries import written

    return hasattr(written(text), "rules")


def _named(text: str) -> str:
    from cityloom.detection.queries import written

    found = written(text)
    if _is_of_rules(text):
        return f"{found.name}: {len(found.rules)} rules"
    return f"{found.name}: a cause with {len(found.signs) + len(found.calls)} signs"


def _said(title: object) -> str:
    from django.utils.translation import get_language

    words = dict(title)  # type: ignore[call-overload]
    return str(words.get((get_language() or "en").lower(), words["en"]))


def _time(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
