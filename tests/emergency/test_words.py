"""Words fit for people: the place is named, and no block mixes languages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cityloom.alerts import queries as alerts
from cityloom.emergency.domain import words
from cityloom.emergency.domain.places import CHINESE, ENGLISH, area_in, is_chinese, said
from tests.emergency.conftest import NOW, Scene

SCHOOL = {ENGLISH: "school", CHINESE: "学校"}


@pytest.mark.parametrize(
    ("name", "english", "chinese"),
    [
        ("梅林学校", "the school near 22.54000 114.05000", "梅林学校"),
        ("Escola do Bolhão", "Escola do Bolhão", "“Escola do Bolhão”"),
        ("Meilin School 梅林学校", "Meilin School", "梅林学校"),
        ("3号学校", "the school near 22.54000 114.05000", "3号学校"),
        ("みなと小学校", "the school near 22.54000 114.05000", "みなと小学校"),
        ("مدرسة السلام 2", "مدرسة السلام 2", "“مدرسة السلام 2”"),
        ("Школа № 5", "Школа № 5", "“Школа № 5”"),
        ("", "the school near 22.54000 114.05000", "22.54000 114.05000 附近的学校"),
    ],
)
def test_a_local_name_is_said_as_each_language_can(name: str, english: str, chinese: str) -> None:
    assert said(name, ENGLISH, kind=SCHOOL, lon=114.05, lat=22.54) == english
    assert said(name, CHINESE, kind=SCHOOL, lon=114.05, lat=22.54) == chinese


def test_an_area_known_in_chinese_only_is_found_by_its_coordinates() -> None:
    assert area_in({"en": "科技路 and its surroundings, Nanshan", "zh-Hans": ""}, ENGLISH, 1.0, 2.0) == "Nanshan"
    named = area_in({"en": "科技路", "zh-Hans": "科技路"}, ENGLISH, 114.05, 22.54)
    assert named == "the street near 22.54000 114.05000"


@pytest.mark.parametrize("purpose", ["evacuation", "all-clear", "cancellation"])
@pytest.mark.parametrize("place", [{"en": "Row 6", "zh-Hans": "横街6"}, {"en": "科技路", "zh-Hans": "科技路"},
                                   {"en": "Rua Nova", "zh-Hans": "“Rua Nova”一带"}])  # fmt: skip
def test_english_is_english_and_chinese_is_chinese(purpose: str, place: dict[str, str]) -> None:
    matter = words.Matter(
        purpose=purpose, category="ground-collapse", place=place, lon=114.05, lat=22.54, hazard_radius_m=30,
        buildings=3, households=4, needing_help=1, in_hazard=1, exercise=True, synthetic_city=True,
        shelters={ENGLISH: ["North School"], CHINESE: ["北学校"]}, streets={ENGLISH: [], CHINESE: []}, valves={},
    )  # fmt: skip
    blocks = words.alert_words(matter)
    asked = words.notices(matter)
    english = [*blocks[ENGLISH].values(), *(one for asks in asked.values() for one in asks[ENGLISH])]
    chinese = [*blocks[CHINESE].values(), *(one for asks in asked.values() for one in asks[CHINESE])]
    assert not any(is_chinese(text) for text in english)
    assert all(is_chinese(text) for text in chinese)
    for language, block in blocks.items():
        assert area_in(place, language, 114.05, 22.54) in block["headline"]
        assert block["headline"].startswith("EXERCISE" if language == ENGLISH else "【演练】")


def test_the_alert_that_is_proposed_passes_the_linter(scene: Scene) -> None:
    facts = scene.propose()
    assert alerts.lint_document(facts.document, at=scene.now) == []
    assert alerts.time_from(facts.document["expires"]) - NOW <= timedelta(hours=24)


@pytest.mark.parametrize(("real_place", "said_of"), [(False, "The city and its people"), (True, "The people counted")])
def test_an_alert_calls_synthetic_only_what_is(real_place: bool, said_of: str) -> None:
    matter = words.Matter(
        purpose="evacuation", category="fire", place={ENGLISH: "Row 6"}, lon=1.0, lat=2.0, hazard_radius_m=30,
        buildings=3, households=4, needing_help=1, in_hazard=1, exercise=True, synthetic_city=True,
        shelters={ENGLISH: [], CHINESE: []}, streets={ENGLISH: [], CHINESE: []}, valves={}, real_place=real_place,
    )  # fmt: skip
    assert words.alert_words(matter)[ENGLISH]["description"].endswith(f"{said_of} {'here ' * real_place}are synthetic.")
