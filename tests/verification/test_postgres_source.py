"""A table of a department's PostgreSQL as a source: read whole, in one snapshot, and never written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.registers import actions, queries
from cityloom.registers.domain import profile
from cityloom.registers.loading import run
from tests.registers.test_department_files import at, code, refused  # noqa: F401
from tests.verification.test_postgresql import database  # noqa: F401

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]
PASSWORD = "not-to-be-seen-5b1d"
MAPPING = """\
cityloom: 1
source: market
register: organisations
as_of: 2026-11-01
source_table: {source}
columns:
  uscc: {{field: code}}
  named: {{field: name}}
  since: {{field: registered_on}}
  capital: {{field: capital_fen, unit: CNY}}
ignore: [tags, changed, seal]
"""


class Department:
    """A department's database, with an account that may read one table of it."""

    def __init__(self, address: str, folder: Path) -> None:
        self.link = psycopg.connect(address, autocommit=True)
        self.account = f"reader_{ids.new_ulid().lower()}"
        self.link.execute(
            "CREATE TABLE companies (uscc text, named text, since date, capital numeric, tags text[],"
            " changed timestamptz, seal bytea)"
        )
        self.link.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(self.account), PASSWORD))
        self.link.execute(sql.SQL("GRANT SELECT ON companies TO {}").format(sql.Identifier(self.account)))
        self.folder = folder
        server = urlsplit(address)
        self.address = urlunsplit(server._replace(netloc=f"{self.account}:{PASSWORD}@{server.hostname}:{server.port}"))

    def add(self, *rows: tuple[object, ...]) -> None:
        self.link.cursor().executemany(
            "INSERT INTO companies VALUES (%s, %s, %s, %s, '{a,b}', '2026-01-01 08:00+08', '\\x00ff')", rows
        )

    def load(self, source: str = "{connection: market-db, table: public.companies}", **how: object) -> actions.Outcome:
        path = self.folder / "mapping.yaml"
        path.write_text(MAPPING.format(source=source), "utf-8")
        return actions.load_file(actions.read_mapping(path), None, by=SYSTEM, at=clock.now(), **how)  # type: ignore[arg-type]


@pytest.fixture
def department(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Department]:  # noqa: F811
    made = Department(database, tmp_path)
    monkeypatch.setenv("CITYLOOM_SOURCE_MARKET_DB", made.address)
    made.add((code(1), "One", "2020-01-02", "1000.50"), (code(2), "二", None, None))
    yield made
    made.link.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(made.account)))
    made.link.close()


def test_a_table_comes_in_like_a_file_and_the_same_again_changes_nothing(department: Department) -> None:
    first = department.load()
    (fact,) = queries.facts_of("organisations", code(1))
    assert fact.values["capital_fen"] == 100_050
    assert str(fact.values["registered_on"]) == "2020-01-02"
    assert fact.origin.file == "public.companies at market-db"
    assert queries.facts_of("organisations", code(2))[0].values == {"name": "二"}
    assert not department.load().is_new
    department.add((code(3), "Three", None, None))
    second = department.load()
    assert queries.load_facts(second.load).counts["new"] == 1
    assert second.load > first.load


def test_the_order_in_which_a_database_gives_its_rows_makes_no_difference(department: Department) -> None:
    department.load()
    department.link.execute("UPDATE companies SET named = named WHERE named = 'One'")
    rows = department.link.execute("SELECT named FROM companies").fetchall()
    assert rows[0] != ("One",), "it stands last now"
    assert not department.load().is_new


def test_a_query_is_a_source_too(department: Department) -> None:
    department.load('{connection: market-db, query: "SELECT * FROM companies WHERE since IS NULL -- those"}')
    assert queries.facts_of("organisations", code(1)) == []
    assert len(queries.facts_of("organisations", code(2))) == 1


