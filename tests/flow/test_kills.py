"""The whole process killed at any instant and started again: nothing lost, nobody alerted twice."""

import json
import os
import subprocess
import sys

from tests.flow.installation import ROOT, Installation

KILLS = int(os.environ.get("CITYLOOM_KILLS", "4"))
KEEPER_KILLS = int(os.environ.get("CITYLOOM_KILLS", "2"))


def test_a_killed_drill_goes_on_and_decides_the_same(city: Installation) -> None:
    command = [sys.executable, "-m", "tests.flow.kills", str(city.home), str(KILLS), "20260603"]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout[-3000:] + outcome.stderr[-3000:]
    found = json.loads(outcome.stdout.splitlines()[-1])
    assert found["wrong"] == []
    assert found["killed_in_time"] >= KILLS / 2, "most kills must hit a run that is under way"


def test_a_drill_whose_keeper_is_killed_goes_on_when_it_is_back(city: Installation) -> None:
    command = [sys.executable, "-m", "tests.flow.kills", str(city.home), str(KEEPER_KILLS), "20260604", "keeper"]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout[-3000:] + outcome.stderr[-3000:]
    found = json.loads(outcome.stdout.splitlines()[-1])
    assert found["wrong"] == []
    assert found["killed_in_time"] >= KEEPER_KILLS / 2, "most kills must hit a run that is under way"
