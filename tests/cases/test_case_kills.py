"""Whoever works on cases is killed with SIGKILL before any statement: nothing is lost, nothing is done twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.flow.installation import ROOT

KILLS = 6


def test_opened_taken_in_stepped_and_processed_once_whenever_it_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.cases.kills", str(tmp_path), str(KILLS), "20261128"]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout[-3000:] + outcome.stderr[-3000:]
    assert json.loads(outcome.stdout.splitlines()[-1])["killed_in_time"] >= KILLS / 2
