"""Processes are reviewed and studies worked by a process of its own, which ends when one is cancelled or takes long."""

from __future__ import annotations

import os
import threading
import time

from django.db import connection

from cityloom.insight import actions, queries
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.project.errand import Errand

_LOOK_S = 1.0


def errand() -> Errand:
    """Work what waits; no two looks are the same, since more may have been asked for between them."""
    return Errand("reviewer", lambda at: at if _is_any_open() else None, look_s=_LOOK_S)


def review() -> None:
    """Work what waits, watched: what was cut short is settled by the next process."""
    os.nice(10)  # whoever asked looks at the progress, and people may wait for what shares its processor
    threading.Thread(target=_watch, name="watch", daemon=True).start()
    while _is_any_open():
        actions.do_reviews(by=SYSTEM)
        actions.do_studies(by=SYSTEM)


def _is_any_open() -> bool:
    return queries.is_any_review_open() or queries.is_any_study_open()


def _watch() -> None:
    while True:
        time.sleep(_LOOK_S)
        if queries.is_work_to_stop(clock.now()):
            os._exit(1)  # a computation cannot be asked to stop; nothing of it is written but its parts
        connection.close()
