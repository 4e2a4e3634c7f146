"""`cityloom zones plan|rebalance|compare|publish|show|discard`."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
from rich.console import Console as Screen
from rich.table import Column, Table

from cityloom.cli.runtime import Runtime
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

_MOST_LISTED = 40
_MOST_CASES = 50_000_000
_REASONS = {
    "heavy_cell": "one cell alone is too heavy", "pieces": "its subdistrict lies in pieces",
    "left_over": "heavy cells of the subdistrict leave the others too little",
    "rounding": "whole cells do not add up",
}  # fmt: skip


@click.group()
def zones() -> None:
    """Divide the city into work zones that fit the work, and put a division in force."""


_json = click.option("--json", "as_json", is_flag=True, help="For machines.")
_seed = click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True)
_processes = click.option("--processes", type=click.IntRange(1, 64), default=2, show_default=True,
                          help="How many processors to use.")  # fmt: skip
_cases = click.option("--cases", type=click.Path(path_type=Path), metavar="FILE",
                      help="Past cases as CSV with the columns lon, lat and, if wanted, count; without it those of the "
                           "last twelve months in the lake's datasets that count as cases.")  # fmt: skip


@zones.command()
@click.argument("name")
@click.option("--zones", "count", type=int, required=True, help="About how many zones.")
@click.option("--weight", "weights", multiple=True, metavar="KIND=POINTS",
              help="Points for each of: people, dwellings, companies, components, cases.")
@click.option("--county", "counties", multiple=True, metavar="UNIT=CODE",
              help="A district's official code, as in city/d01=440304; by default codes are made up (9900..).")
@_cases
@_seed
@_processes
@_json
@click.pass_obj
def plan(
    runtime: Runtime, name: str, count: int, weights: tuple[str, ...], counties: tuple[str, ...], cases: Path | None,
    seed: int, processes: int, as_json: bool,
) -> int:  # fmt: skip
    """Draft the plan NAME: the city divided anew."""
    runtime.open_city()
    from cityloom.kernel import clock
    from cityloom.registers import actions

    points = {kind: _number(value) for kind, value in _pairs(weights, "--weight people=1")}
    wish = actions.Wish(
        name, count, cases=_read_cases(cases), counties=dict(_pairs(counties, "--county city/d01=440304")), seed=seed,
        **({"weights": points} if points else {}),
    )  # fmt: skip
    with _across(processes) as across:
        plan_id = actions.draft_zone_plan(wish=wish, by=SYSTEM, at=clock.now(), across=across)
    return _tell(plan_id, as_json)


@zones.command()
@click.argument("plan_id", metavar="PLAN")
@click.argument("name")
@_cases
@_seed
@_processes
@_json
@click.pass_obj
def rebalance(
    runtime: Runtime, plan_id: str, name: str, cases: Path | None, seed: int, processes: int, as_json: bool
) -> int:  # fmt: skip
    """Draft NAME from PLAN under today's loads; at most 5 % of the cells move, and identifiers stay."""
    runtime.open_city()
    from cityloom.kernel import clock
    from cityloom.registers import actions

    wish = actions.Wish(name, cases=_read_cases(cases), seed=seed)
    with _across(processes) as across:
        new = actions.rebalance_zone_plan(plan_id=plan_id, wish=wish, by=SYSTEM, at=clock.now(), across=across)
    return _tell(new, as_json)


