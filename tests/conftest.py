"""What tests of several capabilities share: a small city, built once, as a user builds it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

from tests.flow.installation import PEOPLE, SEED, Installation
from tests.flow.served import Served, served

settings.register_profile("few", max_examples=10, deadline=None)
settings.register_profile("default", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what looks at the served city first: one process gets all of it, and no second city is built and served."""
    items.sort(key=lambda item: "served_city" not in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Installation]:
    return lambda: Installation(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def city(new_home: Callable[[], Installation]) -> Installation:
    installation = new_home()
    outcome = installation.run("city", "build", "--people", str(PEOPLE), "--seed", str(SEED))
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return installation


@pytest.fixture(scope="session")
def served_city(new_home: Callable[[], Installation]) -> Iterator[Served]:
    """A city of its own that is served after a drill."""
    city = new_home()
    commands = (
        ("city", "build", "--people", str(PEOPLE), "--seed", str(SEED)), ("drill", "run", "sinkhole"),
        ("zones", "plan", "First", "--zones", "8", "--processes", "1"),
    )  # fmt: skip
    for command in commands:
        outcome = city.run(*command)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    with served(city) as running:
        yield running
