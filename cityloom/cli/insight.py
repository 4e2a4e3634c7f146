"""`cityloom insight review`: a process, looked at through its own event log."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from cityloom.cli.runtime import Runtime
from cityloom.kernel.refused import Refused

_DAY = click.DateTime(["%Y-%m-%d"])
_ONE = "Name a file, or a type of the city's own cases with --casetype; not {value}."


@click.group()
def insight() -> None:
    """Insight: what the city's and others' histories show about processes, never about persons."""


@insight.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--casetype", default="", help="Review the city's own cases of this type instead of a file.")
@click.option("--since", type=_DAY, help="With --casetype: from this day on (UTC).")
@click.option("--until", type=_DAY, help="With --casetype: before this day (UTC).")
@click.option("--case-column", default="", help="The column that says the case; guessed where it is left out.")
@click.option("--activity-column", default="", help="The column that says the step.")
@click.option("--time-column", default="", help="The column that says when a step was done.")
@click.option("--start-column", default="", help="The column that says when a step was begun.")
@click.option(
    "--office-column", default="", help="The column that says the office: a unit, role or group, never a person."
)
@click.option("--zone", default="UTC", show_default=True, help="The time zone of times without an offset.")
@click.option("--time-format", default="", help="The form of times, as %d/%m/%Y %H:%M; guessed where it is left out.")
@click.option("--object-type", default="", help="Of an OCEL log: the type of object that is a case.")
@click.option("--outside", multiple=True, help="A step after which the applicant, or somebody else outside, must act.")
@click.option("--due", default="", help="The log's date by which a case is due.")
@click.option("--ended", default="", help="The log's date on which a case ended; by default its last step.")
@click.option(
    "--limit-days", type=click.FloatRange(0, 36_500), default=0.0, help="A limit in days from the first step."
)
@click.option(
    "--model", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A BPMN file to compare with."
)
@click.option("--as", "form", type=click.Choice(["md", "json", "html"]), default="md", show_default=True)
@click.option("--language", type=click.Choice(["en", "zh-hans"]), default="en", show_default=True, help="Of HTML.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
@click.pass_obj
def review(runtime: Runtime, file: Path | None, casetype: str, since: datetime | None, until: datetime | None,
           form: str, language: str, output: Path | None, **asked: Any) -> None:  # fmt: skip
    """Review the process of FILE (XES, CSV, OCEL 2.0): ways, waiting, rework, hand-overs, limits, what to change."""
    if (file is None) == (not casetype):
        raise Refused("insight.one_source", _ONE, value="both" if file else "neither")
    if file is not None:
        runtime.start()
        from cityloom.insight import actions

        made = actions.review_file(path=file, wanted=_wanted(asked))
    else:
        runtime.open_city()
        from cityloom.insight import actions

        first, last = (day.date() if day else None for day in (since, until))
        made = actions.review_casetype(casetype=casetype, since=first, until=last, wanted=_wanted(asked))
    text = _text(made.review, form, language)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, "utf-8")
        click.echo(f"{made.log.cases:,} cases, {len(made.log):,} events reviewed in {output}")


def _wanted(asked: dict[str, Any]) -> Any:
    from cityloom.insight.actions import Columns, Wanted

    columns = Columns(
        asked["case_column"], asked["activity_column"], asked["time_column"], asked["start_column"],
        asked["office_column"], zone=asked["zone"], style=asked["time_format"],
    )  # fmt: skip
    return Wanted(columns, asked["object_type"], tuple(asked["outside"]), asked["due"], asked["ended"],
                  asked["limit_days"], asked["model"])  # fmt: skip


def _text(review: dict[str, Any], form: str, language: str) -> str:
    from cityloom.insight import queries

    if form == "json":
        return json.dumps(review, ensure_ascii=False, indent=1) + "\n"
    return queries.as_page(review, language) if form == "html" else queries.written(review)
