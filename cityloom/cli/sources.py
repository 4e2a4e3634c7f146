"""`cityloom register rules|believed|disagreements|watch|folder`: which source is right; files that arrive."""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console as Screen
from rich.syntax import Syntax
from rich.table import Table

from cityloom.cli.register import _FILE, _JSON, _instant, _keeper, _print_json, plain, register
from cityloom.cli.runtime import Runtime
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

_LOOK_S = 2.0
_REASON = click.option("--reason", required=True, help="Why, without anybody's name.")


@register.group()
def rules() -> None:
    """Rules on which source is believed for which field."""


@rules.command("check")
@click.argument("file", type=_FILE)
@click.pass_obj
def check_rules(runtime: Runtime, file: Path) -> None:
    """Read the rules in FILE and say what is wrong; nothing is changed."""
    runtime.start()
    from cityloom.registers import actions

    found = actions.check_source_rules(file)
    click.echo(f"{plain(file.name)} fits: rules for {len(found.fields)} fields.")


@rules.command("show")
@click.option("--as-known-on", "known", default="", metavar="DATE", help="Those of that day's end, or of an instant.")
@_JSON
@click.pass_obj
def show_rules(runtime: Runtime, known: str, as_json: bool) -> None:
    """Show the rules that hold, and the versions before them."""
    runtime.open_city()
    from cityloom.registers import queries

    held = queries.source_rules(_instant(known, queries.time_zone()) if known else None)
    versions = queries.source_rules_versions()
    if as_json:
        _print_json({"number": held.number, "text": held.text, "versions": [asdict(one) for one in versions]})
        return
    screen = Screen()
    if not held.number:
        screen.print("There are no rules: the newest word on each field is believed. `cityloom register rules schema` "
                     "prints the form of rules.", markup=False, highlight=False)  # fmt: skip
        return
    screen.print(Syntax(held.text, "yaml"))
    table = Table("version", "set at (UTC)", "by", "why")
    for one in versions:
        mark = f"{one.number} (shown)" if one.number == held.number else str(one.number)
        table.add_row(mark, f"{one.set_at:%Y-%m-%d %H:%M}", one.set_by, plain(one.reason))
    screen.print(table)


@rules.command("set")
@click.argument("file", type=_FILE)
@_REASON
@click.pass_obj
def set_rules(runtime: Runtime, file: Path, reason: str) -> None:
    """Let the rules in FILE hold from now on; earlier ones stay those of earlier days."""
    runtime.open_city()
    from cityloom.kernel import clock
    from cityloom.registers import actions

    number = actions.set_source_rules(file, reason=reason, by=SYSTEM, at=clock.now())
    click.echo(f"Version {number} of the rules on sources holds.")


@rules.command("schema")
def rules_schema() -> None:
    """Print the JSON Schema of rules."""
    from cityloom.registers import queries

    click.echo(json.dumps(queries.source_rules_schema(), ensure_ascii=False, indent=2))


@register.command()
@click.argument("key")
@click.option("--register", "chosen", default="organisations", show_default=True)
@click.option("--as-known-on", "known", default="", metavar="DATE", help="As it was known at the end of that day, by "
              "the rules and decisions of that day.")  # fmt: skip
@_JSON
@click.pass_obj
def believed(runtime: Runtime, key: str, chosen: str, known: str, as_json: bool) -> None:
    """Show what is believed of KEY: each value with its source, why, and who says otherwise.

    What is joined with it counts, as it was known to be joined then.
    """
    runtime.open_city()
    from cityloom.registers import queries

    moment: datetime | None = _instant(known, queries.time_zone()) if known else None
    joined, _pairs = queries.linked_with(_register(chosen), key, moment)
    entry = queries.believed(chosen, key, known_at=moment, joined=joined)
    if entry is None:
        raise Refused("registers.nothing_known", "Nothing was known of that key in {value} then; check the key, the "
                      "register and the date.", value=chosen)  # fmt: skip
    if as_json:
        _print_json(asdict(entry) | {"joined": joined})
        return
    table = Table("field", "value", "source", "why", "others say", title="gone" if entry.is_gone else None)
    for name, one in entry.fields.items():
        others = "; ".join(f"{other.source}: {plain(str(other.value))}" for other in one.others)
        value = "" if one.value is None else plain(str(one.value))
        agree = f" (and {', '.join(one.agree)})" if one.agree else ""
        table.add_row(name, value, one.source + agree, one.why, others)
    if joined:
        table.caption = plain(f"joined with {', '.join(joined)}")
    Screen().print(table)


@register.group(invoke_without_command=True)
@click.option("--register", "chosen", default="", help="Of one register.")
@click.option("--field", default="", help="In one field.")
@click.option("--source", multiple=True, help="That one source is part of, or two.")
@click.option("--state", type=click.Choice(["open", "settled", "accepted", "ended"]), default="open", show_default=True)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@_JSON
@click.pass_context
def disagreements(
    context: click.Context, chosen: str, field: str, source: tuple[str, ...], state: str, limit: int, as_json: bool
) -> None:  # fmt: skip
    """List where sources disagree."""
    if context.invoked_subcommand:
        return
    runtime: Runtime = context.obj
    runtime.open_city()
    from cityloom.registers import queries

    one, other = (*source[:2], "", "")[:2]
    found = queries.disagreements_listed(register=chosen, field=field, state=state, source=one, other=other,
                                         limit=limit)  # fmt: skip
    if as_json:
        _print_json([asdict(each) for each in found])
        return
    table = Table("number", "register", "key", "field", "sources", "found by load", "state", "right")
    for each in found:
        table.add_row(str(each.number), each.register, plain(each.entry), each.field, " / ".join(each.sources),
                      str(each.found_by or "a join"), each.state, each.right)  # fmt: skip
    Screen().print(table if found else "No sources disagree.")


