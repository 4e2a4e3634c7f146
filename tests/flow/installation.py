"""A home folder and the command line in it, as a user has them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.flow import forked

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = 6_000
SEED = 7


@dataclass(frozen=True)
class Installation:
    """A home folder, and the command line in it."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a command."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CITYLOOM_")}
        return kept | {"CITYLOOM_HOME": str(self.home), "COLUMNS": "200"} | self.environment

    def run(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        return forked.run(arguments, self.variables, timeout)

    def run_anew(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run in an interpreter of its own, which puts sets and hashes in an order of its own."""
        command = [sys.executable, "-m", "cityloom", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.variables, capture_output=True, text=True, timeout=timeout)

    def json(self, *arguments: str) -> Any:
        outcome = self.run(*arguments)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        return json.loads(outcome.stdout)
