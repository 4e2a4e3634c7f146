from datetime import datetime
from typing import Any

from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "cityloom.cases"
    label = "cases"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cityloom.cases.working import entering

        entering.listen(_run_processes)


def _run_processes(row: Any, casetype: Any, before: str, at: datetime) -> None:
    """The engine takes a while to import, and most types run no process."""
    if any(state.process for state in casetype.states.values()):
        from cityloom.cases.processes import states

        states.entered(row, casetype, before, at)
