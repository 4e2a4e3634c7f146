"""The islands on a page: linked where they are built, light enough, and nothing but words where they are not."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from django.template import Context, Template

from cityloom.ui import built
from cityloom.ui.map_words import map_words
from tests.required import missing
from tools import letters

MOST_BYTES = 500_000
"""Compressed scripts of the cockpit, all together."""


def shown(template: str) -> str:
    return Template("{% load islands %}" + template).render(Context())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(built, "FOLDER", tmp_path)
    return tmp_path


def test_a_built_island_is_linked_with_its_sheet(folder: Path) -> None:
    manifest = {
        "map/index.ts": {"file": "map.0.js", "css": ["map.0.css"], "dynamicImports": ["map/island.ts"]},
        "map/island.ts": {"file": "island.0.js"},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert shown('{% island "map" %}') == (
        '<link rel="stylesheet" href="/static/ui/built/map.0.css">'
        '<link rel="modulepreload" href="/static/ui/built/island.0.js">'
        '<script type="module" src="/static/ui/built/map.0.js"></script>'
    )


def test_an_island_that_is_not_built_leaves_the_page_as_it_is(folder: Path) -> None:
    assert shown('{% island "map" %}{% island_fonts %}{% island_is_built "map" %}') == "False"


def test_the_words_of_the_map_are_data_not_script() -> None:
    page = shown("{% map_words %}")
    assert page.startswith('<script id="map-words" type="application/json">')
    assert set(map_words()) == set(json.loads(page.partition(">")[2].removesuffix("</script>")))


def test_the_map_says_only_words_that_the_page_gives_it() -> None:
    sources = (Path(built.__file__).parents[2] / "islands" / "map").glob("*.ts")
    said = {key for path in sources for key in re.findall(r'word\("([a-z-]+)"', path.read_text())}
    assert said
    assert said <= set(map_words())


def test_the_cockpits_scripts_are_light() -> None:
    scripts = {path for name in ("map/index.ts", "fonts/index.ts") for path in built.scripts_of(name)}
    if not scripts:
        missing("chromium", "the islands for it are not built; run `make islands`")
    scripts |= set((Path(built.__file__).parent / "static" / "ui").glob("*.js"))
    weights = {path.name: len(gzip.compress(path.read_bytes())) for path in scripts}
    assert any("worker" in name for name in weights)
    assert sum(weights.values()) <= MOST_BYTES, weights


def test_one_file_of_letters_has_all_of_the_citys_words() -> None:
    catalogue = Path(built.__file__).parents[1] / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
    written = set(re.findall("[\u4e00-\u9fff，。：；？！、（）《》“”…]", catalogue.read_text()))
    assert len(written) > 500
    assert written | set(letters.FEW) <= set(letters.own_letters())
