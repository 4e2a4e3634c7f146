"""The same models and the same tests on PostgreSQL."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from cityloom.kernel import ids
from tests.flow.builder import killed_after, left_running
from tests.flow.installation import PEOPLE, ROOT, SEED, Installation
from tests.flow.test_load_kills import killed_often
from tests.required import missing
from tests.verification import statements

SERVER = os.environ.get("CITYLOOM_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
DRILL_KILLS = int(os.environ.get("CITYLOOM_KILLS", "2"))
BUILDER_KILLS = 2
LOAD_KILLS = 2
PARTS = ("registers/test_[a-l]", "registers/test_[m-z]", "accounts bus gate", "signals detection fieldwork",
         "alerts emergency cases")  # fmt: skip
"""What is run again, by beginnings of names below tests; a part is one process, so none should be much longer."""
NO_WAITING = "?options=-c%20synchronous_commit%3Doff"
"""No commit waits for the disk: what these tests kill is a client, never the server or its machine."""
pytestmark = pytest.mark.postgres


def connected() -> psycopg.Connection:
    """A link to the server; skips where none answers."""
    try:
        return psycopg.connect(SERVER, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        missing("postgres", f"no server answers at {urlsplit(SERVER).hostname}:{urlsplit(SERVER).port}")


@contextmanager
def a_database(template: str = "template1", prefix: str = "") -> Iterator[str]:
    """The address of a database of one's own: an empty one, or a copy of another whose address is given."""
    name = f"{prefix}cityloom_{ids.new_ulid().lower()}"
    with connected() as link:
        like = sql.Identifier(urlsplit(template).path.rpartition("/")[2])
        link.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), like))
        link.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name)))
    yield urlunsplit(urlsplit(SERVER)._replace(path=f"/{name}"))
    with connected() as link:
        link.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database() -> Iterator[str]:
    """The address of an empty database of this test's own."""
    with a_database() as address:
        yield address


@pytest.fixture(scope="module")
def built_on_postgresql(new_home: Callable[[], Installation]) -> Iterator[Installation]:
    """A city on PostgreSQL that nobody changes."""
    with a_database() as address:
        city = Installation(new_home().home, {"CITYLOOM_DATABASE_URL": address})
        built = city.run("city", "build", "--people", str(PEOPLE), "--seed", str(SEED))
        assert built.returncode == 0, built.stdout + built.stderr
        yield city


@pytest.fixture
def own_city(built_on_postgresql: Installation, new_home: Callable[[], Installation]) -> Iterator[Installation]:
    """A copy of that city for a test that changes it."""
    with a_database(built_on_postgresql.environment["CITYLOOM_DATABASE_URL"]) as address:
        city = Installation(new_home().home, {"CITYLOOM_DATABASE_URL": address})
        shutil.copytree(built_on_postgresql.home, city.home, symlinks=True, dirs_exist_ok=True)
        yield city


def database_of(city: Installation) -> str:
    return city.environment["CITYLOOM_DATABASE_URL"]


@pytest.fixture(scope="module")
def migrated(new_home: Callable[[], Installation]) -> Iterator[str]:
    """A database with the tables that migrations make, and nothing else in them; to be copied."""
    with a_database() as address:
        command = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
        city = Installation(new_home().home, {"CITYLOOM_DATABASE_URL": address})  # no city is there, nor its schema
        settings = {"DJANGO_SETTINGS_MODULE": "cityloom.project.settings"}
        subprocess.run(command, cwd=ROOT, env=city.variables | settings, check=True)
        yield address


@pytest.fixture
def for_tests(migrated: str) -> Iterator[str]:
    """The address by which Django's tests find a database that has its tables already."""
    with a_database(migrated, "test_") as address:
        yield address.replace("/test_", "/")


@pytest.mark.parametrize("part", PARTS)
def test_what_touches_the_database_holds_on_postgresql(for_tests: str, part: str) -> None:
    leave_out = "import sys, pytest; from tests.verification.statements import LeavingOut; "
    leave_out += "sys.exit(pytest.main(sys.argv[1:], plugins=[LeavingOut()]))"
    command = [sys.executable, "-c", leave_out, "-m", "django_db", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command += ["--reuse-db", "--no-migrations"]  # the tables are there
    command += [str(path) for beginning in part.split() for path in sorted(ROOT.glob(f"tests/{beginning}*"))]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"CITYLOOM_DATABASE_URL": for_tests + NO_WAITING, "HYPOTHESIS_PROFILE": "few"}
    outcome = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout[-4000:]
    assert " passed" in outcome.stdout