@zones.command()
@click.argument("before")
@click.argument("after")
@_json
@click.pass_obj
def compare(runtime: Runtime, before: str, after: str, as_json: bool) -> int:
    """Show what changes from plan BEFORE to plan AFTER."""
    runtime.open_city()
    from cityloom.registers import queries

    found = queries.compared_zone_plans(before, after)
    if as_json:
        click.echo(json.dumps({
            "cells": found.cells, "moved": found.moved, "moved_share": found.moved_share,
            "only_before": found.only_before, "only_after": found.only_after, "before": dict(found.before.figures),
            "after": dict(found.after.figures),
            "changed": [{"code": code, "before": old, "after": new} for code, old, new in found.changed],
        }, ensure_ascii=False))  # fmt: skip
        return 0
    screen = Screen()
    table = Table("", found.before.name, found.after.name, title=f"{found.moved:,} of {found.cells:,} cells move "
                  f"({found.moved_share:.1%})")  # fmt: skip
    for words, key, form in _FIGURES:
        table.add_row(words, *(form(plan.figures[key]) for plan in (found.before, found.after)))
    screen.print(table)
    changed = Table("zone", "load before", "load after", title="Zones that gain or lose cells")
    for code, old, new in found.changed[:_MOST_LISTED]:
        changed.add_row(code, f"{old:,.0f}", f"{new:,.0f}")
    screen.print(changed)
    if len(found.changed) > _MOST_LISTED:
        screen.print(f"and {len(found.changed) - _MOST_LISTED:,} more; --json lists all.")
    return 0


@zones.command()
@click.argument("plan_id", metavar="PLAN")
@click.option("--from", "first_day", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The first day of it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def publish(runtime: Runtime, plan_id: str, first_day: datetime, yes: bool) -> int:
    """Put PLAN in force from a day on; the plan before it ends then."""
    runtime.open_city()
    from cityloom.kernel import clock
    from cityloom.registers import actions, queries

    facts, last = queries.zone_plan(plan_id), queries.last_zone_plan()
    day = first_day.date()
    click.echo(f"{facts.figures['zones']:,} zones are in force from {day} on; {facts.figures['uneven']:,} are uneven.")
    if last:
        moved = queries.compared_zone_plans(last.id, plan_id).moved
        click.echo(f"The plan {last.name} ends on that day, and {moved:,} cells change zones.")
    if not yes:
        click.confirm("Publish it? It cannot be changed afterwards.", abort=True)
    actions.publish_zone_plan(
        plan_id=plan_id, valid_from=day, today=queries.today(), by=SYSTEM, at=clock.now()
    )  # fmt: skip
    click.echo(f"Published: {facts.name}, from {day} on.")
    return 0


@zones.command()
@click.argument("plan_id", metavar="[PLAN]", default="")
@click.option("--uneven", is_flag=True, help="Only the zones that are not within 10 % of their subdistrict's mean.")
@_json
@click.pass_obj
def show(runtime: Runtime, plan_id: str, uneven: bool, as_json: bool) -> int:
    """Show the plans there are, or the zones of PLAN."""
    runtime.open_city()
    if plan_id:
        return _tell(plan_id, as_json, zones=True, uneven=uneven)
    from cityloom.registers import queries

    plans = queries.zone_plans()
    if as_json:
        click.echo(json.dumps([vars(one) for one in plans], ensure_ascii=False, default=str))
        return 0
    table = Table(Column("plan", no_wrap=True), "name", "state", "in force", "zones", "uneven", "spread", "made")
    for one in plans:
        days = f"{one.valid_from} to {one.valid_until or '…'}" if one.valid_from else ""
        table.add_row(
            one.id, one.name, one.state, days + (" *" if one.is_in_force else ""), f"{one.figures['zones']:,}",
            f"{one.figures['uneven']:,}", f"{one.figures['spread']:.1%}", f"{one.made_at:%Y-%m-%d %H:%M}",
        )  # fmt: skip
    Screen().print(table if plans else "There is no plan yet; draft one with: cityloom zones plan NAME --zones N.")
    return 0


@zones.command()
@click.argument("plan_id", metavar="PLAN")
@click.pass_obj
def discard(runtime: Runtime, plan_id: str) -> int:
    """Throw the draft PLAN away."""
    runtime.open_city()
    from cityloom.kernel import clock
    from cityloom.registers import actions

    actions.discard_zone_plan(plan_id=plan_id, by=SYSTEM, at=clock.now())
    click.echo("The draft is gone.")
    return 0


_FIGURES: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("zones", "zones", lambda value: f"{value:,}"), ("unit cells", "cells", lambda value: f"{value:,}"),
    ("uneven zones", "uneven", lambda value: f"{value:,}"),
    ("spread of loads (standard deviation)", "spread", lambda value: f"{value:.1%}"),
    ("compactness, mean (1: a circle)", "compactness", lambda value: f"{value:.2f}"),
)  # fmt: skip


