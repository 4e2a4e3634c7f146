"""A load that is killed with the process: nobody sees half of it, and the same command finishes it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.flow.installation import ROOT, Installation

ROWS = 30_000
_LONGEST_S = 120


@pytest.fixture
def mapping(city: Installation, tmp_path: Path) -> Path:
    assert city.run("register", "example", str(tmp_path / "e"), "--rows", str(ROWS)).returncode == 0
    file = next((tmp_path / "e" / "housing").glob("*.csv"))
    said = city.json("register", "profile", str(file), "--source", tmp_path.name.lower().replace("_", "-"), "--json")
    text = Path(said["mapping"])
    plain = text.read_text("utf-8").replace("  产权人: {field: owner_name}\n", "ignore:\n  - 产权人\n")
    text.write_text(plain, "utf-8")
    return text


def written(city: Installation) -> int:
    database = next(iter(city.home.glob("current/city.db")))
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30) as link:
        return link.execute("SELECT count(*) FROM registers_dwellingrecord").fetchone()[0]


def test_a_killed_load_is_seen_by_nobody_and_the_same_command_finishes_it(city: Installation, mapping: Path) -> None:
    before = written(city)
    command = [sys.executable, "-m", "cityloom", "register", "load", str(mapping)]
    loading = subprocess.Popen(command, cwd=ROOT, env=city.variables, stdout=subprocess.DEVNULL)
    until = time.monotonic() + _LONGEST_S
    while written(city) == before and loading.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    loading.kill()
    assert loading.wait() == -9, "it was over before it could be killed"
    half = written(city) - before
    assert 0 < half < ROWS
    (left,) = [one for one in city.json("register", "loads", "--json") if one["state"] == "running"]
    key = _a_key(mapping)
    assert city.run("register", "history", key, "--register", "dwellings").returncode == 1, "nobody has seen it"
    outcome = json.loads(city.run("register", "load", str(mapping), "--json").stdout)
    assert outcome["load"] == left["number"]
    counts = outcome["counts"]
    assert counts["new"] + counts["set_aside"] == outcome["rows"]
    assert written(city) - before == counts["new"]
    assert city.run("register", "history", key, "--register", "dwellings").returncode == 0


def _a_key(mapping: Path) -> str:
    """One of the first row, which was surely written."""
    file = mapping.with_name(mapping.name.replace(".mapping.yaml", ".csv"))
    return file.read_text("utf-8-sig").splitlines()[1].split(";")[0]
