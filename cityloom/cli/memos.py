"""`cityloom insight memo` and `check`: a study as a short document, and the proof that its numbers hold."""

from __future__ import annotations

from pathlib import Path

import click

from cityloom.cli.runtime import Runtime
from cityloom.cli.studies import told_differences, watched

_PATH = click.Path(path_type=Path)
_NO_FONT = "Left out for want of a font with its characters (Noto Sans CJK, say): memo.{}.pdf"


@click.command()
@click.argument("study")
@click.option("--question", required=True, help="The question that the memo answers, as its title.")
@click.option("--out", type=_PATH, required=True, help="A folder, or a file that ends with .zip.")
@click.option("--language", type=click.Choice(["en", "zh-hans"]), default="en", show_default=True,
              help="The language that comes first in the page; there is a PDF in each.")  # fmt: skip
@click.pass_obj
def memo(runtime: Runtime, study: str, question: str, out: Path, language: str) -> None:
    """Make a memo of a STUDY: its folder, or the id of one that the city keeps."""
    is_folder = Path(study).is_dir()
    if is_folder:
        runtime.start()
    else:
        runtime.open_city()
    from cityloom.insight import actions, queries

    folder = Path(study) if is_folder else queries.folder_of_study(study)
    made = actions.make_memo(study=folder, question=question, out=out, language=language, in_city=not is_folder)
    click.echo(f"{out}: {made.numbers} numbers, each with its cell. Check it: cityloom insight check {out}")
    for one in made.without:
        click.echo(_NO_FONT.format(one))


@click.command()
@click.argument("memo", type=_PATH)
@click.pass_context
def check(context: click.Context, memo: Path) -> None:
    """Work the study of a MEMO again and compare every number that it shows; exit status 1 where one does not hold."""
    context.obj.start()
    from cityloom.insight import queries

    with watched() as told:
        found = queries.differences_in(memo, told)
    told_differences(context, memo, found)
    click.echo(f"{memo} holds: every number that it shows comes out of its inputs.")
