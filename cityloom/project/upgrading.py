"""Bring the tables of a city that an earlier version made up to date, before its processes start."""

from __future__ import annotations

from collections.abc import Callable

from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from cityloom.kernel.refused import Refused


def bring_up_to_date(say: Callable[[str], object]) -> None:
    """Make the changes to tables that are missing, each whole or not at all; `say` is told where there are any.

    Raises: Refused `city.newer`, where a later version has worked with the city.
    """
    executor = MigrationExecutor(connection)
    if unknown := _unknown(executor):
        raise Refused("city.newer", "A later version of Cityloom has worked with this city ({value}); serve it with"
                      " that version.", value=".".join(unknown[0]))  # fmt: skip
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if missing:
        say(f"The city's tables are brought up to date: {missing} changes.")
        call_command("migrate", verbosity=0, interactive=False)


def _unknown(executor: MigrationExecutor) -> list[tuple[str, str]]:
    """Changes to our own tables that were made and that this version does not know."""
    loader, ours = executor.loader, {config.label for config in apps.get_app_configs()}
    known = {key for one in loader.replacements.values() for key in one.replaces} | set(loader.graph.nodes)
    return sorted(key for key in loader.applied_migrations if key[0] in ours and key not in known)
