"""Kill loads of files at random instants, and load them again: `python -m bench.load_kills [--kills N] [--rows N]`.

Parquet and CSV, into the embedded database and, where a server answers at --postgres, into a database of its own there
(300 kills of each by default). After each kill the register must show what it did before, after the same load again
what the file says, and after a third time the same; at the end two files of one source are loaded at once.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg

from cityloom.kernel import ids

POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"


@contextmanager
def database_at(server: str) -> Iterator[str]:
    """The address of an empty database."""
    name = f"cityloom_{ids.new_ulid().lower()}"
    with psycopg.connect(server, autocommit=True, connect_timeout=3) as link:
        link.execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as link:
            link.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def killed(form: str, chosen: argparse.Namespace, database: str = "") -> int:
    """The status of the run that kills so many loads of files of a form."""
    print(f"{form} into {'PostgreSQL' if database else 'the embedded database'}:", flush=True)
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as home:
        command = [sys.executable, "-m", "tests.flow.load_kills", home, str(chosen.kills), str(chosen.seed), form,
                   str(chosen.rows)]  # fmt: skip
        return subprocess.run(command, env=os.environ | {"CITYLOOM_DATABASE_URL": database}).returncode


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=300)
    arguments.add_argument("--rows", type=int, default=2_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--postgres", default=os.environ.get("CITYLOOM_TEST_POSTGRES", POSTGRES))
    chosen = arguments.parse_args()
    failed = sum(killed(form, chosen) for form in ("parquet", "csv"))
    try:
        for form in ("parquet", "csv"):
            with database_at(chosen.postgres) as database:
                failed += killed(form, chosen, database)
    except psycopg.OperationalError:
        print("No PostgreSQL server answers there, so only the embedded database was tried.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
