"""The lake from the command line: a dataset declared, a file of facts loaded, asked, kept."""

from __future__ import annotations

from pathlib import Path

from tests.flow.installation import Installation

VISITS = """\
cityloom: 1
dataset: visits
title: Visits of collectors to street lamps
each: month
columns:
  state: {kind: text, codes: [fine, broken]}
  minutes: {kind: number, unit: min, source: collectors' rounds}
  caller: {kind: integer, sensitivity: pseudonymous, personal: true}
"""
MAPPING = """\
cityloom: 1
source: urban-management
register: facts
dataset: visits
file: {path: visits.csv}
columns:
  lamp: {field: key}
  when: {field: at}
  lon: {field: lon}
  lat: {field: lat}
  state: {field: state}
  took: {field: minutes}
  called by: {field: caller}
"""


def test_facts_are_declared_loaded_asked_and_kept(city: Installation, tmp_path: Path) -> None:
    (tmp_path / "visits.yaml").write_text(VISITS)
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    rows = [
        f"L{n % 5},2026-0{1 + n % 3}-0{1 + n % 9}T08:00:00+08:00,114.05,22.54,fine,{n},1380013800{n % 2}"
        for n in range(60)
    ]
    lines = ["lamp,when,lon,lat,state,took,called by", *rows, "L1,never,,,fine,1,"]
    (tmp_path / "visits.csv").write_text("\n".join(lines))
    commands = (
        ("lake", "declare", str(tmp_path / "visits.yaml")), ("lake", "load", str(tmp_path / "mapping.yaml")),
        ("lake", "compact"), ("lake", "vacuum", "visits"),
    )  # fmt: skip
    for command in commands:
        outcome = city.run(*command)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    (visits,) = [one for one in city.json("lake", "status", "--json") if one["dataset"] == "visits"]
    assert (visits["rows"], visits["first_day"], visits["last_day"]) == (60, "2026-01-01", "2026-03-01")
    by_month = city.run("lake", "query", "visits", "--by", "state", "--number", "minutes", "--csv")
    assert by_month.stdout.splitlines() == ["state,facts,mean,least,most", "fine,60,29.5,0.0,59.0"]
    span = ("--from", "2026-02-02", "--until", "2026-03-01")
    history = city.run("lake", "query", "visits", "--of", "L3", *span, "--csv")
    days = [line.split(",")[1][:10] for line in history.stdout.splitlines()[1:]]
    assert days and days == sorted(days) and {day[:7] for day in days} == {"2026-02"}
    callers = city.run("lake", "query", "visits", "--by", "caller", "--csv").stdout.splitlines()[1:]
    assert [line.split(",")[1] for line in callers] == ["30", "30"]
    assert not any(b"1380013800" in path.read_bytes() for path in city.home.rglob("lake/**/*") if path.is_file())
    before = city.run("lake", "query", "visits", "--version", "0")
    assert "no such fact" in before.stdout
    assert "min" in city.run("lake", "show", "visits").stdout


def test_what_is_not_there_is_refused_with_what_there_is(city: Installation, tmp_path: Path) -> None:
    (tmp_path / "dataset.yaml").write_text(VISITS.replace("dataset: visits", "dataset: rounds"))
    city.run("lake", "declare", str(tmp_path / "dataset.yaml"))
    for command, words in (
        (("query", "nothing"), "rounds"), (("query", "rounds", "--by", "colour"), "minutes"),
        (("query", "rounds", "--known-at", "soon"), "2026-11-22T08:00Z"), (("declare", "nowhere.yaml"), "nowhere.yaml"),
        (("query", "rounds", "--known-at", "1999-01-01T00:00Z"), "no version"),
    ):  # fmt: skip
        refused = city.run("lake", *command)
        assert refused.returncode == 1 and words in refused.stderr, refused.stderr
