"""Addresses lead to buildings, or say how near they come and why; each building has an address or a reason."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import shapely
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from cityloom.kernel.actor import SYSTEM
from cityloom.registers import actions, geocoding, queries
from cityloom.registers.display import place_reason
from cityloom.registers.domain.building_addresses import AddressLevel, with_derived
from cityloom.registers.domain.complete import complete
from cityloom.registers.domain.draft import texts
from cityloom.registers.domain.geocoder import Houses, Index, Lines, built
from cityloom.registers.layers import cards, search
from cityloom.registers.loading import placing
from cityloom.registers.models import Building, BuildingRecord, PlaceByAddress, RoadSegment
from tests import realdata
from tests.registers.conftest import AT
from tests.registers.test_complete import road, square, town


def houses(*rows: tuple[str, str, str, float, float]) -> Houses:
    """Street, number, name, metres east and north of a place; ids from 1."""
    street, number, name, x, y = (list(column) for column in zip(*rows, strict=True))
    lon, lat = 8.6 + np.array(x) / 83_900, 41.15 + np.array(y) / 111_000
    known = np.array([one != "" for one in number])
    return Houses(np.arange(1, len(rows) + 1), texts(street), texts(number), texts(name), lon, lat, known)


def lines(*rows: tuple[str, str]) -> Lines:
    many = len(rows)
    place = (np.full(many, 8.6), np.full(many, 41.15), np.full(many, 100.0))
    return Lines(texts(row[0] for row in rows), texts(row[1] for row in rows), *place)


@pytest.fixture(scope="module")
def index() -> Index:
    found = houses(
        ("Rua das Flores", "2", "", 0, 10), ("Rua das Flores", "10", "", 80, 10), ("Rua das Flores", "1", "", 0, -10),
        ("Rua das Flores", "9", "", 80, -10), ("Rua das Flores", "12A", "", 100, 10),
        ("科苑路", "15", "创业大厦", 500, 0),
        ("科苑路", "21", "", 560, 0), ("Avenue Albert II", "3", "", 900, 900), ("Rua Nova", "7", "", 0, 2000),
        ("Rua Nova", "7", "", 3000, 2000),
    )  # fmt: skip
    return built(found, lines(("Rua das Flores", ""), ("Beiqiao Street", "北桥街")), lines(("Yuehai", "粤海街道")))


FOUND = [
    ("R. das Flores, nº 10", "building", 2), ("10 Rua das Flores, 4000-447 Porto", "building", 2),
    ("Rua das Flores 12-A, 3º Esq", "building", 5), ("Flores 9", "building", 4),
    ("广东省深圳市南山区粤海街道科苑路１５号3栋502室", "building", 6), ("南山区创业大厦12楼", "building", 6),
    ("3, avenue Albert II", "building", 8), ("Rua das Flores 6", "number", 0), ("Rua das Flores 5", "number", 0),
    ("科苑路17号", "number", 0), ("Rua das Flores 18", "number", 0), ("Rua das Flores 400", "street", 0),
    ("Rua das Flores", "street", 0), ("北桥街12号", "street", 0), ("粤海街道某处", "area", 0),
    ("Rua Nova 7", "ambiguous", 0),
    ("Rua Que Não Existe 3", "none", 0), ("", "none", 0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "level", "building"), FOUND)
def test_an_address_is_found_as_near_as_it_can_be(index: Index, text: str, level: str, building: int) -> None:
    found = index.find(text)
    assert (found.level, found.building) == (level, building)
    assert found.reason
    assert (found.lon is None) == (level in ("ambiguous", "none"))


def test_a_number_between_neighbours_is_on_its_side_and_within_what_is_said(index: Index) -> None:
    even, odd = index.find("Rua das Flores 6"), index.find("Rua das Flores 5")
    assert even.lat > 41.15 > odd.lat
    assert even.lon == pytest.approx(8.6 + 40 / 83_900, abs=2e-6)
    assert even.within_m == pytest.approx(80, abs=1)


def test_several_houses_of_one_address_are_told_apart(index: Index) -> None:
    found = index.find("Rua Nova 7")
    assert [one.building for one in found.candidates] == [9, 10]


@given(st.text(max_size=60))
def test_no_text_breaks_the_search(text: str) -> None:
    assert built(houses(("A", "1", "", 0, 0)), lines(), lines()).find(text).level


def test_an_empty_city_finds_nothing() -> None:
    none, number = texts([]), np.zeros(0)
    nothing = Houses(np.zeros(0, np.int64), none, none, none, number, number, np.zeros(0, bool))
    assert built(nothing, lines(), lines()).find("Rua das Flores 10").level == "none"


def test_a_building_takes_the_number_between_its_neighbours_or_its_street_or_has_a_reason() -> None:
    row = [square(0, 0, 10), square(40, 0, 10), square(80, 0, 10), square(0, 500, 10), square(120, -40, 10)]
    draft = town(row, [road(-10, "Rua Nova")], street=texts(["Rua Nova", "", "Rua Nova", "", ""]),
                 house_number=texts(["2", "", "10", "", ""]))  # fmt: skip
    columns, _made = with_derived(draft.buildings, draft.roads)
    level = [AddressLevel(one).name for one in columns["address_level"]]
    assert level == ["TAGS", "INTERPOLATED", "TAGS", "NONE", "STREET"]
    assert columns["house_number"].tolist() == ["2", "6", "10", "", ""]
    assert columns["street"].tolist() == ["Rua Nova"] * 3 + ["", "Rua Nova"]


def test_no_number_is_interpolated_that_is_taken_or_on_the_other_side() -> None:
    row = [square(0, 0, 10), square(40, 0, 10), square(80, 0, 10), square(40, -40, 10)]
    draft = town(row, [road(-10, "Rua Nova")], street=texts(["Rua Nova", "", "Rua Nova", ""]),
                 house_number=texts(["2", "", "4", ""]))  # fmt: skip
    columns, _made = with_derived(draft.buildings, draft.roads)
    assert columns["house_number"].tolist() == ["2", "", "4", ""]


@pytest.fixture
def drawn_city(db: None, no_keeper: None) -> None:
    row = [square(0, 0, 10), square(40, 0, 10), square(80, 0, 10), square(0, 500, 10)]
    draft = town(row, [road(-10, "Rua Nova")], street=texts(["Rua Nova", "", "Rua Nova", ""]),
                 house_number=texts(["2", "", "10", ""]))  # fmt: skip
    actions.load(complete(draft, 1), seed=1, people=False, by=SYSTEM, at=AT)


def test_a_card_says_where_an_address_is_from(drawn_city: None) -> None:
    by_level = {row.address_level: row.id for row in Building.objects.all()}
    told = {level: dict(cards.building(None, str(number), None).facts) for level, number in by_level.items()}
    assert "own word" in told[AddressLevel.TAGS]["Address by"]
    assert "neighbours" in told[AddressLevel.INTERPOLATED]["Address by"]
    assert "60 m" in told[AddressLevel.NONE]["Address by"]
    assert cards.building(None, str(by_level[AddressLevel.NONE]), None).title.startswith("Building ")


def test_a_number_that_was_made_up_is_offered_as_an_address_nowhere(drawn_city: None) -> None:
    row = Building.objects.get(address_level=AddressLevel.NONE)
    assert row.house_number, "what is held back is there"
    street, number = row.street, row.house_number
    assert queries.place_of(street, number) is None
    assert queries.dwellings_at(street, number) == {}
    assert row.id not in [one.id for one in search._houses(street, number)]
    assert queries.place_of("rua nova", "10") is not None
    label = f"building {row.id}"
    assert all(label in words for words in queries.addresses([row.first_dwelling_id]).values())
    assert number not in search.addresses(None, str(row.id), 5)[0].title.split()
    near = queries.buildings_touching(shapely.from_wkb(bytes(row.footprint)))
    assert (near.id.tolist(), near.house_number.tolist()) == ([row.id], [""])


@pytest.mark.parametrize("text", [one[0] for one in FOUND])
def test_every_reason_is_told_in_chinese(index: Index, text: str) -> None:
    with translation.override("zh-hans"):
        told = place_reason(index.find(text).reason)
    assert set(re.findall(r"[A-Za-z]+", told)) <= {"Rua", "das", "Flores", "Beiqiao", "Street", "Yuehai", "A"}
    assert re.search(r"[\u4e00-\u9fff]", told)


def test_coverage_counts_every_building(drawn_city: None) -> None:
    counts = queries.address_coverage()
    assert {level.name: count for level, count in counts.items() if count} == {
        "TAGS": 2, "INTERPOLATED": 1, "NONE": 1,
    }  # fmt: skip


def test_the_index_is_kept_and_read_again(drawn_city: None) -> None:
    first = queries.geocoded("R. Nova nº 10")
    geocoding._index.cache_clear()
    assert queries.geocoded("R. Nova nº 10") == first
    assert first.level == "building"
    assert list(queries.geocoded_many(["R. Nova nº 10", "Rua Nova 10"])) == [first, first]


def test_a_whole_address_is_found_in_the_search_box(drawn_city: None) -> None:
    hits = search.addresses(None, "Rua Nova, nº 10, 3º Esq, 4000-447 Porto", 5)
    assert [hit.title for hit in hits] == ["Rua Nova 10"]


def test_a_chinese_address_finds_the_house_of_a_made_up_city(small_city: object) -> None:
    geocoding._index.cache_clear()
    row = Building.objects.exclude(street="").exclude(house_number="").first()
    roads = dict(RoadSegment.objects.values_list("name", "name_zh"))
    hits = search.addresses(None, f"{roads[row.street]}{row.house_number}号2单元301室", 5)
    assert (row.lon, row.lat) in [hit.place for hit in hits]


def test_records_without_coordinates_get_a_place_beside_what_they_say(drawn_city: None, tmp_path: Path) -> None:
    geocoding._index.cache_clear()
    mapping = """\
