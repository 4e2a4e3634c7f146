"""A city without demo accounts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from cityloom.accounts.models import Account

pytestmark = pytest.mark.django_db


def test_it_asks_for_a_password(client: Client) -> None:
    page = client.get("/sign-in/").content.decode()
    assert "Password" in page
    assert "/sign-in/demo/" not in page
    assert client.post("/sign-in/", {"login": "nobody", "password": "wrong"}).status_code == 422


def test_the_right_password_leads_on(client: Client) -> None:
    Account.objects.create_user("zhang", password="a long enough one", roles=["duty-officer"])
    answer = client.post("/sign-in/", {"login": "zhang", "password": "a long enough one", "next": "/health/"})
    assert answer.url == "/health/"
    assert client.get("/").status_code == 200


def test_no_real_account_signs_in_without_a_password(client: Client) -> None:
    account = Account.objects.create_user("zhang", password="x", date_joined=datetime(2026, 1, 1, tzinfo=UTC))
    assert client.post("/sign-in/demo/", {"account": account.id}).status_code == 404
