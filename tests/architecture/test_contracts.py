"""The contracts hold, and each of them fails on a planted violation."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PLANTED = {
    "1 staircase": ("registers/queries.py", "from cityloom.emergency import queries as upstairs"),
    "1 staircase: a new package": ("newcomer/__init__.py", ""),
    "1 staircase: behind TYPE_CHECKING": (
        "alerts/queries.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from cityloom.emergency import events",
    ),
    "2 rooms": ("fieldwork/domain/allocation.py", "from cityloom.fieldwork import actions"),
    "2 rooms: a new room": ("alerts/helpers.py", ""),
    "3 quiet": ("emergency/domain/zone.py", "import django.db"),
    "4 face": ("fieldwork/actions.py", "from cityloom.registers import models"),
    "5a one door": ("registers/queries.py", "from cryptography.hazmat.primitives.ciphers import aead"),
    "5b one door": ("emergency/queries.py", "from cityloom.keeper import client"),
    "6 plugins": ("alerts/contrib/file.py", "from cityloom.alerts.contrib import webhook"),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__", "static", "templates", "locale")
    shutil.copytree(ROOT / "cityloom", folder / "cityloom", ignore=ignored)
    shutil.copytree(ROOT / "tools", folder / "tools", ignore=ignored)
    shutil.copy(ROOT / ".importlinter", folder)
    return folder


def test_the_contracts_hold(copy: Path) -> None:
    outcome = lint(copy)
    assert outcome.returncode == 0, outcome.stdout


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_violation_is_found(copy: Path, name: str) -> None:
    file, line = PLANTED[name]
    path = copy / "cityloom" / file
    before = path.read_text() if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    path.write_text((before or "") + "\n" + line + "\n")
    try:
        outcome = lint(copy)
    finally:
        if before is None:
            path.unlink()
            if not any(path.parent.iterdir()):
                path.parent.rmdir()
        else:
            path.write_text(before)
    assert outcome.returncode != 0
    contract = name.partition(":")[0]
    broken = [text for text in outcome.stdout.splitlines() if "BROKEN" in text]
    assert any(text.startswith(contract) for text in broken), outcome.stdout