@disagreements.command("rates")
@_JSON
@click.pass_obj
def disagreement_rates(runtime: Runtime, as_json: bool) -> None:
    """Show how often sources disagree, by load, other source and field."""
    runtime.open_city()
    from cityloom.registers import queries

    found = queries.disagreement_rates()
    if as_json:
        _print_json([asdict(one) | {"share": one.share} for one in found])
        return
    table = Table("load", "register", "source", "other", "field", "compared", "differ", "share")
    for one in found:
        table.add_row(str(one.load), one.register, one.source, one.other, one.field, str(one.compared),
                      str(one.differing), f"{one.share:.1%}")  # fmt: skip
    Screen().print(table)


@disagreements.command("settle")
@click.argument("number", type=click.IntRange(1))
@click.option("--right", default="", help="The source that is right.")
@click.option("--both", is_flag=True, help="Both may stand.")
@_REASON
@click.pass_obj
def settle(runtime: Runtime, number: int, right: str, both: bool, reason: str) -> None:
    """Decide disagreement NUMBER: one source is right, or both may stand; no record is changed."""
    if bool(right) == both:
        raise click.UsageError("Say --right SOURCE or --both.")
    runtime.open_city()
    from cityloom.kernel import clock
    from cityloom.registers import actions

    actions.settle_disagreement(number, right=right, reason=reason, by=SYSTEM, at=clock.now())
    click.echo("Decided; it holds until one of the sources says something new.")


@disagreements.command("export")
@click.argument("source")
@click.argument("place", type=_FILE, metavar="FILE")
@click.option("--register", "chosen", default="", help="Of one register.")
@click.pass_obj
def export_disagreements(runtime: Runtime, source: str, place: Path, chosen: str) -> None:
    """Write what SOURCE should look at again into FILE (CSV), with the rows of its own files."""
    runtime.open_city()
    from cityloom.registers import actions

    count = actions.export_disagreements(source, place, register=chosen, by=SYSTEM)
    click.echo(f"{count} disagreements are in {place}.")


def _register(name: str) -> str:
    from cityloom.registers import queries

    known = queries.register_names()
    if name not in known:
        raise Refused("registers.no_register", "There is no register {value}; there are {limit}.", value=name[:40],
                      limit=", ".join(known))  # fmt: skip
    return name


@register.command()
@click.argument("folder", type=_FILE, required=False)
@click.option("--once", is_flag=True, help="Take in what is complete now, and end.")
@click.option("--settled", "settled_s", type=click.FloatRange(0, 86_400), default=10.0, show_default=True,
              help="Seconds without a change after which a file is complete; NAME.done beside it says so at once.")
@_JSON
@click.pass_obj
def watch(runtime: Runtime, folder: Path | None, once: bool, settled_s: float, as_json: bool) -> int:
    """Load files as they arrive in FOLDER (by default `inbox` in the city's home), each by the mapping that fits."""
    runtime.open_city()
    from cityloom.kernel import clock
    from cityloom.registers import actions

    place, stop = folder or _inbox(runtime), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with _keeper(runtime, needed=True):
        while True:
            taken = actions.take_in(place, by=SYSTEM, at=clock.now(), settled_s=settled_s,
                                    tell=lambda name, outcome: as_json or click.echo(f"{name}: {outcome}"))  # fmt: skip
            if once or stop.wait(_LOOK_S):
                break
    if as_json:
        _print_json(asdict(taken))
    return 0


@register.command()
@click.argument("folder", type=_FILE, required=False)
@_JSON
@click.pass_obj
def folder(runtime: Runtime, folder: Path | None, as_json: bool) -> None:
    """Show what is in a folder that fills up: waiting, done, refused and why."""
    runtime.open_city()
    from cityloom.registers import actions

    facts = actions.folder_state(folder or _inbox(runtime))
    if as_json:
        _print_json(asdict(facts))
        return
    screen = Screen()
    table = Table("file", "bytes", "since (UTC)", "state", "why", title=plain(facts.path))
    for one in facts.arrivals:
        table.add_row(plain(one.name), str(one.bytes), f"{one.at:%Y-%m-%d %H:%M:%S}", one.state, plain(one.reason))
    screen.print(table)
    for name, pattern in facts.mappings:
        screen.print(f"{plain(name)} loads {plain(pattern) or 'nothing: it has no file.pattern'}", highlight=False)
    for name, sentence in facts.broken:
        screen.print(f"{plain(name)}: {plain(sentence)}", highlight=False)


def _inbox(runtime: Runtime) -> Path:
    return Path(os.environ.get("CITYLOOM_INBOX") or runtime.home.path / "inbox")
