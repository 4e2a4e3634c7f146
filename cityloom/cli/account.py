"""`cityloom account add|list|disable|enable|roles|suspend|reinstate|reset-second-factor|contractor`."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console as Screen
from rich.markup import escape
from rich.table import Table

from cityloom.cli.runtime import Runtime
from cityloom.kernel.actor import SYSTEM, Actor

_USERNAME = click.argument("username")
_BY = click.option("--by", required=True, metavar="USERNAME", help="Who does it; the role is checked.")
_PASSWORD = click.option(
    "--password-file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file that holds the first password; without it you are asked.",
)  # fmt: skip
_INSTANT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"])
_JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")


@click.group()
def account() -> None:
    """Give people who work here a way to sign in; nobody signs up alone."""


@account.command()
@_USERNAME
@click.option("--name", default="", help="The name that pages show.")
@click.option("--unit", required=True, help="Where they belong, as in city/water.")
@click.option("--role", "roles", multiple=True, required=True, help="A role; may be given several times.")
@_PASSWORD
@click.pass_obj
def add(
    runtime: Runtime, username: str, name: str, unit: str, roles: tuple[str, ...], password_file: Path | None
) -> None:  # fmt: skip
    """Make an account for someone on the city's staff."""
    runtime.open_city()
    from cityloom.accounts import actions
    from cityloom.kernel import clock

    actions.add_account(
        username=username, name=name, unit=unit, roles=roles, password=_password(password_file), by=SYSTEM,
        at=clock.now(),
    )  # fmt: skip
    click.echo(f"{username} can sign in; a second factor is set up on the page of the account.")


@account.command("list")
@click.option("--demo", is_flag=True, help="Those of a synthetic city too.")
@_JSON
@click.pass_obj
def list_(runtime: Runtime, demo: bool, as_json: bool) -> None:
    """Show the accounts of people who work here."""
    runtime.open_city()
    from cityloom.accounts import queries

    found = queries.accounts(demo=demo)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False))
        return
    table = Table("user name", "kind", "unit", "roles", "second factor", "state")
    for one in found:
        state = "suspended" if one.suspended_for else "active" if one.is_active else "closed"
        second = "yes" if one.has_second_factor else "no"
        table.add_row(escape(one.username), one.kind, one.unit, ", ".join(one.roles), second, state)
    Screen().print(table)


@account.command()
@_USERNAME
@click.pass_obj
def disable(runtime: Runtime, username: str) -> None:
    """Close an account; its sessions end at once."""
    runtime.open_city()
    from cityloom.accounts import actions, queries
    from cityloom.kernel import clock

    actions.disable(account=queries.account_named(username), by=SYSTEM, at=clock.now())
    click.echo(f"{username} is closed.")


@account.command()
@_USERNAME
@click.pass_obj
def enable(runtime: Runtime, username: str) -> None:
    """Open a closed account again."""
    runtime.open_city()
    from cityloom.accounts import actions, queries
    from cityloom.kernel import clock

    actions.enable(account=queries.account_named(username), by=SYSTEM, at=clock.now())
    click.echo(f"{username} is open again.")


@account.command()
@_USERNAME
@click.argument("roles", nargs=-1)
@click.option("--unit", default="", help="Another unit.")
@click.pass_obj
def roles(runtime: Runtime, username: str, roles: tuple[str, ...], unit: str) -> None:
    """Give an account other ROLES (none takes all away); its sessions end at once."""
    runtime.open_city()
    from cityloom.accounts import actions, queries
    from cityloom.kernel import clock

    actions.set_roles(account=queries.account_named(username), roles=roles, unit=unit, by=SYSTEM, at=clock.now())
    click.echo(f"{username}: {', '.join(roles) or 'no role'}.")


@account.command()
@_USERNAME
@click.option("--reason", required=True, help="A code, as in review-overdue.")
@_BY
@click.pass_obj
def suspend(runtime: Runtime, username: str, reason: str, by: str) -> None:
    """Keep an account from signing in until another person lifts it."""
    runtime.open_city()
    from cityloom.accounts import actions, queries
    from cityloom.kernel import clock

    named = queries.account_named(username)
    actions.suspend(account=named, reason_code=reason, by=_actor(by), at=clock.now())
    click.echo(f"{username} is suspended.")


