"""The pages of an index: ranking, one unit, two units, structure, recipe, all stages as CSV, a report."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client

from cityloom.insight.domain import stages
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.models import StoredStudy
from cityloom.insight.studies import kinds
from cityloom.insight.studying import folders, keeping
from cityloom.kernel import ids
from cityloom.kernel.actor import Actor
from tests.insight.conftest import NOW
from tests.insight.test_index_examined import FRAMEWORK, offices
from tests.insight.test_reviews import signed_in, text


def kept(question: Mapping[str, Any], tables: Mapping[str, Table]) -> str:
    study = kinds.worked("index", question, tables)
    key = ids.new_ulid()
    folders.write(keeping.folder_of(key), study)
    StoredStudy.objects.create(id=key, kind="index", name="Offices", by="x", asked_at=NOW, state=stages.DONE, of=100,
                               digest=study.digest())  # fmt: skip
    return key


@pytest.fixture
def index(officials: dict[str, Actor], lake: Path) -> str:
    units = offices() | {"name": [f"Office {at}" for at in range(12)], "kind": ["town", "village"] * 6,
                        "lon": np.linspace(114, 114.2, 12), "lat": np.full(12, 22.5)}  # fmt: skip
    framework = {**FRAMEWORK, "groups": [{"code": "kind", "title": {"en": "Kind"}}]}
    return kept({"framework": framework}, {"units": table("unit", **units)})


@pytest.fixture
def client(officials: dict[str, Actor]) -> Client:
    return signed_in("supervisor")


@pytest.mark.django_db
def test_every_page_leads_down_to_the_raw_cell(index: str, client: Client) -> None:
    base = f"/insight/indexes/{index}/"
    assert "Offices" in text(client.get("/insight/indexes/"))
    shown = text(client.get(base))
    assert shown.count("<tr") >= 13 and "Places not told apart" in shown and 'class="card chart study-map"' in shown
    unit = text(client.get(f"{base}unit/?unit=office-03&group=kind"))
    assert "against the middle of 6 units" in unit and "filled in" in unit
    link = re.search(rf'href="(/insight/studies/{index}/steps/raw/\?row=office-03&amp;column=quick#here)"', unit)
    assert link and client.get(link[1].replace("&amp;", "&")).status_code == 200
    assert client.get(f"{base}unit/?unit=office-99").status_code >= 400


@pytest.mark.django_db
def test_two_units_and_what_decides_between_them(index: str, client: Client) -> None:
    shown = text(client.get(f"/insight/indexes/{index}/compare/?one=office-02&other=office-07"))
    numbers = [float(one) for one in re.findall(r'<td class="number">(-?\d+\.\d{4})</td></tr>', shown)[-4:]]
    total = float(re.search(r"<strong>(-?[\d.]+)</strong>", shown)[1])  # type: ignore[index]
    assert len(numbers) == 4 and sum(numbers) == pytest.approx(total, abs=3e-4)
    assert "Three indicators decide it most" in shown
    same = text(client.get(f"/insight/indexes/{index}/compare/?one=office-02&other=office-02"))
    assert "Choose two different units" in same


@pytest.mark.django_db
def test_a_panel_is_told_of_its_last_year_and_wins_are_split_by_orders(officials: dict[str, Actor], lake: Path,
                                                                       client: Client) -> None:  # fmt: skip
    old, new = offices(12, 0, 2024), offices(12, 1, 2025)
    panel = table(("unit", "year"), **{name: [*old[name], *new[name]] for name in old})
    steps = {**FRAMEWORK["steps"], "aggregate": {"method": "copeland", "levels": {"2": "arithmetic"}}}
    key = kept({"framework": {**FRAMEWORK, "steps": steps}}, {"panel": panel})
    shown = text(client.get(f"/insight/indexes/{key}/"))
    study = keeping.kept(key).study
    best = max((score, unit) for score, unit, year in zip(*(study.step("ranking").table[name].tolist() for name in (
        "score", "unit", "year")), strict=True) if year == 2025)[1]  # fmt: skip
    assert f"row={best}&amp;row=2025&amp;column=score" in shown
    assert "drawn orders" in text(client.get(f"/insight/indexes/{key}/compare/"))
    assert client.get(f"/insight/indexes/{key}/unit/?unit={best}").status_code == 200


@pytest.mark.django_db
def test_structure_and_recipe(index: str, client: Client) -> None:
    shown = text(client.get(f"/insight/indexes/{index}/structure/"))
    assert shown.count('<a href="#item-') == 7 == shown.count('id="item-')
    recipe = text(client.get(f"/insight/indexes/{index}/recipe/"))
    study = keeping.kept(index).study
    assert all(one.table.digest() in recipe for one in study.steps) and "min-max" in recipe


@pytest.mark.django_db
def test_all_stages_and_the_report_are_taken_away(index: str, client: Client) -> None:
    answer = client.get(f"/insight/indexes/{index}/csv/")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))  # type: ignore[attr-defined]
    stages_ = {row["stage"] for row in rows}
    assert {"raw", "filled", "directed", "normalised", "scores", "weight", "share", "rank"} <= stages_
    score = next(row for row in rows if (row["stage"], row["unit"], row["item"]) == ("scores", "office-05", "index"))
    assert float(score["value"]) == keeping.kept(index).study.step("scores").table.at(("office-05",), "index")
    assert client.get(f"/insight/indexes/{index}/pdf/?language=en").content.startswith(b"%PDF")


@pytest.mark.django_db
def test_the_pages_are_for_those_who_read_studies_and_of_an_index(index: str, client: Client) -> None:
    assert Client().get(f"/insight/indexes/{index}/").status_code in (302, 403)
    assert client.get("/insight/indexes/01ARZ3NDEKTSV4RRFFQ69G5FAV/").status_code == 404

