"""An operator's day: back up, erase, lose, restore; whoever was erased stays erased."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.flow.installation import Installation

_WITH_KEEPER = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "cityloom.project.settings"
import django
django.setup()
from datetime import timedelta
from cityloom.gate import actions, queries
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor

def opened(subjects):
    holder = Actor("worker-1", "city", frozenset({"social-worker"}))
    given = actions.grant(by=SYSTEM, at=clock.now(), purpose=queries.EMERGENCY, subjects=subjects, fields=["name"],
                          holder=holder.account, until=clock.now() + timedelta(hours=1), incident_id="I")
    return sorted(actions.open_people(by=holder, at=clock.now(), grant_id=given, subjects=subjects, fields=["name"]))

running = actions.start_keeper()
try:
    exec(sys.argv[1])
finally:
    running.stop()
"""


def with_keeper(town: Installation, program: str) -> str:
    ended = town.run("-c", _WITH_KEEPER, program)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@pytest.fixture(scope="module")
def town(new_city: Callable[[], Installation]) -> Installation:
    return new_city()


def done(town: Installation, *arguments: str) -> str:
    outcome = town.run(*arguments)
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout.strip()


def refused(town: Installation, *arguments: str) -> str:
    outcome = town.run(*arguments)
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    return outcome.stderr


def test_after_an_erasure_no_backup_brings_the_person_back(town: Installation, tmp_path: Path) -> None:
    database = town.home / "current" / "city.db"
    subjects = [row[0] for row in sqlite3.connect(database).execute("SELECT subject FROM gate_envelope LIMIT 3")]
    records, kept = tmp_path / "records", tmp_path / "kept"
    made = Path(done(town, "backup", "database", str(records)))
    assert stat.S_IMODE((made / "city.db").stat().st_mode) == 0o600
    done(town, "backup", "keys", str(kept))
    assert "backup.same_folder" in refused(town, "backup", "keys", str(records))
    assert "backup.same_folder" in refused(town, "backup", "database", str(kept))

    steward = 'Actor("s", "city", frozenset({"steward"}))'
    with_keeper(town, f"actions.erase(by={steward}, at=clock.now(), subject={subjects[0]})")
    done(town, "restore", "database", str(records))
    here = sqlite3.connect(database).execute("SELECT count(*) FROM gate_envelope WHERE subject = ?", subjects[:1])
    assert here.fetchone() == (1,), "the old envelope is back, and of no use"
    assert with_keeper(town, f"print(opened({subjects}))") == str(subjects[1:])

    assert "1 people were erased again" in done(town, "restore", "keys", str(kept))
    assert with_keeper(town, f"print(opened({subjects}))") == str(subjects[1:])
    assert "number 3" in done(town, "keys", "rotate")
    assert with_keeper(town, f"print(opened({subjects}))") == str(subjects[1:])
    verify = "from cityloom.keeper import log; from django.conf import settings; from pathlib import Path;"
    assert int(with_keeper(town, f"{verify} print(log.verify(Path(settings.CITYLOOM['KEEPER_DIR']))[0])")) > 8


def test_a_backup_that_is_not_one_is_refused(town: Installation, tmp_path: Path) -> None:
    assert "backup.none" in refused(town, "restore", "keys", str(tmp_path))
    made = Path(done(town, "backup", "database", str(tmp_path / "records")))
    assert "backup.wrong_kind" in refused(town, "restore", "keys", str(made))
    with (made / "city.db").open("ab") as stream:
        stream.write(b"more")
    assert "backup.changed" in refused(town, "restore", "database", str(made))


def test_old_backups_are_pruned(town: Installation, tmp_path: Path) -> None:
    made = done(town, "backup", "keys", str(tmp_path))
    assert done(town, "backup", "prune", str(tmp_path)) == ""
    assert done(town, "backup", "prune", str(tmp_path), "--older-than", "0d") == made
    assert list(tmp_path.iterdir()) == []
    assert town.run("backup", "prune", str(tmp_path), "--older-than", "soon").returncode == 2


def test_a_lost_lake_comes_back_and_its_backup_lies_apart_from_the_keys(town: Installation, tmp_path: Path) -> None:
    (tmp_path / "permits.yaml").write_text("cityloom: 1\ndataset: permits\ntitle: Permits\ncolumns:\n"
                                           "  kind: {kind: text}\n", "utf-8")  # fmt: skip
    done(town, "lake", "declare", str(tmp_path / "permits.yaml"))
    kept = tmp_path / "kept"
    made = Path(done(town, "backup", "lake", str(kept)))
    assert "backup.same_folder" in refused(town, "backup", "keys", str(kept))
    done(town, "backup", "database", str(kept))
    before = done(town, "lake", "show", "permits")
    shutil.rmtree(town.home / "current" / "lake")
    done(town, "restore", "lake", str(kept))
    assert done(town, "lake", "show", "permits") == before
    declaration = made / "permits.dataset.json"
    declaration.write_text(declaration.read_text("utf-8").replace("text", "flag"), "utf-8")
    assert "backup.changed" in refused(town, "restore", "lake", str(kept))
    assert done(town, "lake", "show", "permits") == before