@account.command()
@_USERNAME
@_BY
@click.pass_obj
def reinstate(runtime: Runtime, username: str, by: str) -> None:
    """Lift a suspension; it takes another person than the one who suspended."""
    runtime.open_city()
    from cityloom.accounts import actions, queries
    from cityloom.kernel import clock

    actions.reinstate(account=queries.account_named(username), by=_actor(by), at=clock.now())
    click.echo(f"{username} can sign in again.")


@account.command("reset-second-factor")
@_USERNAME
@click.pass_obj
def reset_second_factor(runtime: Runtime, username: str) -> None:
    """Take away the passkeys, app and codes of someone who has lost them."""
    runtime.open_city()
    from cityloom.accounts import actions, queries
    from cityloom.kernel import clock

    actions.reset_second_factor(account=queries.account_named(username), by=SYSTEM, at=clock.now())
    click.echo(f"{username} has no second factor now, and sets up a new one on the page of the account.")


@account.group()
def contractor() -> None:
    """Accounts of service providers: with an end, a sponsor, and two people who agree."""


@contractor.command("add")
@_USERNAME
@click.option("--name", default="", help="The name that pages show.")
@click.option("--company", required=True, help="For whom they work.")
@click.option("--unit", required=True, help="Where they help, as in city/water.")
@click.option("--role", "roles", multiple=True, required=True, help="A role; may be given several times.")
@click.option("--sponsor", required=True, metavar="USERNAME", help="Who on the city's staff vouches for them.")
@click.option("--until", required=True, type=_INSTANT, help="At most 30 days on; in UTC.")
@_BY
@_PASSWORD
@click.pass_obj
def add_contractor(
    runtime: Runtime, username: str, name: str, company: str, unit: str, roles: tuple[str, ...], sponsor: str,
    until: datetime, by: str, password_file: Path | None,
) -> None:  # fmt: skip
    """Make an account for a contractor; it works once a second person has approved it on its page."""
    runtime.open_city()
    from cityloom.accounts import actions, queries
    from cityloom.kernel import clock

    actions.make_contractor(
        username=username, name=name, company=company, unit=unit, roles=roles, password=_password(password_file),
        sponsor=queries.account_named(sponsor), ends_at=until.replace(tzinfo=UTC), by=_actor(by), at=clock.now(),
    )  # fmt: skip
    click.echo(f"{username} waits: an operator or the data protection officer approves it on the contractors' page.")


@contractor.command("list")
@_JSON
@click.pass_obj
def list_contractors(runtime: Runtime, as_json: bool) -> None:
    """Show contractors' accounts, for whom, by whom and until when."""
    runtime.open_city()
    from cityloom.accounts import queries
    from cityloom.kernel import clock

    now = clock.now()
    found = queries.contractor_terms()
    if as_json:
        rows = [asdict(term) | {"state": term.state_at(now)} for term in found]
        click.echo(json.dumps(rows, default=clock.to_text, ensure_ascii=False))
        return
    table = Table("user name", "company", "unit", "roles", "until", "state")
    for term in found:
        until = f"{term.ends_at:%Y-%m-%d %H:%M}"
        who = escape(term.username), escape(term.company), term.unit, ", ".join(term.roles)
        table.add_row(*who, until, term.state_at(now))
    Screen().print(table)


@contractor.command("end")
@_USERNAME
@click.pass_obj
def end_contractor(runtime: Runtime, username: str) -> None:
    """End a contractor's time now."""
    runtime.open_city()
    from cityloom.accounts import actions, queries
    from cityloom.kernel import clock

    actions.end_contractor(account=queries.account_named(username), by=SYSTEM, at=clock.now())
    click.echo(f"{username} can no longer sign in.")


def _password(path: Path | None) -> str:
    if path is not None:
        return path.read_text().strip()
    return str(click.prompt("First password", hide_input=True, confirmation_prompt=True))


def _actor(username: str) -> Actor:
    from cityloom.accounts import queries

    return queries.actor_of(queries.account_named(username))
