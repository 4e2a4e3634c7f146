"""Stewards and operators see which facts the lake has; an entry's page shows those about it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cityloom.lake import catalogue
from cityloom.lake.domain.dataset import Column, Dataset
from cityloom.lake.domain.things import thing_of
from cityloom.web.lake import held
from tests.registers.test_record_pages import client, quick_passwords  # noqa: F401

pytestmark = pytest.mark.django_db
VISITS = Dataset(
    "visits", "Visits <b>",
    (Column("state", "text", source="rounds"), Column("took", "number", unit="min"),
     Column("who", "bytes", sensitivity="sealed", is_personal=True)),
    register="components", keep_days=30,
)  # fmt: skip


@pytest.fixture
def lake(tmp_path: Path, settings: Any) -> Path:
    settings.CITYLOOM = settings.CITYLOOM | {"LAKE_DIR": tmp_path / "lake"}
    return tmp_path / "lake"


def test_an_empty_lake_says_what_to_do(lake: Path) -> None:
    assert "cityloom lake declare" in client("steward").get("/lake/").content.decode()


def test_datasets_are_shown_with_what_they_hold_and_no_fact(lake: Path) -> None:
    catalogue.declare(lake, VISITS)
    at = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp()) * 1_000_000
    catalogue.table(lake, "visits").append({"thing": [1, 2], "at": [at, at], "state": ["broken-lamp", "fine"]})
    (one,) = held(lake)
    assert (one.condition.rows, one.condition.files, one.sources) == (2, 1, "rounds")
    page = client("operator").get("/lake/").content.decode()
    assert "Visits &lt;b&gt;" in page and "30" in page and "min" in page
    assert "broken-lamp" not in page


def test_others_are_told_whom_to_ask(lake: Path) -> None:
    answer = client("commander").get("/lake/")
    assert answer.status_code == 403 and "ask one of them" in answer.content.decode()


def test_facts_about_an_entry_leave_out_what_is_about_people(lake: Path) -> None:
    from cityloom.registers import queries

    catalogue.declare(lake, VISITS)
    at = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp()) * 1_000_000
    thing = thing_of("components", "L1")
    catalogue.table(lake, "visits").append({"thing": [thing], "at": [at], "took": [3.5], "who": [b"sealed"]})
    (found,) = queries.facts_about("components", "L1")
    assert [name for name, _unit in found.heads] == ["at", "state", "took"]
    assert dict(found.heads)["took"] == "min"
    assert queries.facts_about("components", "L2") == queries.facts_about("buildings", "L1") == []
