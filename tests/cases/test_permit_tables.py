"""What the shipped tables grant at once, drawn: each row is an application, and what the city says of it."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from cityloom.cases.domain.decisions import analysis, deciding, shipped, table_xml, table_yaml
from cityloom.cases.domain.decisions.tables import Table
from tests.cases.casetypes import ours

STREET = """
use       area  path  days  loud   food   registered   row  conditions
stall        6   1.5    30  no     no     -              1  free-path, clean-up
stall      6.1   1.5    30  no     no     -              -  a person
stall        6   1.4    30  no     no     -              -  a person
stall       12   1.5    30  no     yes    yes            2  free-path, clean-up
stall       12   1.5    30  no     yes    -              -  a person
stall        4   2      31  no     no     -              -  a person
scaffold    20   1.5    60  no     no     -              3  free-path, lit-at-night, clean-up
scaffold    20   1.5    61  no     no     -              -  a person
event       30   2       1  no     no     -              4  free-path, clean-up, quiet-at-night
event       30   2       1  yes    no     -              -  a person
"""
PARKING = """
lives  cars  aged   row  conditions
yes       1  yes      1  one-car, no-fee
yes       1  no       2  one-car
yes       1  -        2  one-car
yes       2  yes      3  one-car
yes       3  yes      -  a person
no        1  yes      -  a person
-         1  yes      -  a person
"""
TREE = """
species    girth  replanted  nests   row  conditions
fruit         80  no         no        1
fruit         81  yes        no        -  a person
conifer       60  yes        no        2  plant-one, outside-breeding
broadleaf     60  no         no        -  a person
conifer       60  yes        yes       -  a person
listed        10  yes        no        -  a person
"""
NAMES = {
    "street-use": ("use", "area_m2", "path_m", "days", "loud", "food", "registered"),
    "resident-parking": ("lives_there", "cars", "aged_60"),
    "tree-felling": ("species", "girth_cm", "replanted", "nests"),
}
_SAID: dict[str, Any] = {"yes": True, "no": False, "-": None}


@cache
def table(category: str) -> Table:
    return table_yaml.table_of_yaml(shipped.texts()[f"permit-{category}"])


def rows() -> list[tuple[str, list[str]]]:
    drawn = {"street-use": STREET, "resident-parking": PARKING, "tree-felling": TREE}
    return [(category, line.split()) for category, text in drawn.items() for line in text.strip().splitlines()[1:]]


@pytest.mark.parametrize(
    ("category", "row"), rows(), ids=lambda value: value if isinstance(value, str) else "-".join(value)
)
def test_what_is_granted_at_once(category: str, row: list[str]) -> None:
    names = NAMES[category]
    facts = {name: _SAID.get(text, text) for name, text in zip(names, row, strict=False)}
    decided = deciding.decide(table(category), facts)
    fired, said = row[len(names)], " ".join(row[len(names) + 1 :])
    if fired == "-":
        assert decided.result is None and said == "a person"
        assert deciding.ways_to(table(category), facts, lambda _outcome: True)[0].changes
    else:
        assert (decided.fired, decided.result["conditions"]) == ((int(fired),), said)
        english, chinese = decided.reasons[0].split("\n")
        assert english.endswith(".") and chinese.endswith("。")


@pytest.mark.parametrize("category", NAMES)
def test_a_shipped_table_only_grants_and_is_the_same_in_dmn(category: str) -> None:
    found = table(category)
    analysis.check(found)
    analysis.check_only_grants(found, "outcome", ["granted", "granted-with-conditions"])
    assert table_xml.table_of_xml(table_xml.xml_of(found)) == found
    assert table_yaml.table_of_yaml(table_yaml.yaml_of(found)) == found
    known = {one.name for one in ours("permit").conditions if one.is_for(category)}
    said = {name.strip() for rule in found.rules for name in str(rule.outcome[1]).split(",") if name.strip()}
    assert said <= known
    assert ours("permit").categories[category].table == found.name