def test_what_is_left_out_is_there_and_nothing_about_what_a_database_takes_back_is_left_out() -> None:
    listed = statements.left_out()
    gone = {name for name in listed for file, _, test in [name.partition("::")]
            if f"def {test}(" not in (ROOT / file).read_text("utf-8")}  # fmt: skip
    assert gone == set(), "run `python -m tests.verification.statements`"
    assert not [name for name in listed if "cut_short" in name or "killed" in name]


def test_a_test_is_left_out_only_where_others_send_all_that_it_sends() -> None:
    forms = {"a::one": {"x", "y"}, "a::two": {"x"}, "a::three": {"y"}, "a::four": {"x"}, "a::none": set[str](),
             "a::cut_short": {"x"}}  # fmt: skip
    seconds = dict.fromkeys(forms, 1.0) | {"a::one": 3.0}
    assert statements.superfluous(forms, seconds) == ["a::four", "a::none", "a::one", "a::two"]
    assert statements.form_of("SELECT a FROM t WHERE b IN (%s, %s) AND c = 12") == statements.form_of(
        "SELECT a FROM t WHERE b IN (%s, %s, %s) AND c = 7"
    )


def test_every_test_of_the_registers_is_in_a_part() -> None:
    files = {path for beginning in PARTS[:2] for path in ROOT.glob(f"tests/{beginning}*")}
    assert files == set(ROOT.glob("tests/registers/test_*.py"))


def test_a_city_is_built_and_drilled_on_postgresql(own_city: Installation) -> None:
    assert own_city.json("drill", "run", "sinkhole", "--json")["outcome"] == "safe"
    before = own_city.json("city", "show", "--json")
    assert own_city.run("city", "import", "/nowhere").returncode == 1
    assert own_city.json("city", "show", "--json") == before
    assert own_city.run("city", "build", "--people", "2000").returncode == 0, "a second takes its place"
    with psycopg.connect(database_of(own_city)) as link:
        rows = link.execute("SELECT COUNT(*) FROM pg_namespace WHERE nspname LIKE 'city_%'").fetchone()
    assert rows == (1,)
    assert not (own_city.home / "current" / "city.db").exists()


def test_a_killed_drill_goes_on_on_postgresql(own_city: Installation) -> None:
    command = [sys.executable, "-m", "tests.flow.kills", str(own_city.home), str(DRILL_KILLS), "20260603"]
    outcome = subprocess.run(command, cwd=ROOT, env=os.environ | own_city.environment, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout[-3000:] + outcome.stderr[-3000:]
    assert json.loads(outcome.stdout.splitlines()[-1])["killed_in_time"] >= DRILL_KILLS / 2


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_load_killed_at_any_instant_is_whole_or_not_there(database: str, tmp_path: Path, form: str) -> None:
    killed_often(tmp_path, form, LOAD_KILLS, database)


def test_a_killed_builder_leaves_the_old_schema_in_use(own_city: Installation) -> None:
    city, build, started = own_city, ("city", "build", "--people", "2000", "--seed", "2"), time.monotonic()
    assert city.run(*build).returncode == 0
    whole_s = time.monotonic() - started
    database = database_of(city)
    shown, rows = city.json("city", "show", "--json"), rows_in_use(database, city)
    chance, at_work = random.Random(5), 0
    for _ in range(BUILDER_KILLS):
        schema = schema_of(city)
        killed_after(city, chance.uniform(0.2, 0.6) * whole_s, *build)
        assert left_running(city.home) == []
        now = city.json("city", "show", "--json"), rows_in_use(database, city)
        at_work += schema_of(city) == schema
        assert now == (shown, rows) or schema_of(city) != schema, "the old city as it was, or the new one whole"
        shown, rows = now
    assert at_work, "a kill must hit a builder at work"
    assert city.run(*build).returncode == 0
    assert schemas_in(database) == [schema_of(city)], "nothing of the dead builders is left"
    assert city.json("drill", "run", "sinkhole", "--json")["outcome"] == "safe"


def test_both_databases_decide_the_same(own_city: Installation, city: Installation) -> None:
    embedded, served = (home.run("drill", "run", "sinkhole", "--decisions").stdout for home in (city, own_city))
    assert embedded
    assert embedded == served


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