def _tell(plan_id: str, as_json: bool, *, zones: bool = False, uneven: bool = False) -> int:
    from cityloom.registers import queries

    facts = queries.zone_plan(plan_id)
    rows = [one for one in queries.zones_of(plan_id) if one.reason or (zones and not uneven)]
    if as_json:
        listed = [{name: getattr(one, name) for name in _COLUMNS} for one in rows]
        click.echo(json.dumps({**vars(facts), "listed": listed}, ensure_ascii=False, default=str))
        return 0
    screen = Screen()
    table = Table("", "", title=f"{facts.name} ({facts.state})", show_header=False)
    table.add_row("plan", facts.id)
    for words, key, form in _FIGURES:
        table.add_row(words, form(facts.figures[key]))
    if "moved" in facts.figures:
        table.add_row("cells moved", f"{facts.figures['moved']:,} ({facts.figures['moved_share']:.1%})")
    table.add_row("points", ", ".join(f"{kind} {points:g}" for kind, points in facts.weights.items() if points))
    screen.print(table)
    code = Column("zone", no_wrap=True)
    listed = Table(code, "cells", "load", "of the mean", "ha", "compact", "why it is not even")
    for one in rows[:_MOST_LISTED]:
        listed.add_row(
            one.code, str(one.cells), f"{one.load:,.0f}", f"{one.share:.0%}", f"{one.area_m2 / 1e4:.1f}",
            f"{one.compactness:.2f}", _REASONS.get(one.reason, ""),
        )  # fmt: skip
    if rows:
        screen.print(listed)
    if len(rows) > _MOST_LISTED:
        screen.print(f"and {len(rows) - _MOST_LISTED:,} more; --json lists all.")
    return 0


_COLUMNS = (
    "code", "unit_id", "subdistrict_id", "cells", "load", "share", "area_m2", "compactness", "reason",
)  # fmt: skip


@contextmanager
def _across(processes: int) -> Iterator[Any]:
    """What works tasks off; the processes start when the first task is there, and need no database."""
    if processes == 1:
        yield map
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
        yield pool.map


def _pairs(texts: tuple[str, ...], example: str) -> list[tuple[str, str]]:
    found = [text.partition("=") for text in texts]
    for text, (left, _sign, right) in zip(texts, found, strict=True):
        if not left or not right:
            raise click.UsageError(f"{text!r} is not of the form {example}.")
    return [(left.strip(), right.strip()) for left, _sign, right in found]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise click.UsageError(f"{text!r} is not a number.") from None


def _read_cases(path: Path | None) -> dict[int, int] | None:
    """Past cases by unit cell; None, for those of the lake, without a file. Raises: Refused `zones.cases`."""
    if path is None:
        return None
    from cityloom.kernel.cells import cell_of

    found: dict[int, int] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            for row in reader:
                lon, lat, count = float(row["lon"]), float(row["lat"]), int(row.get("count") or 1)
                if not (-180 <= lon <= 180 and -90 < lat < 90 and 0 <= count <= _MOST_CASES):
                    raise ValueError
                cell = cell_of(lon, lat, 10)
                found[cell] = found.get(cell, 0) + count
    except OSError as error:
        raise Refused("zones.cases", "The file of cases cannot be read ({value}); check its path.",
                      value=error.strerror or "unreadable") from None  # fmt: skip
    except (KeyError, ValueError, TypeError, csv.Error):
        raise Refused("zones.cases", "Line {value} of the file of cases has no lon and lat in degrees, or a count that "
                      "is none; mend it.", value=reader.line_num) from None  # fmt: skip
    return found
