"""Departments' files of a made-up city as Parquet, at any share of the size of Shenzhen; about 1 in 100 rows is bad.

Nobody in them exists: names end in 虚构 (made up), areas of identity numbers take turns, phones count up.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

Made = dict[str, tuple[Path, int]]
"""Files by what is in them, each with its rows."""

BUILDINGS, DWELLINGS, COMPANIES, PEOPLE = 1_000_000, 14_000_000, 3_600_000, 20_000_000
_BOOK = "made.json"
_CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_HEAD = """\
cityloom: 1
source: bench-{source}
register: {register}
as_of: {as_of}
file: {{format: parquet}}
"""
_USES = "codes: {住宅: residential, 商业: retail, 办公: office, 工业: industrial}"
MAPPINGS = {
    "buildings": f"""\
columns:
  code: {{field: code}}
  name: {{field: name}}
  address: {{field: address}}
  division: {{field: division}}
  use: {{field: use, {_USES}}}
  levels: {{field: levels}}
  height: {{field: height_m, unit: m}}
  area: {{field: area_m2, unit: m2}}
  built: {{field: built_on}}
  lon: {{field: lon}}
  lat: {{field: lat}}
""",
    "dwellings": f"""\
columns:
  code: {{field: code}}
  building: {{field: building}}
  address: {{field: address}}
  division: {{field: division}}
  floor: {{field: floor}}
  door: {{field: door}}
  area: {{field: area_m2, unit: m2}}
  use: {{field: use, {_USES}}}
  registered: {{field: registered_on, form: YYYY/MM/DD}}
  owner: {{field: owner_name}}
  owner_id: {{field: owner_id}}
""",
    "organisations": """\
columns:
  code: {field: code}
  name: {field: name}
  kind: {field: kind, codes: {有限责任公司: company, 个体工商户: sole-trader}}
  status: {field: status, codes: {存续: active, 注销: dissolved}}
  address: {field: address}
  division: {field: division}
  founded: {field: registered_on, form: YYYY/MM/DD}
  capital: {field: capital_fen, unit: 10k CNY}
  industry: {field: industry}
  owner: {field: owner}
  boss: {field: representative}
  boss_id: {field: representative_id}
""",
    "people": """\
columns:
  no: {field: code}
  name: {field: name}
  number: {field: national_id}
  born: {field: birth_date}
  sex: {field: sex, codes: {男: male, 女: female}}
  phone: {field: phone}
  home: {field: dwelling}
  needs: {field: needs, codes: {轮椅: mobility, 卧床: bedridden, 听障: hearing, 视障: sight}}
  since: {field: since}
