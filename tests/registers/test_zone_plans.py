from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely

from cityloom.bus.models import OutboxEvent
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from cityloom.lake import catalogue
from cityloom.lake.domain.dataset import Dataset
from cityloom.registers import actions, models, queries
from cityloom.registers.actions import Wish
from cityloom.registers.domain.answers import CityFacts
from cityloom.registers.zones import book
from tests.registers.conftest import AT, PEOPLE

STEWARD = Actor("01STEWARD", "city", frozenset({"steward"}))
COMMANDER = Actor("01COMMANDER", "city", frozenset({"commander"}))
TODAY = date(2026, 11, 22)


@pytest.fixture
def plan(small_city: CityFacts) -> str:
    return actions.draft_zone_plan(wish=Wish("First", 6), by=STEWARD, at=AT)


def refused(code: str, **kwargs: object) -> None:
    with pytest.raises(Refused) as refusal:
        kwargs.pop("act")(**kwargs)  # type: ignore[operator]
    assert refusal.value.code == code


def published(plan_id: str, day: date) -> None:
    actions.publish_zone_plan(plan_id=plan_id, valid_from=day, today=TODAY, by=STEWARD, at=AT)


def a_move(plan_id: str) -> tuple[str, int, str]:
    """A zone, a cell at its edge, and a zone that the cell may join."""
    for zone in queries.zones_of(plan_id):
        for option in queries.border_cells(plan_id, zone.code):
            return zone.code, option.cell, option.to_code
    raise AssertionError("no zone has a neighbour in its subdistrict")


def test_a_draft_covers_every_building_once_and_counts_everybody(plan: str) -> None:
    zones = queries.zones_of(plan)
    grid = book.grid_of(book.find(plan))
    cells = {h3.cell_to_parent(cell, 10) for cell in models.Building.objects.values_list("cell", flat=True)}
    assert cells <= set(grid.graph.cell.tolist())
    assert sum(zone.cells for zone in zones) == len(grid.graph)
    dwellings, companies, valves = (
        sum(models.Building.objects.values_list("dwellings", flat=True)),
        models.Building.objects.filter(use__in=["retail", "office", "industrial", "warehouse", "hotel"]).count(),
        models.Valve.objects.count(),
    )  # fmt: skip
    expected = PEOPLE + 0.5 * dwellings + 5 * companies
    total = sum(zone.load for zone in zones)
    assert expected < total <= expected + 0.2 * valves + 0.01
    whole = shapely.union_all([zone.outline for zone in zones])
    assert whole.area == pytest.approx(sum(zone.outline.area for zone in zones), rel=1e-6)  # they do not overlap


def test_zones_lie_in_their_subdistrict_and_have_its_digits(plan: str) -> None:
    for zone in queries.zones_of(plan):
        assert len(zone.code) == 15 and zone.unit_id.startswith(zone.subdistrict_id)
        district, subdistrict, community = (int(part[1:]) for part in zone.unit_id.split("/")[1:])
        assert zone.code.startswith(f"9900{district:02d}{subdistrict:03d}{community:03d}")
    assert {one.id for one in queries.subdistricts_of(plan)} == {zone.subdistrict_id for zone in queries.zones_of(plan)}


def test_the_same_seed_gives_the_same_plan(plan: str) -> None:
    again = actions.draft_zone_plan(wish=Wish("Again", 6), by=STEWARD, at=AT)
    assert queries.compared_zone_plans(plan, again).moved == 0


def test_past_cases_weigh(small_city: CityFacts, plan: str) -> None:
    cell = book.grid_of(book.find(plan)).graph.cell[0]
    heavy = actions.draft_zone_plan(wish=Wish("Cases", 6, cases={int(cell): 100}), by=STEWARD, at=AT)
    assert queries.zone_plan(heavy).figures["load"] == pytest.approx(queries.zone_plan(plan).figures["load"] + 300)


