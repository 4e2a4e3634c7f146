"""`cityloom cases table check|convert|try` and `process check`: rules of cases, before anything runs by them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import click

from cityloom.cli.runtime import Runtime
from cityloom.kernel.refused import Refused

_FILE = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
_LARGEST = 4 * 1024 * 1024
_LONG = "A file of this kind has at most {limit} bytes; this is another file."


@click.group()
def table() -> None:
    """Decision tables: DMN (XML), or the same in YAML."""


@table.command()
@_FILE
@click.option("--grants", metavar="OUTPUT=VALUE", help="It decides at once: refuse a rule that says another value.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def check(runtime: Runtime, file: Path, grants: str | None, as_json: bool) -> None:
    """Say whether FILE is a table that may be used, for which cases it has no rule, and which rules never fire."""
    runtime.start()
    from cityloom.cases.queries import check_only_grants, decision_table_of, table_findings

    found = decision_table_of(file_bytes(file))
    findings = table_findings(found)
    if grants:
        output, _, value = grants.partition("=")
        check_only_grants(found, output, [value])
    if as_json:
        click.echo(json.dumps({"table": found.name, "rules": len(found.rules), "idle": findings.idle, "complete":
                               findings.is_complete, "gaps": [dict(gap.cells) for gap in findings.gaps],
                               "overlaps": findings.overlaps}, ensure_ascii=False))  # fmt: skip
        return
    click.echo(f"{found.name}: {found.hit}, {len(found.inputs)} inputs, {len(found.rules)} rules, all well.")
    for gap in findings.gaps:
        click.echo(f"No rule for {gap}")
    if findings.idle:
        click.echo(f"Rows that never have a say: {', '.join(map(str, findings.idle))}")
    if findings.overlaps:
        click.echo(f"Rows that match the same cases: {', '.join(f'{a}+{b}' for a, b in findings.overlaps[:20])}")
    if not findings.is_complete:
        click.echo("The table has too many combinations for all of its gaps to be looked for.")


@table.command()
@_FILE
@click.option("--to", "form", type=click.Choice(["xml", "yaml"]), required=True)
@click.pass_obj
def convert(runtime: Runtime, file: Path, form: str) -> None:
    """Write FILE as DMN or as YAML."""
    runtime.start()
    from cityloom.cases.queries import decision_table_of, table_as

    click.echo(table_as(decision_table_of(file_bytes(file)), form), nl=False)


@table.command("try")
@click.argument("which", metavar="FILE|TABLE")
@click.argument("facts", nargs=-1, metavar="[INPUT=VALUE]...")
@click.pass_obj
def try_(runtime: Runtime, which: str, facts: tuple[str, ...]) -> None:
    """Say what a file, or a table of this city, decides on some facts, by which rows, and what would have granted."""
    found = _table_of(runtime, which)
    from cityloom.cases.queries import decide, ways_to

    given = dict(map(_fact, facts))
    decided = decide(found, given)
    for result in decided.results:
        click.echo(json.dumps(result, ensure_ascii=False))
    if decided.fired:
        click.echo(f"rows {', '.join(map(str, decided.fired))}")
    for reason in decided.reasons:
        click.echo(reason)
    if not decided.results:
        click.echo("No rule fired; a person decides.")
        for way in ways_to(found, given):
            changes = "; ".join(f"{change.label}: {change.must}" for change in way.changes)
            click.echo(f"Row {way.row} would have, with {changes}")


@click.group()
def process() -> None:
    """Processes: BPMN 2.0 files that order the tasks inside a state."""


@process.command("check")
@_FILE
@click.pass_obj
def check_process(runtime: Runtime, file: Path) -> None:
    """Say whether all of FILE can be run; if not, which element, in which line, and why."""
    runtime.start()
    from cityloom.cases.queries import process_of

    found = process_of(file_bytes(file))
    kinds = Counter(node.kind for node in found.nodes.values())
    parts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    click.echo(f"{found.name}: {parts}, {len(found.flows)} flows, all well.")
    for node in found.nodes.values():
        if node.does or node.calls or node.lane:
            click.echo(f"{node.id}: {' '.join(filter(None, (node.lane, node.does, node.calls)))}")


def _table_of(runtime: Runtime, which: str) -> Any:
    """The table of a file, or the one of this city that has that name."""
    is_file = Path(which).is_file()
    (runtime.start if is_file else runtime.open_city)()
    from cityloom.cases.queries import decision_table_of, table_version

    return decision_table_of(file_bytes(Path(which))) if is_file else table_version(which).table


def _fact(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign:
        raise click.BadParameter(f"{text!r} is not INPUT=VALUE")
    return name, {"true": True, "false": False}.get(value, value)


def file_bytes(file: Path) -> bytes:
    """The bytes of a file of rules. Raises: Refused `cases.table_too_large`."""
    with file.open("rb") as opened:
        content = opened.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise Refused("cases.table_too_large", _LONG, limit=_LARGEST)
    return content
