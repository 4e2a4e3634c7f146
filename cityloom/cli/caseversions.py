"""`cityloom cases routing put|list|show|withdraw|try` and `classify train|list|use|off|try`: what new cases meet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console as Screen
from rich.markup import escape
from rich.table import Table

from cityloom.cli.caserouting import model_in, rows_in
from cityloom.cli.runtime import Runtime
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

_LARGEST = 1024 * 1024
_LONG = "Routing rules have at most {limit} bytes; this is another file."
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def routing() -> None:
    """The routing rules in force: put a version, look at them, try a case, withdraw them."""


@routing.command()
@click.argument("file", type=_FILE)
@click.pass_obj
def put(runtime: Runtime, file: Path) -> None:
    """Let the rules of FILE route from now on; refused where they clash, never fire, or leave a case to nobody."""
    runtime.open_city()
    from cityloom.cases import actions, queries

    with file.open("rb") as opened:
        content = opened.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise Refused("cases.rules_too_large", _LONG, limit=_LARGEST)
    text = content.decode("utf-8", "replace")
    number = actions.put_routing(text=text, by=SYSTEM, at=clock.now())
    found = queries.city_rules_of(text)
    gaps = {category for gap in queries.city_rules_findings(found).gaps for category in gap.categories}
    click.echo(f"Version {number} is in force: {found.name}, {len(found.rules)} rules.")
    if gaps:
        click.echo(f"No rule fits some cases of {', '.join(sorted(gaps))}; they go to {found.otherwise}.")


@routing.command("list")
@click.pass_obj
def list_rules(runtime: Runtime) -> None:
    """List the versions of the rules; the one in force has a mark."""
    runtime.open_city()
    from cityloom.cases import queries

    now, table = queries.rules_in_force(), Table("", "version", "name", "put", "by")
    for one in queries.rules_versions():
        mark = "in force" if now and now.number == one.number else ""
        table.add_row(mark, str(one.number), escape(one.name), f"{one.put_at:%Y-%m-%d %H:%M}", one.put_by)
    Screen().print(table)
    if now is None:
        click.echo("No rules are in force; a case gets the unit of its category.")


@routing.command()
@click.argument("version", type=int, required=False)
@click.pass_obj
def show(runtime: Runtime, version: int | None) -> None:
    """Write a version of the rules as it was put; without a number the one in force."""
    runtime.open_city()
    from cityloom.cases import queries

    now = queries.rules_in_force()
    if version is None and now is None:
        raise Refused("cases.no_rules", "No routing rules are in force; a case gets the unit of its category.")
    click.echo(queries.rules_text(version if version is not None else now.number), nl=False)  # type: ignore[union-attr]


@routing.command()
@click.pass_obj
def withdraw(runtime: Runtime) -> None:
    """Let no rules route any more: a case gets the unit of its category."""
    runtime.open_city()
    from cityloom.cases import actions

    actions.withdraw_routing(by=SYSTEM, at=clock.now())
    click.echo("No rules are in force any more; a case gets the unit of its category.")


@routing.command("try")
@click.option("--type", "casetype", default="request", show_default=True, help="A case type.")
@click.option("--category", default="", help="One of the type's categories; none: the classifier says it.")
@click.option("--at", "place", nargs=2, type=float, metavar="LON LAT", help="Where it is.")
@click.option("--words", default="", help="What somebody wrote; nothing of it is kept.")
@click.option("--channel", default="web", show_default=True, help="How it came.")
@click.pass_obj
def try_(runtime: Runtime, casetype: str, category: str, place: tuple[float, float] | None, words: str, channel: str
         ) -> None:  # fmt: skip
    """Say who would get a case, and by which rule; no case is opened."""
    runtime.open_city()
    from cityloom.cases import queries

    lon, lat = place or (None, None)
    out = queries.try_routing(queries.Tried(casetype, category, lon, lat, words, channel, clock.now()))
    for kind, sure in out.heard:
        click.echo(f"heard: {kind} {100 * sure:.1f} %")
    how = "a person looks at it" if out.decision.standing == "asked" else _by(out)
    click.echo(f"{out.decision.category or 'no category'} ({out.decision.kind or '-'}): {out.unit}, {how}")


def _by(out: Any) -> str:
    if out.decision.rule is None:
        return "as its category says"
    return f"by {out.decision.rule or 'otherwise'} of version {out.version}"


class _Sayings(click.Group):
    """A group whose first word may also be the text itself, as in `cases classify "no light"`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["try", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Sayings)