def test_a_cell_moves_by_hand_and_the_effect_is_what_was_foretold(plan: str) -> None:
    code, cell, to_code = a_move(plan)
    foretold = next(one for one in queries.border_cells(plan, code) if one.cell == cell and one.to_code == to_code)
    effect = actions.move_cells(plan_id=plan, cells=[cell], to_code=to_code, by=STEWARD, at=AT)
    after = {zone.code: zone for zone in effect.after}
    assert {zone.code for zone in effect.before} == set(after) == {code, to_code}
    assert after[code].share == pytest.approx(foretold.share_here)
    assert after[to_code].share == pytest.approx(foretold.share_there)
    assert sum(zone.cells for zone in queries.zones_of(plan)) == queries.zone_plan(plan).figures["cells"]
    assert queries.zone_of_plan(plan, code).share == pytest.approx(foretold.share_here)


def test_what_would_break_a_zone_is_refused_and_changes_nothing(plan: str) -> None:
    code, _cell, to_code = a_move(plan)
    grid = book.grid_of(book.find(plan))
    number = queries.zone_of_plan(plan, code).number
    own = grid.graph.cell[grid.zone == number]
    move = {"act": actions.move_cells, "plan_id": plan, "to_code": to_code, "by": STEWARD, "at": AT}
    refused("zones.empty", cells=own.tolist(), **move)
    inner = [row for row in np.flatnonzero(grid.zone == number) if (grid.zone[grid.graph.near[row]] == number).all()]
    if inner:
        refused("zones.apart", cells=[int(grid.graph.cell[inner[0]])], **move)
    refused("zones.cells", cells=[], **move)
    refused("zones.cells", cells=[int(own[0]) + 1], **move)
    refused("zones.no_zone", cells=own[:1].tolist(), **move | {"to_code": "0" * 15})
    assert (book.grid_of(book.find(plan)).zone == grid.zone).all()


def test_a_zone_takes_no_cell_of_another_subdistrict(plan: str) -> None:
    zones = queries.zones_of(plan)
    other = next(zone for zone in zones if zone.subdistrict_id != zones[0].subdistrict_id)
    grid = book.grid_of(book.find(plan))
    cell = int(grid.graph.cell[grid.zone == other.number][0])
    refused("zones.other_subdistrict", act=actions.move_cells, plan_id=plan, cells=[cell], to_code=zones[0].code,
            by=STEWARD, at=AT)  # fmt: skip


def test_only_planners_change_plans(plan: str) -> None:
    refused("zones.role", act=actions.draft_zone_plan, wish=Wish("No", 3), by=COMMANDER, at=AT)
    refused("zones.role", act=actions.discard_zone_plan, plan_id=plan, by=COMMANDER, at=AT)
    refused("zones.role", act=actions.publish_zone_plan, plan_id=plan, valid_from=TODAY, today=TODAY, by=COMMANDER,
            at=AT)  # fmt: skip


def test_a_published_plan_is_in_force_until_the_next_one_and_stays_as_it_was(plan: str) -> None:
    published(plan, TODAY)
    second = actions.rebalance_zone_plan(plan_id=plan, wish=Wish("Second"), by=STEWARD, at=AT)
    next_year = TODAY + timedelta(days=365)
    published(second, next_year)
    assert queries.zone_plan_on(TODAY - timedelta(days=1)) is None
    assert queries.zone_plan_on(next_year - timedelta(days=1)).id == plan
    assert queries.zone_plan_on(next_year).id == second
    code, cell, to_code = a_move(plan)
    refused("zones.published", act=actions.move_cells, plan_id=plan, cells=[cell], to_code=to_code, by=STEWARD, at=AT)
    refused("zones.published", act=actions.discard_zone_plan, plan_id=plan, by=STEWARD, at=AT)
    lat, lon = h3.cell_to_latlng(cell)
    assert queries.zone_at(lon, lat, TODAY).code == code
    assert queries.zone_at(lon, lat, TODAY - timedelta(days=1)) is None
    assert queries.zone_at(0.0, 0.0, TODAY) is None
    facts = OutboxEvent.objects.filter(type__contains="ZonePlanPublished").order_by("position")
    assert [fact.data["plan_id"] for fact in facts] == [plan, second]


@pytest.mark.parametrize(
    ("day", "code"), [(TODAY - timedelta(days=1), "zones.past"), (TODAY, "zones.before_last")]
)  # fmt: skip
def test_a_plan_begins_neither_in_the_past_nor_before_another(plan: str, day: date, code: str) -> None:
    first = actions.draft_zone_plan(wish=Wish("Before", 5), by=STEWARD, at=AT)
    published(first, TODAY)
    refused(code, act=actions.publish_zone_plan, plan_id=plan, valid_from=day, today=TODAY, by=STEWARD, at=AT)


