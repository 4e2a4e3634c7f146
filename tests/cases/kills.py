"""Kill whoever works on cases with SIGKILL before any statement: `python -m tests.cases.kills FOLDER KILLS SEED`.

Each round is a case of its own: it is opened, taken in, given to a clerk, goes through a process of two services and is
finished. A child does it and is killed before a statement that chance picks; the next child does all of it again, as a
person who got no answer and a worker that starts anew would. Then the case must be as one that nobody disturbed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

PLACES_APART = 0.004


def main() -> int:
    folder, kills, chance = Path(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))
    os.environ |= {"CITYLOOM_HOME": str(folder), "DJANGO_SETTINGS_MODULE": "cityloom.project.settings"}
    import django

    django.setup()
    from django.conf import settings

    Path(settings.DATABASES["default"]["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    city = _founded()
    whole = _in_child(lambda: _counted(lambda: _work(city, 0)))
    expected, wrong, killed = _picture(city, 0), [], 0
    for number in range(1, kills + 1):
        after = chance.randrange(whole)
        killed += _in_child(lambda number=number, after=after: _killed(after, lambda: _work(city, number))) is None
        if _in_child(lambda number=number: _counted(lambda: _work(city, number))) is None:
            wrong.append({"after": after, "fault": "it does not go on"})
        elif (found := _picture(city, number)) != expected:
            wrong.append({"after": after, "found": found, "expected": expected})
    print(json.dumps({"kills": kills, "killed_in_time": killed, "statements": whole, "wrong": wrong[:3]}))
    return 1 if wrong else 0


def _founded() -> dict[str, Any]:
    """A city administration and a process; sealing is made up, since no keeper is killed here."""
    from django.core.management import call_command
    from django.db import connection

    from cityloom.accounts import actions as accounts
    from cityloom.cases import actions
    from cityloom.cases.working import recording
    from cityloom.kernel.actor import SYSTEM
    from tests.cases.conftest import NOW, OpenKeeper
    from tests.cases.test_processes import CHAIN

    call_command("migrate", verbosity=0)
    recording.gate.seal_texts = OpenKeeper().seal_texts
    recording.gate.seal_matters = OpenKeeper().seal_matters
    accounts.create_units(communities=[], by=SYSTEM, at=NOW)
    made = accounts.create_demo_accounts(workers=[], by=SYSTEM, at=NOW)
    actions.upload_process(data=CHAIN, by=SYSTEM, at=NOW)
    connection.close()
    return {one.username: one.actor for one in made}


def _work(city: dict[str, Any], number: int) -> None:
    """All that is done for one case; each part names itself, so that it is done once."""
    from cityloom.bus import actions as bus
    from cityloom.cases import actions
    from cityloom.cases.actions import Asked
    from cityloom.cases.processes import running
    from cityloom.kernel import clock
    from cityloom.kernel.actor import SYSTEM
    from tests.cases.conftest import NOW

    clerk = city["clerk"]
    with clock.use(clock.DrillClock(NOW)):
        bus.reclaim()
        asked = Asked("request", "street-light", {"words": "The lamp is dark"}, 113 + PLACES_APART * number, 22.54,
                      origin="call", key=f"round {number}")  # fmt: skip
        case = actions.open_case(asked, by=clerk, at=NOW)
        bus.drain(at=NOW)
        actions.take_step(case_id=case, step="accept", by=clerk, at=NOW, command=f"{number} accept")
        actions.start_process(process="chain", by=SYSTEM, at=NOW, case_id=case, key=f"run {number}")
        running.work_due({"link": _linked}, NOW)
        actions.take_step(case_id=case, step="finish", by=clerk, at=NOW, reason="Done", result="solved",
                          command=f"{number} finish")  # fmt: skip
        bus.drain(at=NOW)


def _linked(work: Any, by: Any, at: Any) -> dict[str, Any]:
    """A service with an effect that can be counted."""
    from cityloom.cases.models import CaseLink

    CaseLink.objects.create(case_id=work.run.case_id, kind="service", other=work.node, at=at)
    return {}


def _picture(city: dict[str, Any], number: int) -> dict[str, Any]:
    """What is known of the case of a round, without what names it."""
    from django.db import connection

    from cityloom.bus.models import HandlerRun, OutboxEvent
    from cityloom.cases.models import Case, CaseClock, CaseEvent, CaseLink, ProcessRun, ProcessWork

    case = Case.objects.order_by("number")[number]
    published = OutboxEvent.objects.filter(data__case_id=case.id)
    found = {
        "cases": Case.objects.count() - number, "state": case.state, "revision": case.revision, "unit": case.unit,
        "is_handled": case.handler == city["clerk"].account,
        "history": list(CaseEvent.objects.filter(case=case).order_by("revision").values_list("kind", "step", "after")),
        "clocks": sorted(CaseClock.objects.filter(case=case).values_list("clock", "standing")),
        "effects": CaseLink.objects.filter(case=case, kind="service").count(),
        "runs": list(ProcessRun.objects.filter(case=case).values_list("standing", flat=True)),
        "work": ProcessWork.objects.filter(run__case=case).count(),
        "told": sorted(published.values_list("type", flat=True)),
        "left": HandlerRun.objects.exclude(state="done").count(),
    }  # fmt: skip
    connection.close()
    return json.loads(json.dumps(found))


def _counted(act: Callable[[], None]) -> int:
    from django.db import connection

    count = [0]

    def counting(execute: Any, *said: Any) -> Any:
        count[0] += 1
        return execute(*said)

    with connection.execute_wrapper(counting):
        act()
    return count[0]


def _killed(after: int, act: Callable[[], None]) -> int:
    """Do it, and be killed before the statement that comes after so many."""
    from django.db import connection

    left = [after]

    def counting(execute: Any, *said: Any) -> Any:
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        return execute(*said)

    with connection.execute_wrapper(counting):
        act()
    return 0


def _in_child(act: Callable[[], int]) -> int | None:
    """What a child says; None where it was killed or failed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, str(act()).encode())
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writing)
    said = b"".join(iter(lambda: os.read(reading, 64), b""))
    os.close(reading)
    os.waitpid(child, 0)
    return int(said) if said else None


if __name__ == "__main__":
    sys.exit(main())
