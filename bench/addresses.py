"""Measure how fast addresses are taken to pieces and found, beside a look-up of the bare database by LIKE.

Run: python -m bench.addresses [--houses N] [--addresses N]
Houses of made-up streets; their addresses are written in several ways, Chinese and Western, some with numbers that are
not there. The peer looks for the street and number in one column of all addresses (SQLite, indexed), as `LIKE 'x%'` and
`LIKE '%x%'` on a few hundred of them: it finds only what is written as it is kept.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import sqlite3
import time
from collections.abc import Callable

import numpy as np

from cityloom.registers.domain.address import parsed
from cityloom.registers.domain.address_standard import standard
from cityloom.registers.domain.draft import texts
from cityloom.registers.domain.geocoder import Houses, Index, Lines, built

_HOUSES_A_STREET = 200
_PEERS = 300
_FIRST = "科文海滨新北东西长安福景华龙翠湖金银玉兰"
_SECOND = "苑三山河江园桥港城星光明和平泰康"


def main() -> int:
    """Measure, and print one row as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--houses", type=int, default=100_000)
    parser.add_argument("--addresses", type=int, default=20_000)
    wanted = parser.parse_args()
    print(json.dumps(_measured(wanted), ensure_ascii=False), flush=True)
    return 0


def _measured(wanted: argparse.Namespace) -> dict[str, object]:
    load = os.getloadavg()[0]
    houses = _houses(wanted.houses)
    before = _peak_mb()
    index, build_s = _timed(lambda: built(houses, _none(), _none()))
    built_mb = _peak_mb() - before
    asked = _asked(houses, wanted.addresses)
    _, parse_s = _timed(lambda: [parsed(text) for text in asked])
    standard.cache_clear()
    found, geocode_s = _timed(lambda: [index.find(text) for text in asked])
    one = sorted(_timed(lambda text=text: index.find(text + " "))[1] for text in asked[:1_000])
    return {
        "houses": wanted.houses, "addresses": len(asked), "build_s": round(build_s, 2), "built_mb": built_mb,
        "array_mb": _array_mb(index), "parsed_per_cpu_s": round(len(asked) / parse_s),
        "geocoded_per_cpu_s": round(len(asked) / geocode_s), "one_ms_p50": round(one[500] * 1000, 3),
        "one_ms_p99": round(one[990] * 1000, 3), "found": sum(one.level == "building" for one in found),
        "between": sum(one.level == "number" for one in found), **_peer(houses, asked),
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],
    }  # fmt: skip


def _timed(work: Callable[[], object]) -> tuple[object, float]:
    """What comes out, and the seconds of this process."""
    began = time.process_time()
    out = work()
    return out, time.process_time() - began


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _array_mb(index: Index) -> float:
    arrays = (index.value, index.tail, index.id, index.lon, index.lat, index.start)
    return round(sum(array.nbytes for array in arrays) / 1e6, 1)


def _none() -> Lines:
    return Lines(texts([]), texts([]), np.zeros(0), np.zeros(0), np.zeros(0))


def _houses(count: int) -> Houses:
    """Streets with odd numbers up to twice their houses, every tenth missing."""
    row = np.arange(count)
    at = row // _HOUSES_A_STREET
    street = texts(_street(int(number)) for number in at)
    number = texts(str(2 * (int(place) % _HOUSES_A_STREET) + 1) for place in row)
    lon, lat = 114.0 + row % _HOUSES_A_STREET * 1e-4, 22.5 + at * 1e-4
    known = row % 10 != 0
    return Houses(row + 1, street, number, texts([""] * count), lon, lat, known)


def _street(number: int) -> str:
    chinese = number % 2 == 0
    first, second = _FIRST[number % len(_FIRST)], _SECOND[number // len(_FIRST) % len(_SECOND)]
    round_ = number // (len(_FIRST) * len(_SECOND))
    return f"{first}{second}{'东西南北中'[round_ % 5]}路" if chinese else f"Rua {first}{second} {round_} da Serra"


def _asked(houses: Houses, count: int) -> list[str]:
    rng = random.Random(7)
    rows = rng.choices(range(len(houses.id)), k=count)
    return [_written(rng, houses.street[row], houses.number[row]) for row in rows]


def _written(rng: random.Random, street: str, number: str) -> str:
    if street.startswith("Rua"):
        ways = (f"{street}, nº {number}, 3º Esq", f"{number} {street}", f"R. {street[4:]} {number}")
        return ways[rng.randrange(len(ways))]
    ways = (
        f"广东省深圳市南山区{street}{number}号{rng.randrange(1, 9)}栋{rng.randrange(100, 999)}室",
        f"{street}{number}號",
        f"深圳市南山区粤海街道{street}{number}号A座12楼",
    )  # fmt: skip
    return ways[rng.randrange(len(ways))]


def _peer(houses: Houses, asked: list[str]) -> dict[str, object]:
    """Look-ups a second of a plain table of addresses."""
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE house (id INTEGER PRIMARY KEY, address TEXT COLLATE NOCASE)")
    rows = ((int(number), f"{street}{value}") for number, street, value in
            zip(houses.id, houses.street, houses.number, strict=True))  # fmt: skip
    base.executemany("INSERT INTO house VALUES (?, ?)", rows)
    base.execute("CREATE INDEX house_address ON house (address)")
    figures: dict[str, object] = {}
    for name, form in (("prefix", "{}%"), ("anywhere", "%{}%")):
        hits, seconds = _timed(lambda form=form: sum(
            bool(base.execute("SELECT id FROM house WHERE address LIKE ? LIMIT 2", (form.format(text),)).fetchall())
            for text in asked[:_PEERS]
        ))  # fmt: skip
        figures[f"peer_{name}_per_cpu_s"] = round(min(len(asked), _PEERS) / max(seconds, 1e-9))
        figures[f"peer_{name}_found"] = f"{hits} of {min(len(asked), _PEERS)}"
    return figures


if __name__ == "__main__":
    raise SystemExit(main())
