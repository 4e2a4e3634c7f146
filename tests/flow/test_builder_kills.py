"""A builder or importer killed at any instant: the city stays as it was, and the next one finds nothing in its way."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable
from pathlib import Path

from tests.flow.builder import killed_after, left_running
from tests.flow.installation import Installation
from tests.flow.test_cities import folder_of

KILLS = 2
BUILD = ("city", "build", "--people", "3000", "--seed", "2")


def database_of(city: Installation) -> str:
    return hashlib.sha256((city.home / "current" / "city.db").read_bytes()).hexdigest()


def state_of(city: Installation) -> tuple[str, object, str]:
    """Which city is in use, what it says of itself, and its database."""
    return str((city.home / "current").resolve()), city.json("city", "show", "--json"), database_of(city)


def test_a_killed_builder_leaves_the_city_and_no_process(
    new_home: Callable[[], Installation], tmp_path: Path
) -> None:
    city, town = new_home(), folder_of(tmp_path / "town")
    started = time.monotonic()
    assert city.run("city", "build", "--people", "3000", "--seed", "1").returncode == 0
    whole_s = time.monotonic() - started
    before, chance, at_work = state_of(city), random.Random(20260603), 0
    for number in range(KILLS):
        command = BUILD if number % 2 else ("city", "import", str(town))
        killed_after(city, chance.uniform(0.2, 0.7) * whole_s, *command)
        assert left_running(city.home) == [], "the keeper and its sealers end with the builder"
        now = state_of(city)
        at_work += now[0] == before[0]
        assert now == before or now[0] != before[0], "the old city as it was, or the new one whole"
        before = now
    assert at_work, "a kill must hit a builder at work"
    assert city.run(*BUILD).returncode == 0
    assert [folder.resolve() for folder in (city.home / "cities").iterdir()] == [(city.home / "current").resolve()]
    assert not list(city.home.glob("current.*"))
    assert city.json("city", "show", "--json")["counts"]["people"] == 3000


def test_what_was_replaced_goes_even_if_its_builder_died_right_after_the_step(
    new_city: Callable[[], Installation]
) -> None:
    city = new_city()
    replaced, half_linked = city.home / "cities" / "01REPLACED", city.home / "current.999999999"
    replaced.mkdir()
    half_linked.symlink_to("cities/01REPLACED")
    (city.home / "current" / "building.pid").write_text("999999999")
    before = city.json("city", "show", "--json")
    assert city.run("city", "import", "/nowhere").returncode == 1
    assert not replaced.exists() and not half_linked.is_symlink()
    assert city.json("city", "show", "--json") == before, "a mark that was left on the city in use means nothing"
