"""The golden drill on the live road: sensors speak through a broker, and the city decides the same."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from urllib.parse import urlsplit

import pytest

from tests.flow.installation import Installation
from tests.required import missing

URL = os.environ.get("CITYLOOM_TEST_MQTT", "mqtt://127.0.0.1:1883")


@pytest.fixture(autouse=True)
def broker() -> None:
    address = urlsplit(URL)
    try:
        socket.create_connection((address.hostname or "", address.port or 1883), 5).close()
    except OSError as error:
        missing("mqtt", f"no broker answers at {URL} ({type(error).__name__})")


def observations(city: Installation, exercise: str) -> int:
    link = sqlite3.connect(f"file:{city.home}/current/city.db?mode=ro", uri=True)
    asked = "SELECT COUNT(*) FROM signals_observation WHERE exercise_id = ?"
    return int(link.execute(asked, [exercise]).fetchone()[0])


def test_through_a_broker_the_city_decides_what_it_decides_without(city: Installation) -> None:
    straight = city.run("drill", "run", "sinkhole", "--decisions")
    live = city.run("drill", "run", "sinkhole", "--road", "mqtt", "--broker", URL, "--json")
    assert live.returncode == straight.returncode == 0, live.stderr + straight.stderr
    report = json.loads(live.stdout)
    assert report["outcome"] == "safe", [check for check in report["checks"] if not check["passed"]]
    exercise = report["exercise_id"]
    assert observations(city, exercise) == 0
    assert list((city.home / "current" / "exercises" / exercise).rglob("*.parquet"))
    decided = city.run("drill", "decisions", exercise)
    assert json.loads(decided.stdout) == json.loads(straight.stdout)
    assert city.run("drill", "remove", exercise).returncode == 0
    assert not (city.home / "current" / "exercises" / exercise).exists()


def test_without_a_broker_the_drill_says_so(city: Installation) -> None:
    outcome = city.run("drill", "run", "sinkhole", "--road", "mqtt", "--broker", "mqtt://127.0.0.1:9")
    assert outcome.returncode == 1
    assert "No broker answers" in outcome.stderr
