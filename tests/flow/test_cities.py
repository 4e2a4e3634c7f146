"""Bad input leaves the city as it was; good files of any kind become cities."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests import realdata
from tests.flow.installation import Installation


def feature(geometry: dict, **properties: object) -> dict:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def folder_of(path: Path, *, turned: bool = False) -> Path:
    """A little town on a grid."""
    def corner(x: float, y: float) -> list[float]:
        place = [113.9 + x * 0.0010, 22.5 + y * 0.0008]
        return place[::-1] if turned else place

    houses = [
        feature({"type": "Polygon", "coordinates": [[corner(x + a, y + b) for a, b in
                 ((0.2, 0.2), (0.6, 0.2), (0.6, 0.6), (0.2, 0.6), (0.2, 0.2))]]}, building="apartments", levels=5)
        for x in range(12) for y in range(12)
    ]  # fmt: skip
    ways = [feature({"type": "LineString", "coordinates": [corner(x, y) for y in range(13)]}, highway="residential",
                    name=f"North Street {x}") for x in range(13)]  # fmt: skip
    ways += [feature({"type": "LineString", "coordinates": [corner(x, y) for x in range(13)]}, highway="secondary",
                     name=f"East Street {y}") for y in range(13)]  # fmt: skip
    places = [feature({"type": "Point", "coordinates": corner(6.4, 0.4)}, amenity="school", name="School")]
    path.mkdir(exist_ok=True)
    for name, features in (("buildings", houses), ("roads", ways), ("places", places)):
        collection = {"type": "FeatureCollection", "features": features}
        (path / f"{name}.geojson").write_text(json.dumps(collection))
    return path


def village_of(path: Path) -> Path:
    """Twelve houses on one street, with nothing else: no school, no park, no other building."""
    points = [(number % 7 * 0.0003, 0.0) for number in range(7)]
    houses = [(0.0003 * (row % 6), 0.0001 if row < 6 else -0.0002) for row in range(12)]
    points += [(x + a, y + b) for x, y in houses for a, b in ((0, 0), (0.0001, 0), (0.0001, 0.0001), (0, 0.0001))]
    nodes = [f'<node id="{n}" lon="{x - 70.6:.6f}" lat="{y - 33.4:.6f}"/>' for n, (x, y) in enumerate(points, 1)]
    street = _way(1, range(1, 8), highway="residential", name="Calle Larga")
    ways = [_way(2 + n, [8 + 4 * n, 9 + 4 * n, 10 + 4 * n, 11 + 4 * n, 8 + 4 * n], building="house") for n in range(12)]
    path.write_text(f'<osm version="0.6">{"".join([*nodes, street, *ways])}</osm>')
    return path


def _way(number: int, points: Iterable[int], **tags: str) -> str:
    inside = [f'<nd ref="{point}"/>' for point in points] + [f'<tag k="{k}" v="{v}"/>' for k, v in tags.items()]
    return f'<way id="{number}">{"".join(inside)}</way>'


def standing(city: Installation) -> tuple[str, str]:
    """Which city is in use, and its database to the byte."""
    database = (city.home / "current" / "city.db").read_bytes()
    return str((city.home / "current").resolve()), hashlib.sha256(database).hexdigest()


@pytest.fixture(scope="module")
def town(new_home: Callable[[], Installation], tmp_path_factory: pytest.TempPathFactory) -> Installation:
    installation = new_home()
    outcome = installation.run("city", "import", str(folder_of(tmp_path_factory.mktemp("town") / "little-town")))
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return installation


def test_a_folder_becomes_a_city_that_can_be_drilled(town: Installation) -> None:
    facts = town.json("city", "show", "--json")
    assert facts["counts"]["buildings"] == 144
    assert facts["kind"] == "folder"
    assert facts["is_synthetic"] is True, "its people are made up"
    assert town.json("drill", "run", "sinkhole", "--json")["outcome"] == "safe"


def test_a_village_that_has_nowhere_to_go_says_so_for_every_household(
    new_home: Callable[[], Installation], tmp_path: Path
) -> None:
    village = new_home()
    path = village_of(tmp_path / "village.osm")
    outcome = village.run("city", "import", str(path))
    assert outcome.returncode == 0, outcome.stderr
    report = village.json("drill", "run", "sinkhole", "--json")
    assert report["outcome"] == "safe"
    assert report["shelters"] == [] and report["unplaced_households"] > 0
    english = report["alerts"][0]["info"]["en"]
    assert "Go where police and workers direct you" in english["instruction"]


def test_a_city_keeps_local_time(town: Installation, tmp_path: Path) -> None:
    shown = town.json("city", "show", "--json")
    assert shown["timezone"] == "UTC+08:00"
    assert "by longitude" in shown["synthesised"]["time zone"]["rule"]
    source = folder_of(tmp_path / "named")
    outcome = town.run("city", "import", str(source), "--timezone", "Mars/Olympus")
    assert outcome.returncode == 1 and "city.timezone_unknown" in outcome.stderr
    named = town.json("city", "import", str(source), "--timezone", "Asia/Kathmandu", "--json")
    assert named["timezone"] == "Asia/Kathmandu" and "time zone" not in named["synthesised"]
    report = town.json("drill", "run", "sinkhole", "--json")
    assert report["began"] == "2026-06-03T06:45:00+05:45"
    assert {alert[key][-6:] for alert in report["alerts"] for key in ("sent", "expires")} == {"+05:45"}
    assert "2026-06-03 06:45:00 +05:45 (Asia/Kathmandu)" in Path(report["files"][0]).read_text()


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("missing.osm.pbf", None, "city.file_missing"),
        ("empty.osm.pbf", b"", "city.file_empty"),
        ("words.osm.pbf", b"these are words, not a map" * 50, "city."),
        ("picture.png", b"\x89PNG\r\n\x1a\n", "city.file_wrong_kind"),
    ],
)
def test_a_bad_file_is_refused_and_the_city_stays_as_it_was(
    town: Installation, tmp_path: Path, name: str, content: bytes | None, code: str
) -> None:
    before = standing(town)
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    outcome = town.run("city", "import", str(path))
    assert outcome.returncode == 1
    assert code in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert standing(town) == before
    assert len(list((town.home / "cities").iterdir())) == 1, "nothing half-built is left behind"


def test_swapped_coordinates_are_refused_with_what_to_do(town: Installation, tmp_path: Path) -> None:
    before = standing(town)
    outcome = town.run("city", "import", str(folder_of(tmp_path / "turned", turned=True)))
    assert outcome.returncode == 1
    assert "city.coordinates_swapped" in outcome.stderr
    assert "ongitude" in outcome.stderr
    assert standing(town) == before


def test_a_builder_that_dies_leaves_nothing_and_hurts_nobody(town: Installation) -> None:
    dead = town.home / "cities" / "01DEADDEADDEADDEADDEADDEAD"
    dead.mkdir()
    (dead / "building.pid").write_text("999999999")
    before = standing(town)
    assert town.run("city", "import", "/nowhere").returncode == 1
    assert not dead.exists()
    assert standing(town) == before


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["porto-center.osm.pbf", "shenzhen-nanshan"])
def test_real_cities_are_imported_and_drilled(new_home: Callable[[], Installation], name: str) -> None:
    path = realdata.path(f"osm/{name}")
    installation = new_home()
    outcome = installation.run("city", "import", str(path))
    assert outcome.returncode == 0, outcome.stderr
    report = installation.json("drill", "run", "sinkhole", "--json")
    assert report["outcome"] == "safe"
    assert report["city"]["attribution"] == "(c) OpenStreetMap contributors"
    assert report["city"]["attribution"] in Path(report["files"][0]).read_text()
    assert report["unplaced_households"] == 0
