"""The `cityloom` command: joins the command line to the settings and the processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cityloom.cli import main as commands
from cityloom.kernel.refused import Refused
from cityloom.project.home import Home


class Console:
    """What the commands need of the installation they run in."""

    def __init__(self) -> None:
        self.home = Home.from_environment()

    def start(self) -> None:
        """Load the settings, for commands that need no city."""
        _start_django()

    def open_city(self) -> None:
        """Load the city in use.

        Raises: Refused `city.none`.
        """
        if not self.home.city_id:
            raise Refused("city.none", "There is no city here yet; run `make demo` or `cityloom city build` first.")
        _start_django()

    @contextmanager
    def new_city(self) -> Iterator[Path]:
        """Build in a folder of its own; the current city stays as it is until the block ends well."""
        folder = self.home.begin_city()
        os.environ["CITYLOOM_CITY_DIR"] = str(folder)
        try:
            _start_django()
            _make_schema()
            yield folder
        except BaseException:
            _drop_schema()
            shutil.rmtree(folder, ignore_errors=True)
            raise
        _close_database()
        old = self.home.adopt_city(folder)
        if old is not None:
            _drop_schema(old.name)
            shutil.rmtree(old, ignore_errors=True)

    def real_incidents(self) -> int:
        """How many incidents of the current city are no exercises; 0 where there is no city."""
        if not self.home.city_id:
            return 0
        counting = "from cityloom.emergency import queries; print(len(queries.incidents_of('')))"
        outcome = subprocess.run(  # in a process of its own, since this one is about to work on another city
            [sys.executable, "-c", f"import django; django.setup(); {counting}"],
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "cityloom.project.settings"}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if outcome.returncode:
            raise Refused("city.unreadable", "The current city cannot be read, so nobody knows whether it holds real "
                          "incidents; add --replace to give it up.")  # fmt: skip
        return int(outcome.stdout)

    def is_serving(self) -> bool:
        """Whether the city's processes run in this home."""
        from cityloom.project import supervisor

        return bool(supervisor.status(self.home).get("running"))

    def serve(self, *, host: str, port: int | None) -> None:
        """Run the city's processes until they are told to stop."""
        from cityloom.project import supervisor

        _start_django()
        supervisor.serve(self.home, host=host, port=port)

    def status(self) -> dict[str, object]:
        """What runs, with its health."""
        from cityloom.project import supervisor

        return supervisor.status(self.home)

    def stop(self) -> bool:
        """Stop the city's processes; False if none ran."""
        from cityloom.project import supervisor

        return supervisor.stop(self.home)


def _start_django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloom.project.settings")
    import django

    django.setup()


def _make_schema() -> None:
    from django.core.management import call_command
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA {_schema()}")
    call_command("migrate", verbosity=0, interactive=False)


def _drop_schema(city_id: str = "") -> None:
    from django.db import DatabaseError, connection

    if connection.vendor == "postgresql":
        connection.close()
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA IF EXISTS {_schema(city_id)} CASCADE")


def _schema(city_id: str = "") -> str:
    from django.conf import settings
    from django.db import connection

    return connection.ops.quote_name(f"city_{(city_id or settings.CITYLOOM['CITY_ID']).lower()}")


def _close_database() -> None:
    from django.db import connection

    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def main() -> None:
    """Run one command."""
    sys.exit(commands.run(Console()))