""",
}


def mapping(register: str, as_of: str) -> str:
    """The mapping of a file."""
    return _HEAD.format(source=register, register=register, as_of=as_of) + MAPPINGS[register]


def person_code(number: int) -> str:
    """The number that a person has in the file of people."""
    return f"P{number:09d}"


def dwelling_code(number: int) -> str:
    """The number that a dwelling has in the file of dwellings."""
    return f"D{number:09d}"


def written(folder: Path) -> Made:
    """The files that `write` has written to a folder to its end, as it would write them now; none where it has not."""
    try:
        told = json.loads((folder / _BOOK).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return {name: (folder / file, rows) for name, (file, rows) in told["files"].items()} if told["by"] == _by() else {}


def _by() -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


def write(folder: Path, scale: float, changed: int) -> Made:
    """Write the files of four registers, and one of people of whom something changed; each with its rows."""
    import duckdb

    sizes = {name: max(200, round(size * scale)) for name, size in _SIZES.items()}
    out = {}
    settings = {"threads": "2", "memory_limit": "3GB", "temp_directory": str(folder / "made")}
    with duckdb.connect(config=settings) as link:
        link.execute(_MACROS)
        for name, rows in sizes.items():
            out[name] = _copied(link, folder / f"{name}.parquet", _QUESTIONS[name].format(**sizes), rows)
        step = max(1, sizes["people"] // changed)
        again = _QUESTIONS["people"].format(**sizes).replace("'13'", "'15'") + f" WHERE i % {step} = 1"
        out["changed"] = _copied(link, folder / "changed.parquet", again, sizes["people"])
    book = {"by": _by(), "files": {name: (path.name, rows) for name, (path, rows) in out.items()}}
    (folder / _BOOK).write_text(json.dumps(book), "utf-8")
    return out


def _copied(link: Any, path: Path, question: str, rows: int) -> tuple[Path, int]:
    asked = question.replace("RANGE", f"range({rows}) t(i)")
    link.execute(f"COPY ({asked}) TO '{path}' (FORMAT parquet)")
    return path, link.execute(f"SELECT count(*) FROM '{path}'").fetchone()[0]


def _weighted(weights: list[int], sign: str) -> str:
    return " + ".join(f"({sign.format(place + 1)}) * {weight}" for place, weight in enumerate(weights))


_ID = _weighted([2 ** (17 - place) % 11 for place in range(17)], "ascii(substr(s, {}, 1)) - 48")
_CODE = _weighted([3**place % 31 for place in range(17)], f"instr('{_CREDIT}', substr(s, {{}}, 1)) - 1")
_MACROS = f"""
CREATE MACRO id_of(s) AS s || substr('10X98765432', (({_ID}) % 11)::INTEGER + 1, 1);
CREATE MACRO code_of(s) AS s || substr('{_CREDIT}', ((31 - ({_CODE}) % 31) % 31)::INTEGER + 1, 1);
CREATE MACRO person_id(i) AS id_of((440303 + (i // 27000000) % 8)::VARCHAR
    || strftime(DATE '1936-01-01' + (i % 27000)::INTEGER, '%Y%m%d') || lpad(((i // 27000) % 1000)::VARCHAR, 3, '0'));
CREATE MACRO name_of(i) AS substr('王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗', (i % 20 + 1)::INTEGER, 1)
    || substr('伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚', (i // 20 % 20 + 1)::INTEGER, 1) || '虚构';
"""
_SIZES = {"buildings": BUILDINGS, "dwellings": DWELLINGS, "organisations": COMPANIES, "people": PEOPLE}
_QUESTIONS = {
    "buildings": """
SELECT 'B' || lpad(i::VARCHAR, 8, '0') code, CASE WHEN i % 9 = 0 THEN '海天大厦' || i || '座' ELSE '' END "name",
    '海天路' || (i % 900 + 1) || '号' address, '440305' division,
    CASE WHEN i % 200 = 7 THEN '未知' WHEN i % 7 = 0 THEN '办公' ELSE '住宅' END AS "use",
    (i % 40 + 1)::VARCHAR levels, (i % 40 + 1) * 3.0 height, 900 + i % 5000 area,
    DATE '1980-01-01' + (i % 15000)::INTEGER built,
    round(113.8 + (i % 1000) * 0.0006, 7) lon,
    CASE WHEN i % 200 = 9 THEN 95 ELSE round(22.45 + (i // 1000) * 0.0004, 7) END lat
FROM RANGE""",
    "dwellings": """
SELECT 'D' || lpad((CASE WHEN i % 2000 = 3 THEN i - 1 ELSE i END)::VARCHAR, 9, '0') code,
    'B' || lpad((i * {buildings} // {dwellings})::VARCHAR, 8, '0') building,
    '海天路' || (i // 14 % 900 + 1) || '号' address, '440305' division,
    CASE WHEN i % 200 = 7 THEN 'x' ELSE (i % 30 + 1)::VARCHAR END floor, (i % 30 + 1) || '0' || (i % 8) door,
    round(40 + i % 1000 / 10, 1) area,
    CASE WHEN i % 200 = 9 THEN '' WHEN i % 7 = 0 THEN '商业' ELSE '住宅' END AS "use",
    CASE WHEN i % 300 = 5 THEN '1995'
    ELSE strftime(DATE '1995-01-01' + (i % 11000)::INTEGER, '%Y/%m/%d') END registered,
    CASE WHEN i % 10 < 3 THEN name_of(i) ELSE '' END "owner",
    CASE WHEN i % 10 < 3 THEN person_id(i) ELSE '' END owner_id
FROM RANGE""",
    "organisations": """
SELECT code_of('91440305M' || lpad((i * 7919 % 100000000)::VARCHAR, 8, '0')) code,
    CASE WHEN i % 200 = 7 THEN '' ELSE '澜江市恒泰' || i || '号商行' END "name",
    CASE WHEN i % 3 = 0 THEN '个体工商户' ELSE '有限责任公司' END kind,
    CASE WHEN i % 9 = 0 THEN '注销' ELSE '存续' END status,
    '海天路' || (i % 900 + 1) || '号' address, CASE WHEN i % 200 = 9 THEN '990000' ELSE '440306' END division,
    strftime(DATE '2000-01-01' + (i % 9000)::INTEGER, '%Y/%m/%d') founded,
    i % 500 + 1 capital, 'F' || (i % 90 + 10) industry,
    CASE WHEN i % 20 = 1 THEN code_of('91440305M' || lpad((0)::VARCHAR, 8, '0')) ELSE '' END "owner",
    name_of(i) boss, person_id(i + 5000000) boss_id
FROM RANGE""",
    "people": """
SELECT 'P' || lpad(i::VARCHAR, 9, '0') "no", name_of(i) "name",
    CASE WHEN i % 200 = 7 THEN left(person_id(i), 17) || 'Q' ELSE person_id(i) END number,
    DATE '1936-01-01' + (i % 27000)::INTEGER born,
    CASE WHEN (i // 27000) % 2 = CASE WHEN i % 200 = 9 THEN 0 ELSE 1 END THEN '男' ELSE '女' END sex,
    '13' || lpad((i % 1000000000)::VARCHAR, 9, '0') phone,
    'D' || lpad((i * {dwellings} // {people})::VARCHAR, 9, '0') home,
    CASE i % 100 WHEN 1 THEN '轮椅' WHEN 2 THEN '听障' WHEN 3 THEN '视障' WHEN 4 THEN '卧床' ELSE '' END needs,
    DATE '2010-01-01' + (i % 5000)::INTEGER since
FROM RANGE""",
}
