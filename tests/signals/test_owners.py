"""What was added to sensors later leaves what the database remembers of them as it is."""

from __future__ import annotations

import pytest
from django.db import connection

from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.signals import actions, queries
from tests.signals.drawn import sites

pytestmark = pytest.mark.django_db


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite alone makes tables anew")
def test_the_database_still_remembers_how_sensors_were():
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'signals_datastream'")
        assert cursor.fetchone()[0] >= 3


def test_each_kind_has_a_unit_that_looks_after_it():
    actions.install(sites(("pressure", 0, 0), ("methane", 9, 0)), by=SYSTEM, at=clock.now())
    assert [queries.sensor(number).owner_unit for number in (1, 2)] == ["city/water", "city/gas"]
    assert queries.owner_units() == ["city/gas", "city/water"]
