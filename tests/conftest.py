"""What tests of several capabilities share: a small city, built once, as a user builds it."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import settings

from tests.flow.installation import PEOPLE, SEED, Installation

settings.register_profile("few", max_examples=10, deadline=None)
settings.register_profile("default", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Installation]:
    return lambda: Installation(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def city(new_home: Callable[[], Installation]) -> Installation:
    installation = new_home()
    outcome = installation.run("city", "build", "--people", str(PEOPLE), "--seed", str(SEED))
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return installation
