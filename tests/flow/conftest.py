"""A small city, built once, as a user builds it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = 6_000
SEED = 7


@dataclass(frozen=True)
class Installation:
    """A home folder, and the command line in it."""

    home: Path

    def run(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CITYLOOM_")}
        environment |= {"CITYLOOM_HOME": str(self.home), "COLUMNS": "200"}
        command = [sys.executable, "-m", "cityloom", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout)

    def json(self, *arguments: str) -> Any:
        outcome = self.run(*arguments)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        return json.loads(outcome.stdout)


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Installation]:
    return lambda: Installation(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def city(new_home: Callable[[], Installation]) -> Installation:
    installation = new_home()
    outcome = installation.run("city", "build", "--people", str(PEOPLE), "--seed", str(SEED))
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return installation
