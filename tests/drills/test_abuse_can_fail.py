"""Each drill breaks when what it proves is taken away; else it would prove nothing.

A01 plants canaries where it must find them; A11 and A15 need another user's process and a city's files.
"""

from __future__ import annotations

import importlib
import random
from pathlib import Path

import numpy as np
import pytest

from cityloom.accounts import actions as accounts
from cityloom.drills.domain.abuse import BROKEN, Findings, outcome_of
from cityloom.drills.jobs.abuse import tampering
from cityloom.drills.jobs.abuse.stage import Scale, Stage
from cityloom.gate import jobs
from cityloom.keeper import counting, index
from cityloom.keeper.budgets import Budgets
from cityloom.keeper.counting import Counting
from cityloom.keeper.decision import Policies
from cityloom.keeper.door import Door
from cityloom.keeper.office import Office
from cityloom.keeper.statuses import Statuses
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)


def nothing(*_: object, **__: object) -> None:
    """A check that was taken out."""


WEAKENED = {
    "A02 no budgets": ("replay", Budgets, "spend", nothing),
    "A03 no second person": ("export", Office, "require_live", nothing),
    "A03 leaves are left out": ("export", Office, "log_people", nothing),
    "A04 no rule of matters": ("curiosity", jobs, "match_matters", nothing),
    "A04 no honey residents": ("curiosity", Office, "alarms_about", lambda *_: []),
    "A05 policies allow everything": ("creep", Policies, "allows", lambda *_: True),
    "A06 no evidence": ("flags", Statuses, "_require_evidence", nothing),
    "A07 the log is not verified": ("tampering", tampering.logs, "verify", nothing),
    "A09 leaves are left out": ("crashes", Office, "log_people", nothing),
    "A10 policies allow everything": ("policies", Policies, "allows", lambda *_: True),
    "A12 replays are answered": ("theft", Door, "_first_time", lambda *_: True),
    "A13 no crowd": ("oracle", index, "PEOPLE_A_TOKEN", 1),
    "A13 no budgets": ("oracle", Budgets, "spend", nothing),
    "A14 nobody remembers": ("overlap", Counting, "_marks", lambda *_: np.zeros(10_000, bool)),
    "A14 small groups": ("overlap", counting, "LEAST_GROUP", 1),
}


@pytest.mark.parametrize("what", WEAKENED)
def test_it_breaks(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drill, owner, name, weak = WEAKENED[what]
    monkeypatch.setattr(owner, name, weak)
    accounts.create_units(communities=[], by=SYSTEM, at=clock.now())
    findings = Findings()
    stage = Stage(tmp_path, Scale(300, 40, 1), findings, random.Random(1))
    importlib.import_module(f"cityloom.drills.jobs.abuse.{drill}").run(stage)
    assert outcome_of(what, findings, 0.0).state == BROKEN
