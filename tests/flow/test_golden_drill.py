"""From the first signal to the all clear, as a user runs it: the command line, on a small city."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.flow.installation import PEOPLE, ROOT, SEED, Installation

SINKHOLE = ROOT / "cityloom/drills/scenarios/sinkhole.yaml"


@pytest.fixture(scope="module")
def report(city: Installation) -> dict:
    return city.json("drill", "run", "sinkhole", "--json")


def scenario(folder: Path, **changes: object) -> str:
    document = yaml.safe_load(SINKHOLE.read_text()) | changes
    path = folder / "scenario.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True))
    return str(path)


def rows_of(city: Installation, exercise: str) -> dict[str, int]:
    """How many rows each table of the city's database has of an exercise."""
    link = sqlite3.connect(f"file:{city.home}/current/city.db?mode=ro", uri=True)
    tables = [row[0] for row in link.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    counts = {}
    for table in tables:
        columns = {row[1] for row in link.execute(f"PRAGMA table_info({table})")}
        if "exercise_id" in columns:
            query = f"SELECT COUNT(*) FROM {table} WHERE exercise_id = ?"
            counts[table] = link.execute(query, [exercise]).fetchone()[0]
    return counts


def test_every_step_happens_in_order_and_every_safety_check_holds(report: dict) -> None:
    assert report["outcome"] == "safe", [check for check in report["checks"] if not check["passed"]]
    steps = [line["step"] for line in report["timeline"]]
    wanted = ["Signals recorded", "Detection raised", "Incident opened", "Proposal ready", "Commander approved",
              "Departments told", "Tasks assigned", "Tasks delivered", "Second person approved", "Alert issued",
              "Alert delivered", "Notice escalated", "Households reached", "All clear"]  # fmt: skip
    places = [steps.index(step) for step in wanted]
    assert steps.index("Detection raised") < steps.index("Proposal ready") < steps.index("Commander approved")
    assert steps.index("Commander approved") < steps.index("Second person approved") < steps.index("Alert issued")
    assert len(places) == len(wanted)
    assert [line["t_s"] for line in report["timeline"]] == sorted(line["t_s"] for line in report["timeline"])


def test_the_same_scenario_twice_decides_the_same(city: Installation) -> None:
    first, second = (run("drill", "run", "sinkhole", "--decisions") for run in (city.run, city.run_anew))
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert json.loads(first.stdout) == json.loads(second.stdout)
    assert json.loads(first.stdout)[0]["proposals"][0]["plan"]["counts"]["households"] > 0


def test_the_report_opens_without_a_server_and_holds_nobodys_data(city: Installation, report: dict) -> None:
    html, pdf, plain = (Path(name) for name in report["files"])
    text = html.read_text()
    assert "<script" not in text
    assert not re.search(r'(src|href)="https?://', text)
    assert pdf.read_bytes().startswith(b"%PDF")
    known = everybody(city)
    for content in (text, plain.read_text()):
        found = set(re.findall(r"[0-9]{17}[0-9X]|1[0-9]{10}", content))
        assert not found & known
        assert "synthetic" in content.lower()


def everybody(city: Installation) -> set[str]:
    """The identity numbers and telephone numbers of everyone in the made-up city."""
    from cityloom.kernel import clock
    from cityloom.registers.domain import people
    from cityloom.registers.domain.people import household_sizes

    facts = city.json("city", "show", "--json")
    sizes = household_sizes(facts["counts"]["dwellings"], seed=SEED, occupied_share=1.0, people=PEOPLE)
    today = clock.now().date()
    known: set[str] = set()
    for batch in people.batches(sizes, seed=SEED, today=today, chinese=True):
        known |= {number.decode() for number in batch.phone.tolist()}
        known |= {number.decode() for number in batch.national_id.tolist()}
    assert len(known) > PEOPLE
    return known


def test_removing_an_exercise_leaves_no_row_and_no_file_of_it(city: Installation) -> None:
    exercise = city.json("drill", "run", "sinkhole", "--json")["exercise_id"]
    assert sum(rows_of(city, exercise).values()) > 500
    assert city.run("drill", "remove", exercise).returncode == 0
    assert {table: count for table, count in rows_of(city, exercise).items() if count} == {}
    assert list((city.home / "reports").glob(f"{exercise}*")) == []
    assert city.run("drill", "report", exercise).returncode == 1


def test_with_a_third_of_the_sensors_silent_it_is_still_noticed(city: Installation, tmp_path: Path) -> None:
    silent = scenario(tmp_path, faults=[{"kind": "silent-sensors", "share": 0.34}])
    assert city.json("drill", "run", silent, "--json")["outcome"] == "safe"


def test_one_sensor_gone_mad_opens_no_incident(city: Installation, tmp_path: Path) -> None:
    mad = scenario(
        tmp_path,
        signals=[{"at_s": 300, "kind": "reading", "stream": "traffic_speed", "within_m": 1, "change": {"add": 0}}],
        faults=[{"kind": "mad-sensor", "stream": "pressure", "beyond_m": 1, "factor": 1000}],
    )
    outcome = city.run("drill", "run", mad, "--json")
    report = json.loads(outcome.stdout)
    assert outcome.returncode == 3, "a drill that notices nothing is not a safe one, and says so"
    assert report["alerts"] == []
    assert "Incident opened" not in [line["step"] for line in report["timeline"]]


def test_with_the_keeper_killed_in_the_middle_nothing_opens_and_the_drill_goes_on(
    city: Installation, tmp_path: Path
) -> None:
    dark = scenario(tmp_path, faults=[{"kind": "keeper-down", "at_s": 100, "for_s": 90}])
    report = city.json("drill", "run", dark, "--json")
    assert report["outcome"] == "safe"
    delivered = [line["t_s"] for line in report["timeline"] if line["step"] == "Tasks delivered"]
    assert min(delivered) >= 190, "not before the keeper was back"


def test_held_at_the_proposal_nobody_is_opened_and_nothing_leaves(city: Installation) -> None:
    report = city.json("drill", "run", "sinkhole", "--hold", "--json")
    assert report["outcome"] == "waiting"
    left = rows_of(city, report["exercise_id"])
    assert left["emergency_proposal"] == 1
    assert left["alerts_alert"] == left["fieldwork_task"] == left["gate_grantrecord"] == 0
    assert city.run("drill", "remove", report["exercise_id"]).returncode == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"place": {"lon": 0.0, "lat": 0.0}}, "lies outside the city"),
        ({"hazard": {"radius_m": -1, "buffer_m": 10, "rings": [1]}}, "breaks its schema at hazard/radius_m"),
    ],
)
def test_a_scenario_that_cannot_be_run_is_refused_with_a_sentence(
    city: Installation, tmp_path: Path, changes: dict, words: str
) -> None:
    outcome = city.run("drill", "run", scenario(tmp_path, **changes))
    assert outcome.returncode == 1
    assert words in " ".join(outcome.stderr.split())
    assert "Traceback" not in outcome.stderr


def test_without_a_city_every_command_says_what_to_do(new_home: Callable[[], Installation]) -> None:
    empty = new_home()
    for command in (["city", "show"], ["drill", "run", "sinkhole"], ["drill", "list"], ["serve"]):
        outcome = empty.run(*command)
        assert outcome.returncode == 1, command
        assert "cityloom city build" in " ".join(outcome.stderr.split()), command


def test_wrong_usage_has_its_own_status(city: Installation) -> None:
    assert city.run("city", "build", "--people", "minus-three").returncode == 2
    assert city.run("drill", "dance").returncode == 2
    assert city.run("--help").returncode == 0