def test_identifiers_stay_in_a_rebalance_and_never_come_back_for_another_zone(plan: str) -> None:
    published(plan, TODAY)
    first = {zone.code for zone in queries.zones_of(plan)}
    busy = queries.zones_of(plan)[0]
    grid = book.grid_of(book.find(plan))
    cases = {int(cell): 40 for cell in grid.graph.cell[grid.zone == busy.number]}
    second = actions.rebalance_zone_plan(plan_id=plan, wish=Wish("Second", cases=cases), by=STEWARD, at=AT)
    assert {zone.code for zone in queries.zones_of(second)} == first
    assert queries.zone_plan(second).figures["moved_share"] <= 0.05
    difference = queries.compared_zone_plans(plan, second)
    assert difference.moved == queries.zone_plan(second).figures["moved"]
    anew = actions.draft_zone_plan(wish=Wish("Anew", 9), by=STEWARD, at=AT)
    assert not {zone.code for zone in queries.zones_of(anew)} & first


def test_a_draft_made_before_another_was_published_gets_identifiers_of_its_own(plan: str) -> None:
    other = actions.draft_zone_plan(wish=Wish("Other", 4), by=STEWARD, at=AT)
    published(plan, TODAY)
    published(other, TODAY + timedelta(days=1))
    first, second = ({zone.code for zone in queries.zones_of(one)} for one in (plan, other))
    assert not first & second


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (Wish("", 3), "zones.name"), (Wish("x" * 121, 3), "zones.name"), (Wish("Zero", 0), "zones.number"),
        (Wish("Many", 100_001), "zones.number"), (Wish("Cats", 3, weights={"cats": 1}), "zones.weights"),
        (Wish("Not", 3, weights={"people": float("nan")}), "zones.weights"),
        (Wish("None", 3, weights={"people": 0}), "zones.weights"),
        (Wish("County", 3, counties={"city/d01": "44"}), "zones.county"),
    ],
)  # fmt: skip
def test_wishes_that_cannot_be_met_are_refused(small_city: CityFacts, wish: Wish, code: str) -> None:
    refused(code, act=actions.draft_zone_plan, wish=wish, by=STEWARD, at=AT)
    assert not models.ZonePlan.objects.exists()


def test_without_a_city_there_is_nothing_to_divide(db: None) -> None:
    refused("city.none", act=actions.draft_zone_plan, wish=Wish("First", 3), by=SYSTEM, at=AT)


def test_a_plan_that_is_not_there_is_refused_by_name(db: None) -> None:
    refused("zones.no_plan", act=queries.zone_plan, plan_id="nowhere")


def test_past_cases_of_the_lake_weigh_where_they_happened(small_city: CityFacts, tmp_path: Path, settings: Any) -> None:
    settings.CITYLOOM = settings.CITYLOOM | {"LAKE_DIR": tmp_path}
    without = actions.draft_zone_plan(wish=Wish("Without", 6), by=STEWARD, at=AT)
    declared = Dataset("litter", "Litter", (), each="month", counts_as="cases")
    catalogue.declare(tmp_path, declared)
    cell = models.Building.objects.values_list("cell", flat=True)[0]
    days = [1, 200, 400, 0]
    at = [int((AT - timedelta(days=back)).timestamp()) * 1_000_000 for back in days]
    catalogue.table(tmp_path, "litter").append({"thing": [1, 2, 3, 4], "at": at, "cell": [cell, cell, cell, 0]})
    within = actions.draft_zone_plan(wish=Wish("Within", 6), by=STEWARD, at=AT)
    plain, weighed = (book.grid_of(book.find(one)).graph for one in (without, within))
    more = weighed.load - plain.load
    assert more.sum() == pytest.approx(2 * 3), "the third is too long ago, and nobody knows where the last was"
    assert weighed.cell[more > 0].tolist() == [h3.cell_to_parent(cell, 10)]
    none = actions.draft_zone_plan(wish=Wish("None", 6, cases={}), by=STEWARD, at=AT)
    assert book.grid_of(book.find(none)).graph.load.sum() == pytest.approx(plain.load.sum())
