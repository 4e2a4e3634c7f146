"""The properties of GeoJSON features read as OpenStreetMap tags, whichever program wrote them."""

from __future__ import annotations

import re
from collections.abc import Mapping

_ALIASES = {
    "levels": "building:levels", "floors": "building:levels", "num_floors": "building:levels",
    "storeys": "building:levels", "stories": "building:levels", "building_levels": "building:levels",
    "floor_count": "building:levels", "floor": "building:levels", "number_of_floors": "building:levels",
    "level": "building:levels", "numfloors": "building:levels", "floor_num": "building:levels",
    "floornum": "building:levels", "floors_count": "building:levels", "nb_etages": "building:levels",
    "storey": "building:levels", "num_storeys": "building:levels", "numberoffloors": "building:levels",
    "building:floors": "building:levels", "层数": "building:levels", "楼层": "building:levels",
    "楼层数": "building:levels", "building_height": "height", "building:height": "height", "height_m": "height",
    "elevation_m": "height", "render_height": "height", "measuredheight": "height", "measured_height": "height",
    "bldg_height": "height", "buildingheight": "height", "hauteur": "height", "高度": "height", "建筑高度": "height",
    "street": "addr:street", "addr_street": "addr:street", "street_name": "addr:street",
    "housenumber": "addr:housenumber", "house_number": "addr:housenumber", "addr_housenumber": "addr:housenumber",
    "name_en": "name:en", "name_zh": "name:zh", "name_zh_hans": "name:zh-Hans", "name:zh_hans": "name:zh-Hans",
    "road_name": "name", "label": "name", "名称": "name", "道路名称": "name", "nombre": "name", "nome": "name",
}  # fmt: skip
_CLASS_KEYS = ("class", "fclass", "type", "kind", "use", "category", "subtype", "road_class", "building_type",
               "road_type", "usage", "function")  # fmt: skip
_PAIR = re.compile(r'"((?:[^"\\]|\\.)*)"\s*=>\s*"((?:[^"\\]|\\.)*)"')
LONGEST = 1000


def tags_of(properties: Mapping[str, object], class_key: str) -> dict[str, str]:
    """Tags with lower-case keys; a class under another name goes to `class_key` (`building`, `highway` or `amenity`).

    Nested `tags`, and the `other_tags` that GDAL writes, count as tags of their own; what has no value is left out.
    """
    tags: dict[str, str] = {}
    for key, value in _flattened(properties):
        plain = key.strip().lower().replace(" ", "_")
        text = _text(value)
        if text:
            tags.setdefault(_ALIASES.get(plain, plain), text)
    if class_key not in tags:
        found = next((tags[key] for key in _CLASS_KEYS if key in tags), "")
        if found:
            tags[class_key] = found.lower()
    return tags


def _flattened(properties: Mapping[str, object]) -> list[tuple[str, object]]:
    flat: list[tuple[str, object]] = []
    for key, value in properties.items():
        if key == "other_tags" and isinstance(value, str):
            flat.extend((_unescaped(name), _unescaped(text)) for name, text in _PAIR.findall(value[: 20 * LONGEST]))
        elif key == "tags" and isinstance(value, Mapping):
            flat.extend((str(name), text) for name, text in value.items())
        elif key == "names" and isinstance(value, Mapping):
            flat.append(("name", value.get("primary")))
        else:
            flat.append((key, value))
    return flat


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)[:LONGEST].strip() if isinstance(value, (str, int, float)) else ""
