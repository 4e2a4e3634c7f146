"""`cityloom register link`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console as Screen
from rich.table import Table

from cityloom.cli.runtime import Runtime
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

_FILE = click.Path(path_type=Path)
_REGISTERS = click.Choice(["people", "organisations"])


@click.command()
@click.argument("files", type=_FILE, nargs=-1, metavar="FILE-OR-MAPPING [FILE-OR-MAPPING]")
@click.option("--register", "chosen", type=_REGISTERS, help="What the rows are; by default what the columns tell.")
@click.option("--config", type=_FILE, help="How to link (YAML); by default the one that comes with Cityloom.")
@click.option("--show-config", type=_REGISTERS, help="Print the configuration that comes with Cityloom, and stop.")
@click.option("--stored", type=click.Choice(["organisations"]), help="Link what is loaded; what is unsure is reviewed.")
@click.option("--truth", default="", help="A column or a file (CSV) that tells which rows are truly one.")
@click.option("--within", is_flag=True, help="Of two files, look for duplicates inside each, too.")
@click.option("--no-duplicates", is_flag=True, help="Each file holds nobody twice: everybody has one partner at most.")
@click.option("--out", type=_FILE, default=Path("links.csv"), show_default=True, help="Where the pairs are written.")
@click.option("--dry-run", is_flag=True, help="Write nothing.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def link(
    runtime: Runtime, files: tuple[Path, ...], chosen: str | None, config: Path | None, show_config: str | None,
    stored: str | None, truth: str, within: bool, no_duplicates: bool, out: Path, dry_run: bool, as_json: bool,
) -> None:  # fmt: skip
    """Find which rows of one file, or of two, are the same; writes row numbers and weights, and no value."""
    if stored:
        _link_stored(runtime, stored, config, as_json=as_json)
        return
    runtime.start()
    from cityloom.registers import actions, queries

    if show_config:
        click.echo(queries.linkage_config(show_config), nl=False)
        return
    if len(files) not in (1, 2):
        raise Refused("linkage.files", "Name one file, whose duplicates are looked for, or two, which are linked.")
    outcome = actions.link_files(files, config=config, register=chosen or "", truth=truth, within=within,
                                 free_of_duplicates=no_duplicates, progress=_tell_progress)  # fmt: skip
    written = 0 if dry_run else actions.write_links(outcome, out)
    said = _said(outcome)
    if as_json:
        click.echo(json.dumps(said | {"written": written, "out": "" if dry_run else str(out)}, ensure_ascii=False))
        return
    _print(Screen(), outcome, said)
    click.echo("Nothing was written." if dry_run else f"{written} pairs are in {out}: row numbers and weights.")


def _tell_progress(_what: str, done: int, whole: int) -> None:
    click.echo(f"Addresses taken apart: {done} of {whole}.", err=True)


def _link_stored(runtime: Runtime, register: str, config: Path | None, *, as_json: bool) -> None:
    runtime.open_city()
    from cityloom.kernel import clock
    from cityloom.registers import actions, queries

    new = actions.link_stored(register, by=SYSTEM, at=clock.now(), config=config)
    counted = queries.pairs_counted(register)
    if as_json:
        click.echo(json.dumps({"new": new, "all": counted}))
        return
    click.echo(f"New pairs: {new.get('certain', 0)} joined as certain, {new.get('review', 0)} to be reviewed at "
               f"/registers/links/. Waiting in all: {counted.get('review', 0)}.")  # fmt: skip


def _said(outcome: Any) -> dict[str, Any]:
    states = outcome.links.states(outcome.config).tolist()
    return {
        "register": outcome.config.register,
        "files": [{"file": file.name, "rows": file.rows, "columns": file.meanings} for file in outcome.files],
        "certain": states.count("certain"), "review": states.count("review"), "entries": len(outcome.clusters),
        "quality": {name: {"precision": one.precision, "recall": one.recall, "f1": one.f1, "right": one.right,
                           "made": one.made, "true": one.true} for name, one in outcome.quality.items()},
        "recall_of_blocking": outcome.blocked, "blocks_too_large": {k: n for k, n in outcome.links.lost.items() if n},
    }  # fmt: skip


def _print(screen: Screen, outcome: Any, said: dict[str, Any]) -> None:
    for file in said["files"]:
        columns = ", ".join(f"{column} is {meaning}" for column, meaning in file["columns"].items())
        screen.print(f"{file['file']}: {file['rows']} rows of {said['register']}; {columns}.", markup=False)
    table = Table("", "pairs")
    for words, count in (("certain", said["certain"]), ("to review", said["review"])):
        table.add_row(words, str(count))
    table.add_row("entries that several rows are", str(said["entries"]))
    screen.print(table)
    if outcome.quality:
        judged = Table("against the truth", "precision", "recall", "F1", "right of made", "true")
        for name, one in outcome.quality.items():
            judged.add_row(name, f"{one.precision:.4f}", f"{one.recall:.4f}", f"{one.f1:.4f}",
                           f"{one.right} of {one.made}", str(one.true))  # fmt: skip
        screen.print(judged)
    if outcome.blocked is not None:
        screen.print(f"Blocking: {outcome.blocked:.4f} of the true pairs are compared; the rest is lost before that.")
