"""`cityloom register profile|load|loads|history|quarantine|example|schema`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console as Screen
from rich.markup import escape
from rich.table import Table

from cityloom.cli.runtime import Runtime
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

_JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")
_FILE = click.Path(path_type=Path)
_LONGEST_SUBJECT = 19
_REGISTER = click.Choice([
    "organisations", "buildings", "dwellings", "parcels", "addresses", "places", "components", "roads", "mains",
    "fittings", "people",
])  # fmt: skip


@click.group()
def register() -> None:
    """Bring departments' files into the registers, and see what they said when."""


@register.command()
@click.argument("file", type=_FILE, required=False)
@click.option("--register", "chosen", type=_REGISTER, help="Into which register; by default the likeliest.")
@click.option("--connection", default="", help="Instead of FILE: the name of a connection to a database.")
@click.option("--table", default="", help="A table of that database, as in public.companies.")
@click.option("--query", default="", help="A query of that database, one SELECT.")
@click.option("--source", default="", help="The department's short name, as in market-supervision.")
@click.option("--output", type=_FILE, help="Where to write the mapping; by default beside the file.")
@_JSON
@click.pass_obj
def profile(
    runtime: Runtime, file: Path | None, chosen: str | None, connection: str, table: str, query: str, source: str,
    output: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Look at FILE, or at a table, and propose what its columns mean; writes a mapping to read and correct."""
    if (file is None) != bool(connection or table or query):
        raise click.UsageError("Name a FILE, or a --connection with a --table or a --query.")
    runtime.start()
    from cityloom.registers import actions

    how: Any
    if file is None:
        proposal, how = actions.profile_table(chosen or "", connection=connection, table=table, query=query)
        file = Path(f"{table or connection}.table")
        name = source or connection
    else:
        proposal, how = actions.profile_file(file, chosen or "")
        name = source or _short_name(file)
    place = output or file.with_suffix(".mapping.yaml")
    try:
        with place.open("x", encoding="utf-8") as stream:
            stream.write(actions.mapping_text(proposal, name, _seen_from(place, file), how))
    except FileExistsError as error:
        raise Refused("registers.file_exists", "{value} is there already; name another file with --output.",
                      value=place.name) from error  # fmt: skip
    if as_json:
        _print_json({"mapping": str(place), "register": proposal.register.name, "how": asdict(how),
                     "columns": [asdict(look) | {"field": getattr(proposal.fields.get(look.name), "name", "")}
                                 for look in proposal.looks], "remarks": proposal.remarks})  # fmt: skip
        return 0
    screen = Screen()
    title = f"{plain(file.name.removesuffix('.table'))}: {proposal.rows} rows looked at"
    shown = Table("column", "holds", "filled", "different", "becomes", title=title)
    for look in proposal.looks:
        holds = f"{look.kind} {look.form}".strip() + (f", {look.wrong} wrong" if look.wrong else "")
        becomes = proposal.fields.get(look.name)
        key = " (a key?)" if look.could_be_key else ""
        name = becomes.name if becomes else "–"
        shown.add_row(plain(look.name), holds, str(look.filled), f"{look.distinct}{key}", name)
    screen.print(shown)
    for remark in proposal.remarks:
        screen.print(f"• {plain(remark)}", highlight=False)
    screen.print(f"Read {place}, correct it, then: cityloom register load {place} --dry-run", markup=False,
                 highlight=False, soft_wrap=True)  # fmt: skip
    return 0


@register.command()
@click.argument("mapping", type=_FILE)
@click.option("--file", "file", type=_FILE, help="The file, where it is another than the mapping names.")
@click.option("--dry-run", is_flag=True, help="Check everything, change nothing.")
@_JSON
@click.pass_obj
def load(runtime: Runtime, mapping: Path, file: Path | None, dry_run: bool, as_json: bool) -> int:
    """Load the file of MAPPING: whole or not at all; bad rows are set aside and stop no good one."""
    runtime.open_city()
    from cityloom.kernel import clock
    from cityloom.registers import actions

    says = actions.read_mapping(mapping)
    path = file if file or says.connected else _file_of(mapping, says.path)
    with _counting(quiet=as_json) as tell:
        if dry_run:
            outcome = actions.check_file(says, path, at=clock.now(), tell=tell)
        else:
            with _keeper(runtime, needed=says.is_personal):
                outcome = actions.load_file(says, path, by=SYSTEM, at=clock.now(), tell=tell)
    _tell_outcome(outcome, as_json, dry_run=dry_run)
    return 0


@register.command()
@_JSON
@click.pass_obj
def loads(runtime: Runtime, as_json: bool) -> None:
    """List what was loaded: file, rows, what became of them."""
    runtime.open_city()
    from cityloom.registers import queries

    found = queries.loads()
    if as_json:
        _print_json([_load_json(one) for one in found])
        return
    table = Table("load", "what", "rows", "what became of them", "waiting", "state")
    told = {"new": "new", "changed": "changed", "unchanged": "same", "gone": "gone", "set_aside": "set aside"}
    for one in found:
        counts = ", ".join(f"{one.counts[name]} {word}" for name, word in told.items() if one.counts.get(name))
        what = f"{one.source}: {one.register}\n{plain(one.file)}"
        table.add_row(str(one.number), what, str(one.rows), counts, str(one.waiting), one.state)
    Screen().print(table)


@register.command()
@click.argument("key")
@click.option("--register", "chosen", type=_REGISTER, default="organisations", show_default=True)
@click.option("--as-known-on", "known", default="", metavar="DATE", help="As it was known at the end of that day, or "
              "at an instant such as 2026-11-22T08:00Z.")  # fmt: skip
@click.option("--source", default="", help="For people: whose own number KEY is.")
@click.option("--valid-on", "valid", type=click.DateTime(["%Y-%m-%d"]), help="Only what was true on that day.")
@_JSON
@click.pass_obj
def history(
    runtime: Runtime, key: str, chosen: str, known: str, source: str, valid: datetime | None, as_json: bool
) -> int:  # fmt: skip
    """Show what each source said of KEY, since when it is known, and which keys are joined with it."""
    runtime.open_city()
    from cityloom.registers import queries

    if chosen == "people":
        return _person_history(runtime, key, source, known, as_json=as_json)
    known_at = _instant(known, queries.time_zone()) if known else None
    facts = queries.facts_of(chosen, key, known_at=known_at)
    joined, _pairs = queries.linked_with(chosen, key, known_at)
    if valid is not None:
        facts = queries.said_on(facts, valid.date())
    if not facts:
        raise Refused("registers.nothing_known", "Nothing was known of that key in {value} then; check the key, the "
                      "register and the date.", value=chosen)  # fmt: skip
    if as_json:
        _print_json([asdict(fact) for fact in facts])
        return 0
    screen = Screen()
    for fact in facts:
        origin = fact.origin
        state = "gone" if fact.is_gone else "said last" if fact.is_current else "said before"
        table = Table(show_header=False, title=f"{state}: {origin.source}, true since {fact.valid_from}")
        for name, value in fact.values.items():
            table.add_row(name, plain(str(value)))
        if fact.is_sealed:
            table.add_row("people", "sealed; opened in the browser, for those who may")
        since = f"known since {origin.known_at:%Y-%m-%d %H:%M} UTC"
        table.caption = f"{plain(origin.file)}, row {fact.row}, load {origin.load}, {since}"
        screen.print(table)
    if joined:
        screen.print(f"It is joined with {plain(', '.join(joined))}: `cityloom register believed` gathers them, "
                     "`history` has each alone.", soft_wrap=True)  # fmt: skip
    return 0


def _person_history(runtime: Runtime, key: str, source: str, known: str, *, as_json: bool) -> int:
    """Who said something of a person and when; what was said stays sealed."""
    from cityloom.kernel import clock
    from cityloom.registers import actions, queries

    known_at = _instant(known, queries.time_zone()) if known else None
    if source:
        with _keeper(runtime, needed=True):
            token = actions.person_token(source, key, at=clock.now())
        facts = queries.person_facts(source=source, token=token, known_at=known_at)
    elif key.isdecimal() and len(key) <= _LONGEST_SUBJECT:
        facts = queries.person_facts(subject=int(key), known_at=known_at)
    else:
        raise Refused("registers.whose_number", "Say with --source whose number this is, or name the person by the "
                      "register's own number.")  # fmt: skip
    _tell_people(facts, as_json=as_json)
    return 0


@register.command()
@click.argument("chosen", type=click.Choice(["mains", "roads"]), metavar="mains|roads")
@_JSON
@click.pass_obj
def network(runtime: Runtime, chosen: str, as_json: bool) -> None:
    """List what does not hang together: pieces that lie apart, loose ends and loops, each with its place."""
    runtime.open_city()
    from cityloom.registers import actions

    found = actions.network_pieces(chosen)
    if as_json:
        _print_json([asdict(one) for one in found])
        return
    told = {"apart": "lies apart", "loose_end": "loose end", "loop": "loop"}
    table = Table("what", "network", "segments", "metres", "place", "keys")
    for one in found:
        more = f" and {one.segments - len(one.keys)} more" if one.segments > len(one.keys) else ""
        table.add_row(told[one.rule], one.network, str(one.segments), f"{one.length_m:,.0f}",
                      f"{one.lon:.5f}, {one.lat:.5f}", plain(", ".join(one.keys)) + more)  # fmt: skip
    Screen().print(table if found else "All of it hangs together.")


@register.command("index-people")
@click.pass_obj
def index_people(runtime: Runtime) -> None:
    """Let the keeper index who is alike anew, of everybody: once, for a city from before it had these indexes."""
    runtime.open_city()
    from cityloom.kernel import clock
    from cityloom.registers import actions

    with _keeper(runtime, needed=True):
        done = actions.index_people(by=SYSTEM, at=clock.now())
    click.echo(f"{done:,} people are indexed.")


@register.command("part-person")
@click.argument("number", type=click.IntRange(1), metavar="LOAD")
@click.argument("row", type=click.IntRange(1))
@click.pass_obj
def part_person(runtime: Runtime, number: int, row: int) -> None:
    """Give what a source says in ROW of LOAD a person of its own, where it was taken for another's."""
    runtime.open_city()
    from cityloom.kernel import clock
    from cityloom.registers import actions

    with _keeper(runtime, needed=True):
        subject = actions.part_person(number, row, by=SYSTEM, at=clock.now())
    click.echo(f"It is person {subject} now; the other person is as without it.")


@register.command()
@click.argument("dwelling", type=click.IntRange(1))
@click.option("--as-known-on", "known", default="", metavar="DATE", help="As it was known at the end of that day.")
@_JSON
@click.pass_obj
def household(runtime: Runtime, dwelling: int, known: str, as_json: bool) -> None:
    """Show who shares a DWELLING, or did as it was known on a day: by the register's numbers, with sources."""
    runtime.open_city()
    from cityloom.registers import queries

    known_at = _instant(known, queries.time_zone()) if known else None
    _tell_people(queries.household_facts(dwelling, known_at=known_at), as_json=as_json)


def _tell_people(facts: Any, *, as_json: bool) -> None:
    if not facts:
        raise Refused("registers.nothing_known", "Nothing was known of that key in {value} then; check the key, the "
                      "register and the date.", value="people")  # fmt: skip
    if as_json:
        _print_json([asdict(fact) for fact in facts])
        return
    table = Table("person", "source", "state", "dwelling", "true since", "known since (UTC)", "file", "row", "load")
    for fact in facts:
        state = "gone" if fact.is_gone else "holds" if fact.holds else "said last" if fact.is_current else "said before"
        origin = fact.origin
        table.add_row(str(fact.subject), origin.source, state, str(fact.dwelling or ""), str(fact.valid_from),
                      f"{origin.known_at:%Y-%m-%d %H:%M}", plain(origin.file), str(fact.row),
                      str(origin.load))  # fmt: skip
    Screen().print(table)


@register.command()
@click.argument("folder", type=_FILE)
@click.option("--rows", type=click.IntRange(1), default=2_000, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True)
@click.pass_obj
def example(runtime: Runtime, folder: Path, rows: int, seed: int) -> None:
    """Write messy files of five made-up departments into FOLDER, with what is true beside them."""
    runtime.start()
    from cityloom.registers import actions

    for path in [*actions.write_example(folder, rows, seed), *actions.write_linking_example(folder, rows, seed)]:
        click.echo(str(path))


@register.command()
def schema() -> None:
    """Print the JSON Schema of a mapping."""
    from cityloom.registers import queries

    click.echo(json.dumps(queries.mapping_schema(), ensure_ascii=False, indent=2))


@register.group()
def quarantine() -> None:
    """Rows that broke a rule: list them, write them out, put them back corrected."""


@quarantine.command("list")
@click.argument("number", type=click.IntRange(1), metavar="LOAD")
@_JSON
@click.pass_obj
def list_(runtime: Runtime, number: int, as_json: bool) -> None:
    """Show which rows of LOAD wait for a correction, and why."""
    runtime.open_city()
    from cityloom.registers import actions, queries

    queries.load_facts(number)
    rows = [(row, actions.told(findings), findings) for row, findings, _texts in queries.rows_set_aside(number)]
    if as_json:
        _print_json([{"row": row, "findings": findings, "reasons": reasons} for row, reasons, findings in rows])
        return
    table = Table("row", "why")
    for row, reasons, _findings in rows:
        table.add_row(str(row), reasons)
    Screen().print(table if rows else "No row waits.")


@quarantine.command()
@click.argument("number", type=click.IntRange(1), metavar="LOAD")
@click.argument("place", type=_FILE, metavar="FILE")
@click.option("--source", type=_FILE, help="The department's file, where its rows tell about people.")
@click.pass_obj
def export(runtime: Runtime, number: int, place: Path, source: Path | None) -> None:
    """Write the rows of LOAD that wait into FILE (CSV), each with its reasons."""
    runtime.open_city()
    from cityloom.registers import actions

    count = actions.export_set_aside(number, place, source=source)
    click.echo(f"{count} rows are in {place}. Correct them there, leave the first column as it is, and put them back.")


@quarantine.command("put-back")
@click.argument("number", type=click.IntRange(1), metavar="LOAD")
@click.argument("file", type=_FILE)
@_JSON
@click.pass_obj
def put_back(runtime: Runtime, number: int, file: Path, as_json: bool) -> None:
    """Load the corrected rows of FILE; what is still wrong goes on waiting."""
    runtime.open_city()
    from cityloom.kernel import clock
    from cityloom.registers import actions

    with _counting(quiet=as_json) as tell, _keeper(runtime, needed=True):
        outcome = actions.put_back(number, file, by=SYSTEM, at=clock.now(), tell=tell)
    _tell_outcome(outcome, as_json, dry_run=False)


@contextmanager
def _keeper(runtime: Runtime, *, needed: bool) -> Iterator[None]:
    """The keeper, where people are to be sealed and no process of the city has it."""
    if not needed or runtime.is_serving():
        yield
        return
    from cityloom.gate import actions as gate

    keeper = gate.start_keeper()
    try:
        yield
    finally:
        keeper.stop()


@contextmanager
def _counting(*, quiet: bool) -> Iterator[Any]:
    """Tell how many rows are checked and written."""
    screen = Screen(stderr=True)
    if quiet or not screen.is_terminal:
        yield lambda step, rows: None
        return
    words = {"check": "Checking", "write": "Writing"}
    with screen.status("Reading") as status:
        yield lambda step, rows: status.update(f"{words[step]}: {rows:,} rows")


def _tell_outcome(outcome: Any, as_json: bool, *, dry_run: bool) -> None:
    from cityloom.registers import queries

    found = outcome.survey
    made = queries.load_facts(outcome.load) if outcome.load else None
    counts = dict(made.counts) if made else {}
    if as_json:
        said = {"load": outcome.load, "is_new": outcome.is_new, "dry_run": dry_run, "counts": counts}
        if found is not None:
            said |= {"rows": found.rows, "bad": found.bad, "findings": _counted(found.findings),
                     "notes": _counted(found.notes)}  # fmt: skip
        _print_json(said)
        return
    screen = Screen()
    if not outcome.is_new:
        screen.print(f"Exactly this file was loaded before, as load {outcome.load}; nothing was changed.")
        return
    _tell_findings(screen, found)
    if dry_run:
        good = found.rows - found.bad
        screen.print(f"{good} of {found.rows} rows would be loaded, {found.bad} set aside; nothing was changed.")
        return
    words = ", ".join(f"{counts[name]} {name.replace('_', ' ')}" for name in counts)
    screen.print(f"Load {outcome.load}: {words}.")
    if made and counts.get("set_aside"):
        waiting = made.returns or made.number
        screen.print(f"See the rows that wait: cityloom register quarantine list {waiting}")


def _tell_findings(screen: Screen, found: Any) -> None:
    from cityloom.registers import queries

    if not found.findings and not found.notes:
        return
    table = Table("dimension", "field", "what is wrong", "rows", "level")
    for counted, level in ((found.findings, "set aside"), (found.notes, "noted")):
        for (name, rule), count in sorted(counted.items(), key=lambda item: -item[1]):
            says = queries.rule(rule)
            table.add_row(says.dimension, name or "(the row)", says.sentence, str(count), level)
    screen.print(table)


def _counted(counted: Any) -> list[dict[str, object]]:
    return [{"field": name, "rule": rule, "rows": count} for (name, rule), count in sorted(counted.items())]


def _load_json(one: Any) -> dict[str, object]:
    return {name: value for name, value in asdict(one).items() if name != "mapping"}


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def plain(text: str) -> str:
    """What a file says, as a terminal may show it: no commands to the terminal, no markup."""
    return escape("".join(sign if sign.isprintable() else "\ufffd" for sign in text))


def _file_of(mapping: Path, path: str) -> Path:
    if not path:
        raise Refused("registers.no_path", "The mapping does not say where its file lies; write file.path into it, or "
                      "name the file with --file.")  # fmt: skip
    return mapping.parent / path


def _seen_from(place: Path, file: Path) -> str:
    same = place.resolve().parent == file.resolve().parent
    return file.name if same else str(file.resolve())


def _short_name(file: Path) -> str:
    """The folder's name where it can be a source's, else a word to be replaced."""
    name = file.resolve().parent.name.lower()
    fits = name.isascii() and name.replace("-", "").isalnum()
    return name[:60] if fits else "department"


def _instant(text: str, zone: Any) -> datetime:
    """The end of a day in the city's zone, or the instant itself."""
    from cityloom.kernel import clock

    try:
        asked = clock.asked_for(text, zone)
    except ValueError as error:
        raise Refused("registers.bad_date", "{value} is no date; write it as 2026-11-22.", value=text[:40]) from error
    is_day = asked.timetz().replace(tzinfo=None) == time() and "T" not in text and ":" not in text
    return (asked + timedelta(days=1) if is_day else asked).astimezone(UTC)
