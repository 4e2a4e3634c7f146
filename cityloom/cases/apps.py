from datetime import datetime
from typing import Any

from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "cityloom.cases"
    label = "cases"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Say what happens besides with new cases and states: what changes them stands below what follows from it."""
        from cityloom.cases.matters import joining
        from cityloom.cases.working import entering, opening

        entering.listen(_run_processes)
        opening.keep_beside(joining.note_new)


def _run_processes(row: Any, casetype: Any, before: str, at: datetime) -> None:
    """The engine takes a while to import, and most types run no process."""
    if any(state.process for state in casetype.states.values()):
        from cityloom.cases.processes import states

        states.entered(row, casetype, before, at)
