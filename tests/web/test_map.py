"""The map gets what its reader may see: layers, tiles that never change, and a clear no for everything else."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import mapbox_vector_tile as reference
import pytest
from django.test import Client

from cityloom.kernel.mvt import Tile
from cityloom.registers.models import City as Registered
from cityloom.web.tile_cache import NAME, TileCache, tile_cache
from tests.web.conftest import City

pytestmark = pytest.mark.django_db
SignIn = Callable[[str], Client]


@pytest.fixture
def cache(settings: Any, tmp_path: Path) -> Iterator[TileCache]:
    settings.CITYLOOM = settings.CITYLOOM | {"CITY_DIR": tmp_path}
    yield tile_cache()
    tile_cache().close()


def described(client: Client, ask: str = "") -> dict[str, Any]:
    return client.get(f"/map/layers.json{ask}").json()


def address(shown: dict[str, Any], tiles: str, city: City, z: int) -> str:
    tile = Tile.holding(city.lon, city.lat, z)
    pattern = shown["sources"][tiles]["tiles"][0]
    return pattern.format(z=z, x=tile.x, y=tile.y)


def decoded(body: bytes) -> dict[str, Any]:
    return reference.decode(body)


def test_everybody_sees_the_ground_and_staff_the_mains_too(city: City, signed_in: SignIn, cache: TileCache) -> None:
    everybody, staff = described(Client()), described(signed_in("commander"))
    assert {"land", "roads", "buildings", "density", "places"} <= {one["key"] for one in everybody["layers"]}
    assert "mains" not in {one["key"] for one in everybody["layers"]}
    assert "mains" in {one["key"] for one in staff["layers"]}
    assert described(signed_in("commander"), "?public=1")["layers"] == everybody["layers"]
    assert "works" not in everybody["sources"]
    assert Client().get(address(staff, "works", city, 16)).status_code == 404
    assert signed_in("commander").get(address(staff, "works", city, 16)).status_code == 200


def test_buildings_are_drawn_from_zoom_15_and_counted_below(city: City, cache: TileCache) -> None:
    shown = described(Client())
    near = decoded(Client().get(address(shown, "ground", city, 15)).content)
    far = decoded(Client().get(address(shown, "ground", city, 14)).content)
    assert len(near["buildings"]["features"]) > 10
    assert "density" not in near
    assert "buildings" not in far
    assert sum(one["properties"]["buildings"] for one in far["density"]["features"]) > 10
    assert any(one["properties"].get("name_zh") for one in near["roads"]["features"])


def test_a_tile_is_compressed_kept_for_good_and_asked_for_once(city: City, cache: TileCache) -> None:
    url = address(described(Client()), "ground", city, 15)
    first = Client().get(url, headers={"Accept-Encoding": "gzip"})
    assert first["Content-Encoding"] == "gzip"
    assert first["Cache-Control"] == "public, max-age=31536000, immutable"
    assert gzip.decompress(first.content) == Client().get(url).content
    again = Client().get(url, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_an_official_keeps_tiles_too_though_pages_are_not_kept(city: City, signed_in: SignIn, cache: TileCache) -> None:
    client = signed_in("commander")
    shown = described(client)
    assert client.get(address(shown, "ground", city, 15))["Cache-Control"].startswith("public")
    assert client.get(address(shown, "works", city, 16))["Cache-Control"].startswith("private")
    assert client.get("/map/layers.json")["Cache-Control"] == "no-store"


def test_where_nothing_lies_there_is_nothing_to_send(city: City, cache: TileCache) -> None:
    version = described(Client())["version"]
    assert Client().get(f"/tiles/{version}/ground/16/0/0.mvt").status_code == 204
    assert cache.get(version, "ground", Tile(16, 0, 0)) is None, "places far away would push the city out of the cache"


@pytest.mark.parametrize("wrong", [
    "old/ground/15/1/1.mvt", "{version}/ground/17/1/1.mvt", "{version}/ground/3/8/1.mvt",
    "{version}/nothing/15/1/1.mvt", "{version}/ground/15/1/99999999999999999999.mvt",
    "{version}/ground/99999999999/1/1.mvt",
])  # fmt: skip
def test_a_tile_that_does_not_exist_says_why(city: City, cache: TileCache, wrong: str) -> None:
    answer = Client().get(f"/tiles/{wrong.format(version=described(Client())['version'])}")
    assert answer.status_code == 404
    assert answer.json()["sentence"]


@pytest.mark.parametrize("wrong", ["a/b/c.mvt", "v/ground/1/-1/1.mvt", "v/ground/1/1/1.png", "v/../1/1/1.mvt"])
def test_an_address_that_is_no_tile_is_not_found(wrong: str) -> None:
    assert Client().get(f"/tiles/{wrong}").status_code == 404


def test_a_style_names_things_in_the_readers_language_and_colours_by_their_meaning(city: City) -> None:
    layers = described(Client())["layers"]
    chinese = Client(headers={"Accept-Language": "zh-hans"}).get("/map/layers.json").json()["layers"]
    streets = next(one for one in layers if one["key"] == "roads")
    assert '["coalesce", ["get", "name"], ["get", "name_zh"]]' in json.dumps(streets["style"])
    assert '["coalesce", ["get", "name_zh"], ["get", "name"]]' in json.dumps(chinese)
    assert "@name" not in json.dumps(layers)
    assert {item["swatch"] for one in layers for item in one["legend"]} >= {"--map-water", "--map-road-major"}
    assert next(one for one in chinese if one["key"] == "roads")["label"] == "街道"


def test_without_a_city_the_map_says_that_there_is_none(db: None) -> None:
    Registered.objects.all().delete()
    shown = described(Client())
    assert (shown["version"], shown["sources"], shown["bounds"]) == (None, {}, None)
    assert Client().get("/tiles/any/ground/15/1/1.mvt").json()["code"] == "map.no_city"


# --- the cache


TILE = Tile(3, 1, 2)


def test_the_cache_gives_back_what_it_was_given(tmp_path: Path) -> None:
    one, other = TileCache(tmp_path / NAME, 10**6), TileCache(tmp_path / NAME, 10**6)
    assert one.get("v1", "ground", TILE) is None
    one.put("v1", "ground", TILE, b"body")
    other.put("v1", "ground", Tile(3, 1, 3), b"")
    assert (one.get("v1", "ground", TILE), one.get("v1", "ground", Tile(3, 1, 3))) == (b"body", b"")
    assert other.get("v1", "ground", TILE) == b"body"
    assert other.get("v1", "works", TILE) is None


def test_tiles_of_an_old_version_go(tmp_path: Path) -> None:
    cache = TileCache(tmp_path / NAME, 10**6)
    cache.put("v1", "ground", TILE, b"old")
    cache.put("v2", "ground", TILE, b"new")
    assert (cache.get("v1", "ground", TILE), cache.get("v2", "ground", TILE)) == (None, b"new")


def test_the_cache_stays_within_its_size_and_the_oldest_leave_first(tmp_path: Path) -> None:
    cache = TileCache(tmp_path / NAME, 100_000)
    for x in range(400):
        cache.put("v1", "ground", Tile(10, x, 0), bytes(1000))
    kept = [x for x in range(400) if cache.get("v1", "ground", Tile(10, x, 0)) is not None]
    assert kept == list(range(kept[0], 400))
    assert 20 < len(kept) < 100 + 64


@pytest.mark.parametrize("content", [b"no database at all" * 500, b""])
def test_a_damaged_cache_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    cache = TileCache(tmp_path / NAME, 10**6)
    cache.get("v1", "ground", TILE)
    cache.put("v1", "ground", TILE, b"body")
    assert cache.get("v1", "ground", TILE) == b"body"


def test_a_tile_that_the_disk_has_changed_is_drawn_again(tmp_path: Path) -> None:
    cache = TileCache(tmp_path / NAME, 10**6)
    cache.put("v1", "ground", TILE, b"body")
    cache._open().execute("UPDATE tile SET body = CAST(replace(body, 'o', 'x') AS BLOB)")
    assert cache.get("v1", "ground", TILE) is None
    cache.put("v1", "ground", TILE, b"body")
    assert cache.get("v1", "ground", TILE) == b"body"


def test_without_a_place_for_the_cache_tiles_are_drawn_each_time(tmp_path: Path) -> None:
    cache = TileCache(tmp_path / "nowhere" / NAME, 10**6)
    cache.put("v1", "ground", TILE, b"body")
    assert cache.get("v1", "ground", TILE) is None


def test_several_writers_share_the_cache(tmp_path: Path) -> None:
    def write(number: int) -> None:
        cache = TileCache(tmp_path / NAME, 10**6)
        for x in range(40):
            cache.put("v1", "ground", Tile(10, x, number % 2), b"%d" % x)
        cache.close()

    with ThreadPoolExecutor(4) as writers:
        list(writers.map(write, range(8)))
    reader = TileCache(tmp_path / NAME, 10**6)
    assert [reader.get("v1", "ground", Tile(10, x, 1)) for x in range(40)] == [b"%d" % x for x in range(40)]
