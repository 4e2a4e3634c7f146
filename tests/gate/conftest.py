"""A keeper of the tests' own, for every test that seals or opens people."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings

from cityloom.gate import actions


@pytest.fixture(scope="session")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[actions.Running]:
    """A fresh keeper that the settings name until the run ends."""
    place = tmp_path_factory.mktemp("keeper")
    (place / "assertion").write_text("a key for tests")
    before = dict(settings.CITYLOOM)
    settings.CITYLOOM.update(
        KEEPER_DIR=place / "keeper", KEEPER_SOCKET=place / "socket", ASSERTION_KEY_FILE=place / "assertion"
    )
    running = actions.start_keeper(log=place / "words")
    yield running
    running.stop()
    settings.CITYLOOM.update(before)
