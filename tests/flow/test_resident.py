"""Somebody who was helped in a drill looks at who looked at them, proves it, and objects: over the real processes."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flow.served import Served, Visitor, words


@pytest.fixture(scope="module")
def resident(served_city: Served) -> Visitor:
    visitor = Visitor(served_city.url)
    visitor.be_a_resident()
    return visitor


def opening(resident: Visitor):
    """The newest opening for a rescue."""
    found = [one for one in resident.entries() if "Your data were opened" in words(one)]
    assert found
    return found[0]


def test_the_opening_of_the_drill_is_there(resident: Visitor) -> None:
    text = words(opening(resident))
    for part in ("DRILL", "Help in an emergency", "emergency-assistance", "Article 13(1)(4)", "Social worker",
                 "your name", "This happened in a drill"):  # fmt: skip
        assert part in text


def test_the_bundle_verifies_with_the_key_of_the_town_hall(
    served_city: Served, resident: Visitor, tmp_path: Path
) -> None:
    answer = resident.fetch("/me/bundle.json")
    assert answer.headers["cache-control"] == "no-store"
    path = tmp_path / "bundle.json"
    path.write_bytes(answer.content)
    done = served_city.verify(path, served_city.key)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(json.loads(done.stdout)["entries"]) == len(resident.entries())
    alone = tmp_path / "verifier.py"
    alone.write_bytes(resident.fetch("/verify/verifier.py").content)
    command = [sys.executable, "-I", str(alone), str(path), "--key", served_city.key]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0

    made = answer.json()
    changed = made["entries"][-1]["leaf"].replace("emergency-assistance", "emergency-assistancf")
    assert changed != made["entries"][-1]["leaf"]
    made["entries"][-1]["leaf"] = changed
    path.write_text(json.dumps(made, ensure_ascii=False))
    assert served_city.verify(path, served_city.key).returncode != 0
    path.write_bytes(answer.content)
    other = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    assert served_city.verify(path, other).returncode != 0


def test_an_entry_is_contested_and_stands_as_contested(resident: Visitor) -> None:
    target = opening(resident)
    (form,) = target.xpath(".//form")
    page = resident.send(form, reason="unexpected")
    assert "Your objection is noted" in page.text_content()
    (again,) = page.xpath(f"//li[@id='{target.get('id')}']")
    assert "Contested on" in words(again)
    assert "An answer is due by" in words(again)
    assert "You contested an entry" in words(resident.entries()[0])


def test_nothing_of_the_person_is_in_the_citys_records(served_city: Served, resident: Visitor) -> None:
    """The link is sealed: no table says which person of the register this account is."""
    database = sqlite3.connect(f"file:{served_city.city.home}/current/city.db?mode=ro", uri=True)
    (link,) = database.execute("SELECT link FROM gate_residentlink").fetchone()
    subjects = {row[0] for row in database.execute("SELECT subject FROM gate_envelope")}
    database.close()
    assert len(subjects) > 1000
    assert not any(subject.to_bytes(8, order) in link for subject in subjects for order in ("big", "little"))