def test_what_changes_in_the_table_meanwhile_is_not_seen(
    department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    survey = run.survey

    def changed(*given: object) -> object:
        department.link.execute("UPDATE companies SET named = 'Changed'")
        department.add((code(4), "Four", None, None))
        return survey(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(run, "survey", changed)
    department.load()
    assert queries.facts_of("organisations", code(1))[0].values["name"] == "One"
    assert queries.facts_of("organisations", code(4)) == []


def test_a_source_is_never_written(department: Department) -> None:
    department.link.execute(sql.SQL("GRANT ALL ON companies TO {}").format(sql.Identifier(department.account)))
    department.link.execute(
        "CREATE FUNCTION grow() RETURNS SETOF companies AS"
        " $$ INSERT INTO companies (uscc) VALUES ('x'); SELECT * FROM companies $$ LANGUAGE sql"
    )
    told = refused(lambda: department.load('{connection: market-db, query: "SELECT * FROM grow()"}'))
    assert told.code == "registers.table_writes"
    for query in ("SELECT 1; DROP TABLE companies", "DELETE FROM companies RETURNING *"):
        refused(lambda query=query: department.load(f'{{connection: market-db, query: "{query}"}}'))
    assert department.link.execute("SELECT count(*) FROM companies").fetchone() == (2,)


@pytest.mark.parametrize(("change", "code_"), [
    ("ALTER TABLE companies RENAME named TO title", "registers.column_missing"),
    ("ALTER TABLE companies ADD COLUMN boss text", "registers.column_new"),
    ("ALTER TABLE companies DROP COLUMN capital", "registers.column_missing"),
    ("DROP TABLE companies", "registers.table_missing"), ("REVOKE ALL ON companies FROM {}", "registers.table_missing"),
])  # fmt: skip
def test_a_schema_that_changed_overnight_is_told_and_nothing_is_loaded(
    department: Department, change: str, code_: str
) -> None:
    department.link.execute(change.format(department.account))
    assert refused(department.load).code == code_
    assert queries.loads() == []


def test_a_column_that_has_another_type_now_is_seen_by_its_values(department: Department) -> None:
    department.link.execute("TRUNCATE companies")
    department.link.execute("ALTER TABLE companies ALTER since TYPE text")
    department.add(*((code(number), "Name", f"{number}/13/20", None) for number in range(1, 30)))
    assert refused(department.load).code == "registers.column_changed"


def test_no_error_shows_the_address_or_a_value(department: Department, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = [f"postgresql://u:{PASSWORD}@127.0.0.1:1/x", f"nonsense {PASSWORD}", f"postgresql://u:{PASSWORD}@[::bad/x",
               department.address.replace(department.account, "nobody")]  # fmt: skip
    for address, table in ((department.address, "nowhere"), *((each, "companies") for each in nowhere)):
        monkeypatch.setenv("CITYLOOM_SOURCE_MARKET_DB", address)
        with pytest.raises(Refused) as caught:
            department.load(f"{{connection: market-db, table: {table}}}")
        shown = repr(caught.value) + caught.value.sentence + repr(caught.value.__cause__) + str(caught.value.as_json())
        assert PASSWORD not in shown
        assert caught.value.__suppress_context__


def test_where_a_connection_leads_is_kept_from_other_eyes(
    department: Department, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    monkeypatch.delenv("CITYLOOM_SOURCE_MARKET_DB")
    settings.CITYLOOM = settings.CITYLOOM | {"HOME": tmp_path / "home"}  # type: ignore[attr-defined]
    assert refused(department.load).code == "registers.no_connection"
    kept = tmp_path / "home" / "secrets" / "source-market-db"
    kept.parent.mkdir(parents=True)
    kept.write_text(department.address + "\n", "utf-8")
    kept.chmod(0o644)
    assert refused(department.load).code == "registers.connection_open"
    kept.chmod(0o600)
    assert department.load().is_new


def test_a_query_that_takes_too_long_is_stopped(department: Department) -> None:
    slow = "SELECT * FROM companies WHERE pg_sleep(30) IS NOT NULL"
    told = refused(lambda: department.load(f'{{connection: market-db, query: "{slow}", timeout_s: 1}}'))
    assert (told.code, told.limit) == ("registers.table_slow", 1)


def test_a_server_that_goes_away_in_the_middle_takes_everything_back(
    department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = run.Writer.write

    def gone(self: run.Writer, table: object, tell: object) -> None:
        department.link.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s",
                                [department.account])  # fmt: skip
        write(self, table, tell)  # type: ignore[arg-type]

    monkeypatch.setattr(run.Writer, "write", gone)
    assert refused(department.load).code == "registers.connection_down"
    assert queries.facts_of("organisations", code(1)) == []


def test_bad_rows_of_a_table_are_set_aside(department: Department) -> None:
    department.add(("no code", "X", None, None))
    outcome = department.load()
    assert [row for row, _findings, _texts in queries.rows_set_aside(outcome.load)] == [3]


def test_a_table_is_looked_at_and_its_mapping_proposed_without_sorting_all_of_it(
    department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    department.add(*((code(number), f"Firm {number}", "2021-03-04", "7") for number in range(3, 60)))
    asked = {"connection": "market-db", "query": "SELECT uscc, named AS name, since FROM companies"}
    proposal, how = actions.profile_table(**asked)
    assert (proposal.register.name, proposal.rows) == ("organisations", 59)
    text = actions.mapping_text(proposal, "market", "", how)
    assert PASSWORD not in text
    path = department.folder / "proposed.yaml"
    path.write_text(text, "utf-8")
    says = actions.read_mapping(path)
    assert (says.connected.connection, says.connected.query) == tuple(asked.values())
    assert actions.check_file(says, None, at=clock.now()).survey.rows == 59
    monkeypatch.setattr(profile, "SAMPLE", 10)
    assert actions.profile_table(connection="market-db", table="public.companies")[0].rows == 10
    of_table = replace(how, query="", table="public.companies")
    assert "  table: public.companies" in actions.mapping_text(proposal, "market", "", of_table)


@pytest.mark.parametrize("named", [
    {"connection": "../market-db", "table": "companies"}, {"connection": "market-db"},
    {"connection": "market-db", "query": "DELETE FROM companies; SELECT 1"},
    {"connection": "market-db", "table": "companies", "query": "SELECT 1"},
])  # fmt: skip
def test_what_names_no_table_is_refused(named: dict[str, str]) -> None:
    with pytest.raises(Refused) as refusal:
        actions.profile_table(**named)
    assert refusal.value.code == "registers.table_unnamed"
