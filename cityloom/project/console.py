"""The `cityloom` command: joins the command line to the settings and the processes."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import click

from cityloom.cli import main as commands
from cityloom.kernel import disk
from cityloom.kernel.refused import Refused
from cityloom.project.home import Home

_EXIT_FULL = 6


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
        """Build in a folder of its own; the current city stays as it is until the block ends well.

        Nothing is kept in it before `make_schema`, so that what cannot be read is refused before that takes its time.
        """
        with _enough_disk():
            folder = self.home.begin_city()
            os.environ["CITYLOOM_CITY_DIR"] = str(folder)
            try:
                _start_django()
                self._clear_away(self.home.leftovers())
                yield folder
                _close_database()
                self.home.adopt_city(folder)
            except BaseException:
                if not self.home.uses(folder):
                    self._clear_away([folder])
                raise
            self._clear_away(self.home.leftovers())

    def make_schema(self) -> None:
        """Make the tables of the city that is being built."""
        _make_schema()

    def _clear_away(self, folders: list[Path]) -> None:
        """Remove cities, the folder last: while it is there, what else is left of it will be found."""
        for folder in folders:
            if _drop_schema(folder.name):
                shutil.rmtree(folder, ignore_errors=True)

    def real_incidents(self) -> int:
        """How many incidents of the current city are no exercises; 0 where there is no city."""
        if not self.home.city_id:
            return 0
        counting = "from cityloom.project.console import count_real_incidents; count_real_incidents()"
        outcome = subprocess.run(  # in a process of its own, since this one is about to work on another city
            [sys.executable, "-c", counting], capture_output=True, text=True, check=False
        )
        if outcome.returncode == _EXIT_FULL:
            raise _disk_full()
        if outcome.returncode:
            raise Refused("city.unreadable", "The current city cannot be read, so nobody knows whether it holds real "
                          "incidents; add --replace to give it up.")  # fmt: skip
        return int(outcome.stdout)

    def is_serving(self) -> bool:
        """Whether the city's processes run in this home."""
        from cityloom.project import supervisor

        return bool(supervisor.status(self.home).get("running"))

    def serve(self, *, host: str, port: int | None) -> None:
        """Run the city's processes until they are told to stop; what an earlier version made is brought up to date."""
        from cityloom.project import supervisor

        _start_django()
        if not self.is_serving():
            from cityloom.project import upgrading

            upgrading.bring_up_to_date(click.echo)
        supervisor.serve(self.home, host=host, port=port)

    def road_of_exercise(self, exercise_id: str, broker: str) -> AbstractContextManager[Any]:
        """The road of an exercise through a broker, with the process that takes its readings in."""
        from cityloom.project import exercising

        return exercising.road_of(self.home, exercise_id, broker)

    def status(self) -> dict[str, object]:
        """What runs, with its health."""
        from cityloom.project import supervisor

        return supervisor.status(self.home)

    def stop(self) -> bool:
        """Stop the city's processes; False if none ran."""
        from cityloom.project import supervisor

        return supervisor.stop(self.home)


def count_real_incidents() -> None:
    """Print how many incidents of the city in use are no exercises."""
    _start_django()
    from cityloom.emergency import queries

    try:
        sys.stdout.write(f"{len(queries.incidents_of(''))}\n")
    except Exception as error:
        sys.exit(_EXIT_FULL if disk.is_full(error) else 1)


@contextmanager
def _enough_disk() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if isinstance(error, Refused) or not disk.is_full(error):
            raise
        raise _disk_full() from error


def _disk_full() -> Refused:
    return Refused(
        "city.disk_full",
        "The disk is full, so the city was not built and nothing was changed; free some space and try again.",
    )


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


def _drop_schema(city_id: str) -> bool:
    """Whether nothing of a city is in the database any more."""
    from django.db import DatabaseError, connection

    if connection.vendor == "postgresql":
        connection.close()
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"DROP SCHEMA IF EXISTS {_schema(city_id)} CASCADE")
        except DatabaseError:
            return False
    return True


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
    logging.raiseExceptions = False  # a log that cannot be written must not bury what the command says
    sys.exit(commands.run(Console()))
