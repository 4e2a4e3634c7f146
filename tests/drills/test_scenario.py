"""Scenarios: what is read, and what is refused with the place in the file."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.drills import queries
from cityloom.drills.domain.scenario import Change, scenario_from
from cityloom.kernel.refused import Refused

SHIPPED = queries.scenario_document("sinkhole")
SCHEMA = queries.schema()


def changed(path: str, value: object) -> dict:
    document = copy.deepcopy(SHIPPED)
    *way, last = path.split("/")
    target = document
    for step in way:
        target = target[int(step) if step.isdigit() else step]
    target[int(last) if last.isdigit() else last] = value
    return document


@pytest.mark.parametrize("name", queries.shipped_scenarios())
def test_every_shipped_scenario_keeps_the_schema(name: str) -> None:
    assert scenario_from(queries.scenario_document(name), SCHEMA).name == name


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("hazard/radius_m", -5, "hazard/radius_m"),
        ("hazard/radius_m", "wide", "hazard/radius_m"),
        ("place", "somewhere", "place"),
        ("place", {"lon": 500, "lat": 0}, "place"),
        ("signals/0/stream", "gossip", "signals/0"),
        ("approvals/0/role", "passer-by", "approvals/0/role"),
        ("surprise", 1, "the top"),
        ("seed", 1.5, "seed"),
    ],
)
def test_what_breaks_the_schema_is_refused_with_its_place(path: str, value: object, where: str) -> None:
    with pytest.raises(Refused) as refusal:
        scenario_from(changed(path, value), SCHEMA)
    assert refusal.value.code == "scenario.invalid"
    assert where in refusal.value.sentence


@pytest.mark.parametrize(("path", "value"), [("hazard/rings", [0.9, 0.5, 1]), ("hazard/rings", [0.5]),
                                             ("start", "tomorrow"), ("start", "2026-06-03T09:00:00")])  # fmt: skip
def test_what_only_reading_shows_is_refused_too(path: str, value: object) -> None:
    with pytest.raises(Refused):
        scenario_from(changed(path, value), SCHEMA)


def nested(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), nested))
def test_anything_else_is_refused_and_never_a_defect(document: object) -> None:
    with pytest.raises(Refused):
        scenario_from(document, SCHEMA)


def test_a_file_that_is_missing_too_large_or_not_yaml_is_refused(tmp_path: Path) -> None:
    large, broken, bomb = tmp_path / "large.yaml", tmp_path / "broken.yaml", tmp_path / "bomb.yaml"
    large.write_text("x" * 300_000)
    broken.write_bytes(b"name: [\xff")
    bomb.write_text("a: &a [x,x]\nb: [*a,*a]\n")
    for path, code in (("nowhere.yaml", "scenario.missing"), (large, "scenario.too_large"),
                       (broken, "scenario.not_yaml"), (bomb, "scenario.not_yaml")):  # fmt: skip
        with pytest.raises(Refused) as refusal:
            queries.scenario_document(str(path))
        assert refusal.value.code == code


def test_a_change_multiplies_adds_or_replaces() -> None:
    assert Change(factor=0.5).of(300) == 150
    assert Change(add=14).of(1) == 15
    assert Change(fixed=7).of(300) == 7


def test_the_schema_is_a_valid_one() -> None:
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(SCHEMA)
    json.dumps(SCHEMA)
