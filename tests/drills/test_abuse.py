"""Every abuse drill, small, on a city of its own: each condition of each threat is held."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from cityloom.drills.domain.abuse import BROKEN, HELD, SKIPPED, Findings, outcome_of
from cityloom.drills.jobs.abuse import catalogue
from tests.flow.installation import Installation

IDS = [abuse.id for abuse in catalogue.ABUSES]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the command says; it needs no city of the user's own."""
    outcome = Installation(tmp_path_factory.mktemp("home")).run("abuse-drill", "run", "all", "--json", timeout=600)
    assert outcome.returncode in (0, 3), outcome.stdout + outcome.stderr
    return json.loads(outcome.stdout) | {"exit": outcome.returncode}


@pytest.mark.parametrize("name", IDS)
def test_it_is_held(report: dict[str, object], name: str) -> None:
    drill = next(each for each in report["drills"] if each["id"] == name)
    broken = [f"{check['what']}: {check['found']}, must be {check['must']}" for check in drill["checks"]
              if not check["held"]]  # fmt: skip
    assert (drill["state"], broken) == (HELD, [])
    assert drill["tried"]
    assert drill["stopped_by"]


def test_all_held_is_exit_0(report: dict[str, object]) -> None:
    assert (report["held"], report["exit"]) == (True, 0)
    assert [drill["id"] for drill in report["drills"]] == IDS


def test_the_list_is_in_two_languages(new_home: Callable[[], Installation]) -> None:
    rows = new_home().json("abuse-drill", "list", "--json")
    assert [row["id"] for row in rows] == IDS
    assert all(row["en"][part] != row["zh-hans"][part] for row in rows for part in ("abuse", "stopped_by"))


def test_a_drill_that_there_is_not_is_wrong_usage(new_home: Callable[[], Installation]) -> None:
    outcome = new_home().run("abuse-drill", "run", "A99")
    assert outcome.returncode == 2
    assert "A13" in outcome.stderr


def test_one_broken_condition_breaks_a_drill_and_one_without_conditions_proves_nothing() -> None:
    findings = Findings()
    assert outcome_of("A00", findings, 0.0).state == BROKEN
    findings.skip("needs root")
    assert outcome_of("A00", findings, 0.0).state == SKIPPED
    findings.equal("canaries", 0, 0)
    findings.most("people", 100, 100)
    findings.least("kills", 5, 5)
    assert outcome_of("A00", findings, 0.0).state == HELD
    findings.most("people", 101, 100)
    outcome = outcome_of("A00", findings, 0.0)
    assert outcome.state == BROKEN
    assert [check.held for check in outcome.checks] == [True, True, True, False]
