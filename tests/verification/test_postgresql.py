"""The same models and the same tests on PostgreSQL."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from cityloom.kernel import ids
from tests.flow.builder import killed_after, left_running
from tests.flow.installation import ROOT, Installation
from tests.required import missing

SERVER = os.environ.get("CITYLOOM_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
DRILL_KILLS = int(os.environ.get("CITYLOOM_KILLS", "5"))
BUILDER_KILLS = 2
FOLDERS = ("registers", "accounts bus gate", "signals detection fieldwork", "alerts emergency")
pytestmark = pytest.mark.postgres


@pytest.fixture
def database() -> Iterator[str]:
    """The address of an empty database of this test's own."""
    try:
        link = psycopg.connect(SERVER, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        missing("postgres", f"no server answers at {urlsplit(SERVER).hostname}:{urlsplit(SERVER).port}")
    name = f"cityloom_{ids.new_ulid().lower()}"
    with link:
        link.execute(f'CREATE DATABASE "{name}"')
    yield urlunsplit(urlsplit(SERVER)._replace(path=f"/{name}"))
    with psycopg.connect(SERVER, autocommit=True) as link:
        link.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.mark.parametrize("folders", FOLDERS)
def test_what_touches_the_database_holds_on_postgresql(database: str, folders: str) -> None:
    command = [sys.executable, "-m", "pytest", "-m", "django_db", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command += [f"tests/{folder}" for folder in folders.split()]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"CITYLOOM_DATABASE_URL": database, "HYPOTHESIS_PROFILE": "few"}
    outcome = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout[-4000:]
    assert " passed" in outcome.stdout


def test_a_city_is_built_and_drilled_on_postgresql(database: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    city = Installation(tmp_path_factory.mktemp("home"), {"CITYLOOM_DATABASE_URL": database})
    assert city.run("city", "build", "--people", "5000", "--seed", "7").returncode == 0
    assert city.json("drill", "run", "sinkhole", "--json")["outcome"] == "safe"
    before = city.json("city", "show", "--json")
    assert city.run("city", "import", "/nowhere").returncode == 1
    assert city.json("city", "show", "--json") == before
    assert city.run("city", "build", "--people", "3000").returncode == 0, "a second city takes the first one's place"
    with psycopg.connect(database) as link:
        rows = link.execute("SELECT COUNT(*) FROM pg_namespace WHERE nspname LIKE 'city_%'").fetchone()
    assert rows == (1,)
    assert not (city.home / "current" / "city.db").exists()


def test_a_killed_drill_goes_on_on_postgresql(database: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    city = Installation(tmp_path_factory.mktemp("home"), {"CITYLOOM_DATABASE_URL": database})
    assert city.run("city", "build", "--people", "5000", "--seed", "7").returncode == 0
    command = [sys.executable, "-m", "tests.flow.kills", str(city.home), str(DRILL_KILLS), "20260603"]
    outcome = subprocess.run(command, cwd=ROOT, env=os.environ | city.environment, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout[-3000:] + outcome.stderr[-3000:]
    assert json.loads(outcome.stdout.splitlines()[-1])["killed_in_time"] >= DRILL_KILLS / 2


def test_a_killed_builder_leaves_the_old_schema_in_use(
    database: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    city = Installation(tmp_path_factory.mktemp("home"), {"CITYLOOM_DATABASE_URL": database})
    started = time.monotonic()
    assert city.run("city", "build", "--people", "3000", "--seed", "1").returncode == 0
    whole_s = time.monotonic() - started
    shown, rows = city.json("city", "show", "--json"), rows_in_use(database, city)
    chance, at_work = random.Random(5), 0
    for _ in range(BUILDER_KILLS):
        build = ("city", "build", "--people", "3000", "--seed", "2")
        schema = schema_of(city)
        killed_after(city, chance.uniform(0.2, 0.6) * whole_s, *build)
        assert left_running(city.home) == []
        now = city.json("city", "show", "--json"), rows_in_use(database, city)
        at_work += schema_of(city) == schema
        assert now == (shown, rows) or schema_of(city) != schema, "the old city as it was, or the new one whole"
        shown, rows = now
    assert at_work, "a kill must hit a builder at work"
    assert city.run("city", "build", "--people", "3000", "--seed", "2").returncode == 0
    assert schemas_in(database) == [schema_of(city)], "nothing of the dead builders is left"
    assert city.json("drill", "run", "sinkhole", "--json")["outcome"] == "safe"


def schema_of(city: Installation) -> str:
    return f"city_{(city.home / 'current').resolve().name.lower()}"


def schemas_in(database: str) -> list[str]:
    with psycopg.connect(database) as link:
        found = link.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'city_%' ORDER BY 1").fetchall()
    return [name for (name,) in found]


def rows_in_use(database: str, city: Installation) -> list[tuple[object, ...]]:
    """How many rows there are of what a builder writes, and their sum, in the schema of the city in use."""
    tables = ("registers_building", "registers_resident", "gate_envelope", "signals_sensor", "accounts_account")
    counting = "SELECT COUNT(*), SUM(hashtext(t::text)::bigint) FROM {schema}.{table} t"
    with psycopg.connect(database) as link:
        return [
            link.execute(sql.SQL(counting).format(schema=sql.Identifier(schema_of(city)), table=sql.Identifier(table)))
            .fetchone()
            for table in tables
        ]  # fmt: skip


def test_both_databases_decide_the_same(
    database: str, city: Installation, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from tests.flow.installation import PEOPLE, SEED

    other = Installation(tmp_path_factory.mktemp("home"), {"CITYLOOM_DATABASE_URL": database})
    assert other.run("city", "build", "--people", str(PEOPLE), "--seed", str(SEED)).returncode == 0
    embedded, served = (home.run("drill", "run", "sinkhole", "--decisions").stdout for home in (city, other))
    assert embedded
    assert embedded == served
