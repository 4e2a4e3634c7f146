"""A lake of its own for each test that sends observations in bulk, and what sends them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cityloom.signals.readings import owning
from cityloom.signals.sensorthings import uploading
from tests.signals.sensing import Api


@pytest.fixture
def lake(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Short uploads go to columns, too."""
    settings.CITYLOOM = settings.CITYLOOM | {"LAKE_DIR": tmp_path}
    monkeypatch.setattr(uploading, "FEWEST", 1)
    yield tmp_path
    owning.let_go()


def array(stream: int, *rows: list[Any], names: tuple[str, ...] = ("phenomenonTime", "result")) -> dict[str, Any]:
    """Rows of one datastream as they are sent."""
    return {"Datastream": {"@iot.id": stream}, "components": list(names), "dataArray": list(rows)}


def send(api: Api, *groups: dict[str, Any]) -> list[str]:
    """Send arrays; the links that come back, without the address of the service."""
    return [one.partition("/sta/v1.1/")[2] or one for one in api.post("CreateObservations", list(groups))]
