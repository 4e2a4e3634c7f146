"""The example that authors of processes read is a process, and does what is said of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cityloom.cases import actions
from cityloom.cases.models import ProcessRun, ProcessWork
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.cases.conftest import NOW

PAGE = Path(__file__).parents[2] / "docs/reference/case-processes.md"
HANDLER = Actor("somebody", "city/social", frozenset({"handler"}))


@pytest.mark.django_db
def test_the_example_of_the_documentation_runs() -> None:
    (example,) = re.findall(r"```xml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert actions.upload_process(data=example.encode(), by=SYSTEM, at=NOW) == ("site-visit", 1)

    def looked(outcome: str, width: str, note: str = "") -> ProcessRun:
        run = actions.start_process(process="site-visit", by=SYSTEM, at=NOW)
        task = ProcessWork.objects.get(run_id=run).id
        actions.finish_task(task_id=task, by=HANDLER, at=NOW, outcome=outcome, note=note, facts={"width_m": width})
        return ProcessRun.objects.get(id=run)

    with pytest.raises(Refused, match="needs a few words"):
        looked("differs", "2")
    with pytest.raises(Refused, match="does not fit"):
        looked("as-drawn", "wide")
    assert looked("as-drawn", "1.8").standing == "ended"
    for waits in (looked("as-drawn", "1.2"), looked("differs", "1.8", "The wall is gone.")):
        assert waits.standing == "running"
        assert actions.deliver_message(message="plan-came", runs=[waits.id], by=SYSTEM, at=NOW) == 1
        assert ProcessRun.objects.get(id=waits.id).standing == "ended"
