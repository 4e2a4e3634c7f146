"""A few officials, and a lake of the test's own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings

from cityloom.accounts import actions as accounts
from cityloom.kernel.actor import SYSTEM, Actor

NOW = datetime(2026, 11, 28, 8, tzinfo=UTC)


@pytest.fixture
def officials(db: None) -> dict[str, Actor]:
    """Those of a synthetic city, by user name."""
    accounts.create_units(communities=[], by=SYSTEM, at=NOW)
    return {one.username: one.actor for one in accounts.create_demo_accounts(workers=[], by=SYSTEM, at=NOW)}


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(settings.CITYLOOM, "LAKE_DIR", tmp_path / "lake")
    return tmp_path / "lake"
