"""Questions about accounts and units."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import TextField
from django.db.models.functions import Cast

from cityloom.accounts.models import Account, Unit
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused


@dataclass(frozen=True)
class DemoAccount:
    """A sign-in of a synthetic city."""

    account: str
    username: str
    title: str
    unit: str
    roles: tuple[str, ...]

    @property
    def actor(self) -> Actor:
        return Actor(account=self.account, unit=self.unit, roles=frozenset(self.roles))


def actor_of(account_id: str) -> Actor:
    """The actor behind an account.

    Raises: Refused `accounts.unknown`.
    """
    account = Account.objects.filter(id=account_id, is_active=True).first()
    if account is None:
        raise Refused("accounts.unknown", "There is no active account with that id; sign in again.")
    return as_actor(account)


def as_actor(account: Account) -> Actor:
    """The actor that an account is."""
    return Actor(account=account.id, unit=account.unit_id or "", roles=frozenset(account.roles))


def demo_accounts() -> list[DemoAccount]:
    """The sign-ins of a synthetic city, in the order of their making."""
    rows = Account.objects.filter(is_demo=True, is_active=True).order_by("username")
    return [
        DemoAccount(row.id, row.username, row.first_name, row.unit_id or "", tuple(row.roles)) for row in rows
    ]


def accounts_with(role: str) -> list[Actor]:
    """Everyone who holds a role."""
    as_text = Account.objects.annotate(listed=Cast("roles", TextField()))  # no database-specific look into the JSON
    rows = as_text.filter(is_active=True, listed__contains=f'"{role}"').order_by("username")
    return [as_actor(row) for row in rows]


def unit_names(unit_id: str) -> dict[str, str]:
    """A unit's name in both languages; its id where it has none."""
    unit = Unit.objects.filter(id=unit_id).first()
    return {"en": unit.name_en, "zh-Hans": unit.name_zh} if unit else {"en": unit_id, "zh-Hans": unit_id}
