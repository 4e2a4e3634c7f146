"""Loading a city: as a whole, or not at all."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import shapely
from django.db import connection

from cityloom.accounts.models import Unit
from cityloom.gate import actions as gate
from cityloom.gate.models import Envelope
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.registers import actions, bulk, models, queries
from cityloom.registers.domain.answers import CityFacts
from cityloom.registers.domain.draft import BuildingTable, Draft, NodeTable, RoadTable, shapes, texts
from cityloom.registers.domain.synthetic import synthetic_city
from tests.registers.conftest import AT, PEOPLE


def two_houses(**changes: object) -> Draft:
    """A street with a house on each side."""
    houses = shapes([shapely.box(8.0, 41.0, 8.0002, 41.0002), shapely.box(8.001, 41.0, 8.0012, 41.0002)])
    nodes = NodeTable(np.array([8.0, 8.002]), np.array([40.9999, 40.9999]))
    line = shapes([shapely.LineString([(8.0, 40.9999), (8.002, 40.9999)])])
    roads = RoadTable.of(np.array([0]), np.array([1]), line, texts(["Rua Nova"]), texts(["residential"]))
    draft = Draft(kind="folder", name="Two houses", buildings=BuildingTable.of(houses), nodes=nodes, roads=roads)
    return replace(draft, **changes)  # type: ignore[arg-type]


def loaded(draft: Draft) -> CityFacts:
    return actions.load(actions.completed(draft, 1), seed=1, people=False, by=SYSTEM, at=AT)


def test_everyone_gets_an_envelope_and_a_home(small_city: CityFacts) -> None:
    assert Envelope.objects.count() == PEOPLE
    sealed = set(Envelope.objects.values_list("subject", flat=True))
    assert sealed == set(models.Resident.objects.values_list("subject", flat=True))
    assert {len(bytes(sealed)) for sealed in Envelope.objects.values_list("sealed", flat=True)[:9]} == {160}


def test_progress_runs_through_the_steps_to_their_end(db: None, no_keeper: None) -> None:
    seen: dict[str, tuple[int, int]] = {}
    actions.build_synthetic(
        2000, seed=1, by=SYSTEM, at=AT, progress=lambda step, done, total: seen.update({step: (done, total)})
    )
    assert list(seen) == ["generate", "complete", "buildings", "roads", "people", "index"]
    assert all(done == total for done, total in seen.values())


def test_every_building_belongs_to_a_unit(small_city: CityFacts) -> None:
    known = set(Unit.objects.filter(kind="community").values_list("id", flat=True))
    assert set(models.Building.objects.values_list("unit_id", flat=True)) <= known
    assert all(unit.id.startswith("city/") for unit in Unit.objects.filter(kind="district"))


@pytest.mark.django_db
def test_a_drawn_city_comes_back_as_it_was_drawn() -> None:
    facts = loaded(two_houses())
    assert facts.counts["buildings"] == 2
    assert facts.synthesised["streets of buildings"]["count"] == 2
    found = queries.buildings_touching(shapely.Point(8.0001, 41.0001))
    assert found.street.tolist() == ["Rua Nova"]
    assert found.levels.tolist() == [2]
    assert queries.area_words(8.0001, 41.0001)["en"].startswith("Rua Nova")


@pytest.mark.django_db
def test_a_city_without_homes_has_no_busiest_place_and_says_so() -> None:
    houses = two_houses().buildings
    loaded(two_houses(buildings=replace(houses, use=texts(["industrial", "office"]))))
    with pytest.raises(Refused) as refused:
        queries.busiest_place(120, seed=1)
    assert refused.value.code == "city.no_homes"
    loaded(two_houses())
    assert queries.busiest_place(120, seed=1) == pytest.approx((8.001, 40.9999))


@pytest.mark.django_db
def test_a_city_without_people_takes_the_place_of_one_with_people(no_keeper: None) -> None:
    actions.build_synthetic(2000, seed=1, by=SYSTEM, at=AT)
    loaded(two_houses())
    assert models.Resident.objects.count() == Envelope.objects.count() == 0
    assert models.Building.objects.count() == 2


@pytest.mark.django_db
def test_the_indexes_are_back_after_loading() -> None:
    loaded(two_houses())
    with connection.cursor() as cursor:
        for table in (models.Building, models.Resident, models.RoadSegment):
            there = connection.introspection.get_constraints(cursor, table._meta.db_table)
            assert {index.name for index in table._meta.indexes} <= set(there)


class BreaksError(Exception):
    """Something goes wrong in the middle."""


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["Building", "RoadSegment", "Resident"])
def test_a_failure_in_the_middle_leaves_the_city_as_it_was(
    table: str, no_keeper: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = loaded(two_houses())
    write = bulk.write

    def broken(model: type, columns: dict[str, object]) -> None:
        if model.__name__ == table:
            raise BreaksError
        write(model, columns)

    monkeypatch.setattr(bulk, "write", broken)
    with pytest.raises(BreaksError):
        actions.build_synthetic(2000, seed=1, by=SYSTEM, at=AT)
    assert queries.city() == before
    assert models.Building.objects.count() == 2
    assert len(queries.buildings_touching(shapely.Point(8.0001, 41.0001))) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), sqlite3.OperationalError("database or disk is full")]
)
def test_a_full_disk_is_one_sentence_and_the_city_stays(
    error: Exception, no_keeper: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = loaded(two_houses())

    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr(bulk, "write", full)
    with pytest.raises(Refused) as refused:
        actions.build_synthetic(2000, seed=1, by=SYSTEM, at=AT)
    assert refused.value.code == "city.disk_full"
    assert queries.city() == before


@pytest.mark.django_db
def test_a_keeper_that_is_gone_leaves_the_city_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    before = loaded(two_houses())

    def gone(**_: object) -> Iterator[None]:
        raise Refused("gate.keeper_down", "The keeper does not answer.")

    monkeypatch.setattr(gate, "sealing", gone)
    with pytest.raises(Refused) as refused:
        actions.build_synthetic(2000, seed=1, by=SYSTEM, at=AT)
    assert refused.value.code == "gate.keeper_down"
    assert queries.city() == before


def _moved(draft: Draft, x: float, y: float) -> Draft:
    far = shapely.transform(draft.buildings.footprint, lambda xy: xy + np.array([x, y]))
    return replace(draft, buildings=replace(draft.buildings, footprint=far))


BAD = {
    "city.empty": two_houses(buildings=BuildingTable.of(shapes())),
    "city.no_roads": two_houses(roads=RoadTable.of(np.zeros(0, int), np.zeros(0, int), shapes(), texts([]), texts([]))),
    "city.out_of_range": _moved(two_houses(), 0, 60),
    "city.bad_geometry": two_houses(buildings=BuildingTable.of(shapes([shapely.Polygon(), None]))),
}


@pytest.mark.django_db
@pytest.mark.parametrize("code", BAD)
def test_a_draft_that_no_city_can_be_made_of_is_refused(code: str) -> None:
    before = loaded(two_houses())
    with pytest.raises(Refused) as refused:
        loaded(BAD[code])
    assert refused.value.code == code
    assert queries.city() == before


def test_coordinates_that_are_not_numbers_are_refused() -> None:
    draft = two_houses()
    broken = shapely.transform(draft.buildings.footprint, lambda xy: np.where(xy > 41.0001, np.nan, xy))
    with pytest.raises(Refused) as refused:
        loaded(replace(draft, buildings=replace(draft.buildings, footprint=broken)))
    assert refused.value.code == "city.out_of_range"


def test_synthetic_drafts_say_what_they_are() -> None:
    assert synthetic_city(2000, seed=1).is_synthetic
    assert not two_houses().is_synthetic


@pytest.mark.django_db
def test_numbers_texts_and_nothing_survive_the_bulk_road() -> None:
    columns = {
        "id": np.array([1, 2**62]), "cell": np.array([-5, 7]), "kind": texts(["park", "other"]),
        "name": texts(["a\tb\n\\N", "公园"]), "lon": np.array([1.5, -2.5]), "lat": np.array([0.0, 9.0]),
        "building_id": np.array([np.nan, 3.0]), "area_m2": np.array([np.nan, 4.5]),
        "shelter_places": np.array([0, 9]), "indoors": np.array([True, False]), "made_up": np.array([0, 255]),
    }  # fmt: skip
    bulk.write(models.Place, columns)
    one, two = models.Place.objects.order_by("cell")
    assert (one.name, one.building_id, one.area_m2, one.indoors) == ("a\tb\n\\N", None, None, True)
    assert (two.id, two.name, two.building_id, two.area_m2, two.made_up) == (2**62, "公园", 3, 4.5, 255)


@pytest.mark.django_db
def test_bytes_of_fixed_length_keep_their_zeros() -> None:
    sealed = np.zeros((2, 160), np.uint8)
    sealed[1, 5] = 255
    bulk.write(Envelope, {
        "subject": np.array([1, 2]), "sealed": sealed, "field_set": np.array([1, 1]), "key_id": np.array([1, 1]),
    })  # fmt: skip
    assert [bytes(row.sealed) for row in Envelope.objects.order_by("subject")] == [bytes(row) for row in sealed]