cityloom: 1
source: survey
register: buildings
as_of: 2026-11-01
file: {format: csv}
columns: {code: {field: code}, address: {field: address}, lon: {field: lon}, lat: {field: lat}}
"""
    (tmp_path / "m.yaml").write_text(mapping)
    (tmp_path / "b.csv").write_text(
        'code,address,lon,lat\nB1,"R. Nova, nº 10",,\nB2,Rua Nova 2,8.601,41.151\nB3,Nowhere 1,,\nB4,Rua Nova 4,,\n'
    )
    loaded = actions.load_file(actions.read_mapping(tmp_path / "m.yaml"), tmp_path / "b.csv", by=SYSTEM, at=AT)
    rows = {row.key: row for row in BuildingRecord.objects.all()}
    placed = queries.places_by_address([row.id for row in rows.values()])
    assert rows["B1"].lon is None  # the source's word stays as it is
    assert placed[rows["B1"].id].level == "building"
    assert placed[rows["B4"].id].level == "number"
    assert placed[rows["B3"].id].level == "none"
    assert rows["B2"].id not in placed
    assert actions.place_by_address(loaded.load) == (0, 0)  # nothing is left to do


@pytest.mark.django_db
def test_the_city_that_registers_speak_of_is_meant_where_nobody_names_one(tmp_path: Path) -> None:
    assert queries.home_division() == ""
    mapping = "cityloom: 1\nsource: survey\nregister: buildings\nfile: {format: csv}\n" \
              "columns: {code: {field: code}, area: {field: division}}\n"
    (tmp_path / "m.yaml").write_text(mapping)
    (tmp_path / "b.csv").write_text("code,area\nB1,440305\nB2,440306\nB3,350213\n")
    actions.load_file(actions.read_mapping(tmp_path / "m.yaml"), tmp_path / "b.csv", by=SYSTEM, at=AT)
    assert queries.home_division() == "440300"


def test_what_a_load_left_is_looked_up_from_where_it_was_cut_short(
    drawn_city: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    geocoding._index.cache_clear()
    assert actions.known_by_address() is None
    mapping = "cityloom: 1\nsource: survey\nregister: buildings\nfile: {format: csv}\n" \
              "columns: {code: {field: code}, address: {field: address}}\n"
    (tmp_path / "m.yaml").write_text(mapping)
    (tmp_path / "b.csv").write_text("code,address\n" + "\n".join(f"B{row},Rua Nova {row}" for row in range(1, 8)))
    monkeypatch.setattr(placing, "_A_BATCH", 2)
    monkeypatch.setattr(placing.place, "__defaults__", (3,))
    loaded = actions.load_file(actions.read_mapping(tmp_path / "m.yaml"), tmp_path / "b.csv", by=SYSTEM, at=AT)
    assert queries.looked_up(queries.load_facts(loaded.load)) == 4, "three rows behind the header"
    write, written = placing._write, []

    def cut_short(*rows: object) -> None:
        if written:
            raise KeyboardInterrupt
        written.append(rows)
        write(*rows)

    monkeypatch.setattr(placing, "_write", cut_short)
    with pytest.raises(KeyboardInterrupt):
        actions.place_what_waits()
    monkeypatch.setattr(placing, "_write", write)
    actions.place_what_waits()
    assert queries.looked_up(queries.load_facts(loaded.load)) == 8
    assert PlaceByAddress.objects.count() == 7
    assert actions.known_by_address()[0] == loaded.load


@pytest.mark.realdata
@pytest.mark.parametrize(("city", "buildings", "numbered", "street"), [
    ("monaco", 1_200, 0.15, 0.97), ("porto-center", 11_000, 0.16, 0.97),
])  # fmt: skip
def test_every_building_of_a_real_city_has_an_address_or_a_reason(
    city: str, buildings: int, numbered: float, street: float
) -> None:
    from cityloom.registers.contrib.osm.reader import read_osm

    draft = read_osm(realdata.path(f"osm/{city}.osm.pbf"))
    columns, _made = with_derived(draft.buildings, draft.roads)
    level = columns["address_level"]
    assert len(level) >= buildings
    assert (level > 0).all()
    assert (level <= AddressLevel.INTERPOLATED).mean() >= numbered
    assert (level <= AddressLevel.STREET).mean() >= street
    assert (columns["street"][level <= AddressLevel.STREET] != "").all()
