"""Changes to accounts and units."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from cityloom.accounts.models import Account, Unit
from cityloom.accounts.queries import DemoAccount, demo_accounts
from cityloom.kernel import ids
from cityloom.kernel.actor import Actor

_DEPARTMENTS = {
    "fire": ("Fire and rescue", "消防救援"), "police": ("Police", "公安"), "traffic": ("Traffic", "交通"),
    "water": ("Water", "供水"), "gas": ("Gas", "燃气"), "emergency": ("Emergency management", "应急管理"),
}  # fmt: skip
_DEMO_ROLES = (
    ("duty", "Duty officer", "emergency", ("duty-officer",)),
    ("commander", "Commander", "emergency", ("commander",)),
    ("approver", "Second approver for alerts", "emergency", ("alert-approver",)),
    ("fire", "Fire department desk", "fire", ("department-fire",)),
    ("police", "Police desk", "police", ("department-police",)),
    ("traffic", "Traffic desk", "traffic", ("department-traffic",)),
    ("water", "Water company desk", "water", ("department-water",)),
    ("gas", "Gas company desk", "gas", ("department-gas",)),
    ("dpo", "Data protection officer", "", ("data-protection-officer",)),
    ("operator", "Operator", "", ("operator",)),
)


@transaction.atomic
def create_units(*, communities: Sequence[tuple[str, str, str, str]], by: Actor, at: datetime) -> None:
    """Create the city, its departments and the given `(id, name_en, name_zh, kind)`, parents before children."""
    Unit.objects.get_or_create(id="city", defaults={"name_en": "City", "name_zh": "市", "kind": "city"})
    for key, (english, chinese) in _DEPARTMENTS.items():
        _unit(f"city/{key}", english, chinese, "department")
    for unit_id, english, chinese, kind in communities:
        _unit(unit_id, english, chinese, kind)


@transaction.atomic
def create_demo_accounts(*, workers: Sequence[str], by: Actor, at: datetime) -> list[DemoAccount]:
    """Create the sign-ins of a synthetic city, and a social worker for each unit id in `workers`; once only."""
    for name, title, unit, roles in _DEMO_ROLES:
        _account(name, title, f"city/{unit}" if unit else "city", roles)
    existing = set(Account.objects.filter(is_demo=True).values_list("username", flat=True))
    Account.objects.bulk_create(
        _worker(f"worker-{number:04}", number, unit)
        for number, unit in enumerate(workers, 1)
        if f"worker-{number:04}" not in existing
    )
    return demo_accounts()


def _worker(username: str, number: int, unit: str) -> Account:
    return Account(
        id=ids.named_id("demo-account", username), username=username, first_name=f"Social worker {number}",
        unit_id=unit, roles=["social-worker"], is_demo=True, password="!",  # noqa: S106 - "!" marks no password
    )  # fmt: skip


def _unit(unit_id: str, english: str, chinese: str, kind: str) -> None:
    parent = unit_id.rpartition("/")[0] or None
    Unit.objects.get_or_create(
        id=unit_id, defaults={"name_en": english, "name_zh": chinese, "kind": kind, "parent_id": parent}
    )


def _account(name: str, title: str, unit: str, roles: Sequence[str]) -> None:
    Account.objects.get_or_create(
        id=ids.named_id("demo-account", name),
        defaults={
            "username": name, "first_name": title, "unit_id": unit, "roles": list(roles), "is_demo": True,
            "password": "!",
        },
    )  # fmt: skip
