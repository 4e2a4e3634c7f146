"""What tests of several capabilities share: a small city, built once, as a user builds it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import done_once
from tests.examples import a_third_of
from tests.flow.installation import PEOPLE, SEED, Installation
from tests.flow.served import Served, served

settings.register_profile("few", max_examples=10, deadline=None)
settings.register_profile("default", max_examples=a_third_of(60), deadline=None)
settings.register_profile("many", max_examples=400, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


LONG = (("tests/verification/", "tests/lake/test_spark.py"), ("tests/flow/", "tests/web/test_serving.py",
        "tests/drills/test_abuse"))  # fmt: skip
"""What takes long, by beginnings of names; what shares a database or a city stays together."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tests for several processes, of which each gets one part and then steals from another's end.

    What looks at the served city comes first in the first part: one process gets all of it, and no second city is built
    and served. What takes long comes first in the other parts, so that the last tests are short and all end together.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "2"))
    heads: list[list[pytest.Item]] = [[] for _ in range(workers)]
    short = []
    for item in items:
        kinds = [kind for kind, names in enumerate(LONG) if item.nodeid.startswith(names)]
        if "served_city" in getattr(item, "fixturenames", ()):
            heads[0].append(item)
        elif kinds and workers > 1:
            heads[1 + kinds[0] % (workers - 1)].append(item)
        else:
            short.append(item)
    ordered: list[pytest.Item] = []
    for turn, head in enumerate(heads):
        room = max((len(items) - len(ordered)) // (workers - turn) - len(head), 0)
        ordered += head + short[:room]
        del short[:room]
    items[:] = ordered + short


def pytest_collection_finish() -> None:
    done_once.forget_what_was_collected()


@pytest.fixture(scope="session", autouse=True)
def _done_once(django_test_environment: None) -> None:
    done_once.read_static_files_once()
    done_once.keep_no_contexts()
    done_once.hash_passwords_quickly()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Forget how often the tests before this one signed in: a fast machine would reach the limit of a minute."""
    from django.core.cache import cache

    cache.clear()


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Installation]:
    return lambda: Installation(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A city that nobody changes: whoever comes first of the processes that test builds it, all copy it."""
    own = tmp_path_factory.getbasetemp()
    shared = Installation((own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "built-once")
    with Path(f"{shared.home}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.home.exists():
            making = Installation(shared.home.with_suffix(".making"))
            shutil.rmtree(making.home, ignore_errors=True)
            outcome = making.run("city", "build", "--people", str(PEOPLE), "--seed", str(SEED))
            assert outcome.returncode == 0, outcome.stdout + outcome.stderr
            making.home.rename(shared.home)
    return shared


@pytest.fixture(scope="session")
def new_city(new_home: Callable[[], Installation], built_once: Installation) -> Callable[[], Installation]:
    """Another city of `PEOPLE` made-up people, for whoever changes it."""

    def copied() -> Installation:
        city = new_home()
        shutil.copytree(built_once.home, city.home, symlinks=True, dirs_exist_ok=True)
        return city

    return copied


@pytest.fixture(scope="session")
def city(new_city: Callable[[], Installation]) -> Installation:
    return new_city()


@pytest.fixture(scope="session")
def served_city(new_city: Callable[[], Installation]) -> Iterator[Served]:
    """A city of its own that is served after a drill."""
    city = new_city()
    for command in (
        ("drill", "run", "sinkhole"), ("zones", "plan", "First", "--zones", "8", "--processes", "1"),
        ("cases", "open", "request", "--category", "street-light", "--answer", "danger", "no"),
    ):  # fmt: skip
        outcome = city.run(*command)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    with served(city) as running:
        yield running
