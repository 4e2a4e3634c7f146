"""`cityloom cases train|card|classify`: who says of what category a report is."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import click

from cityloom.cli.runtime import Runtime
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused

_MODEL = click.option("--model", type=click.Path(path_type=Path, exists=True, dir_okay=False),
                      help="A classifier's file, instead of the one that comes with the program.")  # fmt: skip
_LARGEST, _MOST = 512 * 1024 * 1024, 2_000_000
_NO_COLUMNS = "The file {value} has no columns text and category in its first row; it has {limit}."
_LONG = "A file of reports has at most {limit} bytes and 2,000,000 rows; take a part of it."


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Where to write it.")
@click.pass_obj
def train(runtime: Runtime, file: Path | None, out: Path) -> None:
    """Train a classifier on FILE (CSV with text and category, oldest first), or on made-up reports."""
    runtime.start()
    from cityloom.cases import queries

    model = queries.trained(list(_rows(file)) if file else None, file.stem if file else "", clock.now())
    content = queries.classifier_file(model)
    out.write_bytes(content)
    click.echo(queries.card_of(model))
    click.echo(f"Written to {out}, {len(content):,} bytes.")


@click.command()
@_MODEL
@click.pass_obj
def card(runtime: Runtime, model: Path | None) -> None:
    """Show the model card of a classifier: data, errors, coverage against precision, limits."""
    runtime.start()
    from cityloom.cases import queries

    click.echo(queries.card_of(_model(model)))


@click.command()
@click.argument("text")
@_MODEL
@click.pass_obj
def classify(runtime: Runtime, text: str, model: Path | None) -> None:
    """Say of what category TEXT is and how sure that is, or that a person has to say it."""
    runtime.start()
    found = _model(model)
    said = found.predict(text)
    who = "routed" if found.routes(said) else "to a person"
    click.echo(f"{said.category} ({said.probability:.3f}, then {said.second}): {who}")


def _model(path: Path | None):  # type: ignore[no-untyped-def]
    from cityloom.cases import queries

    return queries.classifier_of(path.read_bytes()) if path else queries.shipped_classifier()


def _rows(file: Path) -> Iterator[tuple[str, str]]:
    if file.stat().st_size > _LARGEST:
        raise Refused("cases.reports_too_large", _LONG, limit=_LARGEST)
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
        reader = csv.DictReader(opened)
        columns = reader.fieldnames or []
        if not {"text", "category"} <= set(columns):
            raise Refused("cases.no_columns", _NO_COLUMNS, value=file.name, limit=", ".join(columns)[:200])
        for number, row in enumerate(reader):
            if number >= _MOST:
                raise Refused("cases.reports_too_large", _LONG, limit=_LARGEST)
            if row["text"] and row["category"]:
                yield row["text"], row["category"][:80]
