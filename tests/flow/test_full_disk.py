"""A disk that is really full: one sentence, the city as it was, nobody opened without a leaf; then it goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.flow.installation import ROOT, Installation

OWN_MOUNTS = (["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"])


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, built_once: Installation) -> dict[str, Any]:
    """What tests.flow.full_disk saw."""
    place = tmp_path_factory.mktemp("disk")
    command = [*mounting(place), sys.executable, "-m", "tests.flow.full_disk", str(place), str(built_once.home)]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout[-2000:] + outcome.stderr[-3000:]
    return json.loads(outcome.stdout.splitlines()[-1])


def mounting(place: Path) -> list[str]:
    """What runs a command that may mount a disk which nobody else sees; skips where nothing may."""
    for command in OWN_MOUNTS:
        trial = [*command, "mount", "-t", "tmpfs", "-o", "size=1m", "trial", str(place)]
        try:
            if subprocess.run(trial, capture_output=True).returncode == 0:
                return command
        except FileNotFoundError:
            break
    pytest.skip("neither root nor a user namespace may mount a small disk here")


def test_a_city_is_not_built_and_the_old_one_stays(found: dict[str, Any]) -> None:
    for build in found["builds"]:
        assert (build["status"], build["cities"]) == (1, 1), build
        assert one_sentence(build["words"]), build
    assert found["unchanged"], "to the byte"


def test_a_drill_stops_with_a_sentence_and_is_gone_on_with_when_there_is_room(found: dict[str, Any]) -> None:
    for drill in found["drills"]:
        assert drill["status"] == 1, drill
        assert one_sentence(drill["words"]), drill
    assert found["shown"], "the city says the same of itself"
    assert set(found["resumed"]) <= {"safe"}
    assert found["drill"] == "safe"


def test_a_keeper_without_room_for_its_log_opens_nobody(found: dict[str, Any]) -> None:
    opening = found["opening"]
    assert set(opening["refused"]) == {"gate.disk_full"}
    assert opening["opened_while_full"] == opening["logged_while_full"]
    assert opening["opened"] == opening["logged"]


def test_with_room_again_the_next_city_is_built_and_nothing_is_left_over(found: dict[str, Any]) -> None:
    assert (found["rebuilt"], found["cities"]) == (0, 1)


def one_sentence(words: str) -> bool:
    """Whether the words end in one refusal that names the disk, and nothing else went wrong."""
    refusals = words.count("Refused (")
    last = words.strip().splitlines()[-1]
    return refusals == 1 and "disk" in last and "free some space" in last and "Traceback" not in words
