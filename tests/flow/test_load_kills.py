"""Loads killed at any instant: nobody sees half of one, the same load finishes it, and once more changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flow.installation import ROOT

KILLS = int(os.environ.get("CITYLOOM_KILLS", "3"))


def killed_often(home: Path, form: str, kills: int, database: str = "") -> None:
    """Have `tests.flow.load_kills` kill loads, and find nothing wrong."""
    command = [sys.executable, "-m", "tests.flow.load_kills", str(home), str(kills), "20261127", form]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CITYLOOM_")}
    outcome = subprocess.run(command, cwd=ROOT, env=environment | {"CITYLOOM_DATABASE_URL": database},
                             capture_output=True, text=True)  # fmt: skip
    assert outcome.returncode == 0, outcome.stdout[-3000:] + outcome.stderr[-3000:]
    found = json.loads(outcome.stdout.splitlines()[-1])
    assert found["wrong"] == []
    assert found["killed_in_time"] >= kills / 2, "most kills must hit a load that is under way"


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_load_killed_at_any_instant_is_whole_or_not_there(tmp_path: Path, form: str) -> None:
    killed_often(tmp_path, form, KILLS if form == "parquet" else KILLS - 1)
