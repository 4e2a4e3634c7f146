"""Accounts: who has a role, and sign-ins of a synthetic city that are made once."""

from datetime import UTC, datetime

import pytest

from cityloom.accounts import actions, queries
from cityloom.accounts.models import Account
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

NOON = datetime(2026, 6, 3, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def demo() -> list[queries.DemoAccount]:
    communities = [("city/d1", "District 1", "一区", "district"), ("city/d1/c1", "Riverside", "河畔", "community")]
    actions.create_units(communities=communities, by=SYSTEM, at=NOON)
    return actions.create_demo_accounts(workers=["city/d1/c1", "city/d1/c1"], by=SYSTEM, at=NOON)


def test_a_role_finds_those_who_hold_it_and_nobody_else(demo: list[queries.DemoAccount]) -> None:
    assert len(queries.accounts_with("social-worker")) == 2
    (commander,) = queries.accounts_with("commander")
    assert commander.roles == {"commander"}
    assert queries.accounts_with("command") == [], "a part of a role's name is no role"


def test_demo_sign_ins_are_made_once(demo: list[queries.DemoAccount]) -> None:
    again = actions.create_demo_accounts(workers=["city/d1/c1", "city/d1/c1"], by=SYSTEM, at=NOON)
    assert again == demo
    assert all(not account.has_usable_password() for account in Account.objects.all())


def test_an_account_that_is_closed_is_nobody(demo: list[queries.DemoAccount]) -> None:
    Account.objects.filter(id=demo[0].account).update(is_active=False)
    with pytest.raises(Refused, match="no active account"):
        queries.actor_of(demo[0].account)


def test_a_unit_has_its_name_in_both_languages(demo: list[queries.DemoAccount]) -> None:
    assert queries.unit_names("city/d1/c1") == {"en": "Riverside", "zh-Hans": "河畔"}
    assert queries.unit_names("city/nowhere") == {"en": "city/nowhere", "zh-Hans": "city/nowhere"}
