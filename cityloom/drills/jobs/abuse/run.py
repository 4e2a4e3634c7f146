"""Run abuse drills in a process with a city of its own, which is gone when they have ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from cityloom.drills.domain.abuse import BROKEN, Check, Outcome
from cityloom.drills.jobs.abuse.catalogue import Abuse
from cityloom.kernel.refused import Refused

PEOPLE, MUTATIONS, KILLS = 2_000, 300, 5
_NEVER_PASSED_ON = ("CITYLOOM_DATABASE_URL", "CITYLOOM_CITY_DIR", "CITYLOOM_BEHIND_TLS", "CITYLOOM_HOSTS")
_PACKAGE = Path(__file__).resolve().parents[4]


def run(
    abuses: list[Abuse], *, people: int = PEOPLE, mutations: int = MUTATIONS, kills: int = KILLS, seed: int = 1,
    tell: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:  # fmt: skip
    """Run these one after another; `tell` hears of each when it has ended.

    Raises: Refused `drills.abuse_stopped` where the process ended before its drills.
    """
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="cityloom-abuse-") as place:
        command = [sys.executable, "-m", "cityloom.drills.jobs.abuse.process",
                   *map(str, (people, mutations, kills, seed)), *(abuse.id for abuse in abuses)]  # fmt: skip
        environment = _environment(Path(place), needs_city=any(abuse.city for abuse in abuses))
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            for line in process.stdout or ():
                outcome = json.loads(line)
                checks = [Check(**check) for check in outcome.pop("checks")]
                outcomes.append(Outcome(**outcome, checks=checks))
                tell(outcomes[-1])
    if process.returncode or len(outcomes) < len(abuses):
        raise Refused("drills.abuse_stopped", "The drills stopped after {value} of {limit}; what went wrong is above.",
                      value=len(outcomes), limit=len(abuses))  # fmt: skip
    return outcomes


def is_broken(outcomes: list[Outcome]) -> bool:
    """Whether any condition was broken."""
    return any(outcome.state == BROKEN for outcome in outcomes)


def _environment(place: Path, *, needs_city: bool) -> dict[str, str]:
    """A home and a folder for temporary files that are the run's own."""
    temporary = place / "t"
    temporary.mkdir()
    passed = {name: value for name, value in os.environ.items() if name not in _NEVER_PASSED_ON}
    return passed | {
        "CITYLOOM_HOME": str(place / "h"), "TMPDIR": str(temporary), "CITYLOOM_DRILL_NEEDS_CITY": str(int(needs_city)),
        "DJANGO_SETTINGS_MODULE": "cityloom.project.settings",
        "PYTHONPATH": os.pathsep.join([str(_PACKAGE), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
    }  # fmt: skip
