"""Made-up files about what stands in the street and lies under it: city components, and a network of mains."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np

from cityloom.kernel import ids
from cityloom.registers.domain.components import SUB_CLASSES
from cityloom.registers.domain.example_rows import LABEL, ExampleFile, Row, Spoiled, as_csv

CENTRE = (114.06, 22.545)
"""Where the streets of the example lie: nowhere that a file of a real city would name."""
_BLOCK = 0.0012
"""Degrees between crossings, about 120 m."""
_KINDS = ("0118", "0118", "0118", "0101", "0102", "0103", "0111", "0113", "0209", "0210", "0305", "0402", "0407")
_STATES = ("完好", "完好", "完好", "完好", "破损", "丢失")
_UNITS = ("市路灯管理中心", "市水务集团", "市燃气集团", "区城市管理局")


def components(count: int, seed: int) -> ExampleFile:
    """Components of the city management office in GB18030: foreign classes, days that do not exist, twins."""
    chance = ids.seeded(seed, "registers", "components")
    truth = [_component(chance, number) for number in range(count)]
    rows, spoiled = [dict(row) for row in truth], Spoiled()
    for number, row in enumerate(rows):
        hit = chance.random()
        if hit < 0.01:
            row["部件标识码"] = row["部件标识码"][:6] + "99" + row["部件标识码"][8:]
            spoiled.note("no such class", number + 2)
        elif hit < 0.02:
            row["部件标识码"] = row["部件标识码"][:15]
            spoiled.note("number too short", number + 2)
        elif hit < 0.03:
            row["初始日期"] = "2019-02-30"
            spoiled.note("no such day", number + 2)
        elif hit < 0.04:
            row["经度"], row["纬度"] = row["纬度"], row["经度"]
            spoiled.note("coordinates swapped", number + 2)
    for number in chance.choice(count, max(count // 200, 1), replace=False).tolist():
        rows.append(rows[number] | {"权属单位": "不详"})
        spoiled.note("another row with the same number", len(rows) + 1)
    return ExampleFile("city-management/城市部件.csv", as_csv(rows).encode("gb18030"), truth, spoiled)


def _component(chance: np.random.Generator, number: int) -> Row:
    kind = str(chance.choice(_KINDS))
    lon, lat = _beside_a_street(chance)
    return {
        "部件标识码": f"440304{kind}{number + 1:06d}", "部件名称": SUB_CLASSES[kind][1],
        "部件状态": str(chance.choice(_STATES)), "主管部门": "区城市管理局", "权属单位": str(chance.choice(_UNITS)),
        "养护单位": str(chance.choice(_UNITS)),
        "初始日期": str(np.datetime64("2005-01-01") + int(chance.integers(0, 7_000))),
        "经度": f"{lon:.6f}", "纬度": f"{lat:.6f}",
    }  # fmt: skip


def _beside_a_street(chance: np.random.Generator) -> tuple[float, float]:
    along, street = chance.uniform(-6, 6) * _BLOCK, int(chance.integers(-6, 7)) * _BLOCK + 0.00006
    east, north = (along, street) if chance.random() < 0.5 else (street, along)
    return CENTRE[0] + east, CENTRE[1] + north


def network(count: int, seed: int) -> ExampleFile:
    """Water mains in GeoJSON, a grid of streets: segments that are none, a diameter in words, loose ends, a loop."""
    chance = ids.seeded(seed, "registers", "network")
    side = max(2, int(np.sqrt(count / 2)))
    segments = list(_segments(side))
    truth = [_main(chance, number, line) for number, line in enumerate(segments)]
    rows, lines, spoiled = [dict(row) for row in truth], [[*line] for line in segments], Spoiled()
    for number, row in enumerate(rows):
        hit = chance.random()
        if hit < 0.01:
            lines[number] = lines[number][:1]
            spoiled.note("a point instead of a line", number + 1)
        elif hit < 0.02:
            row["管径"] = "三百"
            spoiled.note("diameter in words", number + 1)
        elif hit < 0.03:
            lines[number] = [corner[::-1] for corner in lines[number]]
            spoiled.note("latitude first", number + 1)
    west, south = segments[0][0]
    for name, line in (("loop", [(west, south), (west - 2e-4, south), (west, south - 2e-4), (west, south)]),
                       ("loose end", [(west, south), (west - 5e-4, south - 5e-4)])):  # fmt: skip
        rows.append(_main(chance, len(rows), line))
        lines.append(line)
        spoiled.note(f"{name}, which is loaded and noted", len(rows))
    return ExampleFile("water/供水管线.geojson", _geojson(rows, lines).encode(), truth, spoiled, first_row=1)


def _segments(side: int) -> Iterator[list[tuple[float, float]]]:
    """The sides of blocks, from crossing to crossing."""
    west, south = CENTRE[0] - side / 2 * _BLOCK, CENTRE[1] - side / 2 * _BLOCK
    places = [[(round(west + x * _BLOCK, 7), round(south + y * _BLOCK, 7)) for y in range(side + 1)]
              for x in range(side + 1)]  # fmt: skip
    for x in range(side + 1):
        for y in range(side + 1):
            if x < side:
                yield [places[x][y], places[x + 1][y]]
            if y < side:
                yield [places[x][y], places[x][y + 1]]


def _main(chance: np.random.Generator, number: int, line: list[tuple[float, float]]) -> Row:
    return {
        "管线编码": f"GS{number + 1:06d}", "管线类型": "给水", "管径": str(int(chance.choice([100, 200, 300, 600]))),
        "材质": str(chance.choice(["球墨铸铁", "钢", "PE"])), "埋深": f"{chance.uniform(0.7, 2.5):.2f}",
        "敷设日期": str(np.datetime64("1985-01-01") + int(chance.integers(0, 14_000))),
    }  # fmt: skip


def _geojson(rows: list[Row], lines: list[list[tuple[float, float]]]) -> str:
    features = [
        {"type": "Feature", "properties": row, "geometry": {
            "type": "LineString" if len(line) > 1 else "Point", "coordinates": line if len(line) > 1 else line[0]}}
        for row, line in zip(rows, lines, strict=True)
    ]  # fmt: skip
    return json.dumps({"type": "FeatureCollection", "label": LABEL, "features": features}, ensure_ascii=False)