def classify() -> None:
    """Of what category a text is: the classifier that listens to new cases, and its versions."""


@classify.command("try")
@click.argument("text")
@click.option("--model", type=_FILE, help="A classifier's file, instead of the one that comes with the program.")
@click.pass_obj
def try_text(runtime: Runtime, text: str, model: Path | None) -> None:
    """Say of what category TEXT is and how sure that is, or that a person has to say it."""
    runtime.start()
    found = model_in(model)
    said = found.predict(text)
    who = "routed" if found.routes(said) else "to a person"
    click.echo(f"{said.category} ({said.probability:.3f}, then {said.second}): {who}")


@classify.command("train")
@click.argument("file", required=False, type=_FILE)
@click.option("--use", is_flag=True, help="Let it listen to new cases at once; else it is only kept.")
@click.option("--threshold", type=float, help="How sure it has to be to go on without a person; else as its card says.")
@click.pass_obj
def train_version(runtime: Runtime, file: Path | None, use: bool, threshold: float | None) -> None:
    """Train a version on FILE (CSV with text and category, oldest first), or on made-up reports, and keep it."""
    runtime.open_city()
    from cityloom.cases import actions, queries

    model = queries.trained(list(rows_in(file)) if file else None, file.stem if file else "", clock.now())
    number = actions.keep_classifier(model=model, by=SYSTEM, at=clock.now())
    click.echo(queries.card_of(model))
    if use:
        actions.use_classifier(number=number, threshold=threshold, by=SYSTEM, at=clock.now())
    click.echo(f"Version {number} is kept{' and listens to new cases' if use else ''}.")


@classify.command("list")
@click.pass_obj
def list_classifiers(runtime: Runtime) -> None:
    """List the versions of the classifier; the one that listens has a mark."""
    runtime.open_city()
    from cityloom.cases import queries

    now, table = queries.classifier_in_force(), Table("", "version", "name", "data", "threshold", "put")
    for one in queries.classifier_versions():
        is_now = now is not None and now.number == one.number
        threshold = now.threshold if now and is_now else one.threshold
        table.add_row("listens" if is_now else "", str(one.number), escape(one.name),
                      "made up" if one.is_synthetic else "the city's own", f"{threshold:.3f}",
                      f"{one.put_at:%Y-%m-%d %H:%M}" if one.put_at else "comes with the program")  # fmt: skip
    Screen().print(table)
    if now is None:
        click.echo("None listens; people say of what category each case is.")


@classify.command("use")
@click.argument("version", type=int)
@click.option("--threshold", type=float, help="How sure it has to be to go on without a person; else as its card says.")
@click.pass_obj
def use_version(runtime: Runtime, version: int, threshold: float | None) -> None:
    """Let VERSION listen to new cases: a newer or an older one; 0 comes with the program."""
    runtime.open_city()
    from cityloom.cases import actions

    actions.use_classifier(number=version, threshold=threshold, by=SYSTEM, at=clock.now())
    click.echo(f"Version {version} listens to new cases.")


@classify.command("off")
@click.pass_obj
def off(runtime: Runtime) -> None:
    """Let no classifier listen: people say of what category each case is."""
    runtime.open_city()
    from cityloom.cases import actions

    actions.stop_classifier(by=SYSTEM, at=clock.now())
    click.echo("None listens any more; people say of what category each case is.")


COMMANDS = (routing, classify)
