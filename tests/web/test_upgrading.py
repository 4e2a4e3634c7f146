"""A city that an earlier version made gets the tables that are missing, and one of a later version is left alone."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from cityloom.kernel.refused import Refused
from cityloom.project import upgrading

pytestmark = pytest.mark.django_db


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(upgrading, "call_command", lambda name, **_: told.append(name))
    return told


def test_a_city_that_is_up_to_date_is_not_touched(said: list[str]) -> None:
    upgrading.bring_up_to_date(said.append)
    assert said == []


def test_what_is_missing_is_said_and_made(said: list[str]) -> None:
    (_, newest), = MigrationLoader(connection).graph.leaf_nodes("cases")
    MigrationRecorder(connection).record_unapplied("cases", newest)
    upgrading.bring_up_to_date(said.append)
    assert said == ["The city's tables are brought up to date: 1 changes.", "migrate"]


def test_what_a_later_version_made_is_refused_by_name(said: list[str]) -> None:
    MigrationRecorder(connection).record_applied("cases", "9999_of_tomorrow")
    with pytest.raises(Refused, match="9999_of_tomorrow"):
        upgrading.bring_up_to_date(said.append)
    assert said == []
