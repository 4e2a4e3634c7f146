"""Example files for linking: the same made-up people in two departments, and companies under a department's numbers."""

from __future__ import annotations

import csv
import io

import numpy as np

from cityloom.kernel import ids
from cityloom.registers.domain import linkage_example, linkage_sound
from cityloom.registers.domain.example import LABEL, Row, example

_FIRST_ROW = 2
_TAX_MAPPING = f"""# {LABEL}
cityloom: 1
source: tax
register: organisations
as_of: 2026-11-01
file: {{path: 纳税人.csv}}
columns:
  纳税人编号: {{field: code, form: own-number}}
  纳税人名称: {{field: name}}
  生产经营地址: {{field: address}}
  开业日期: {{field: registered_on, form: YYYY-MM-DD}}
"""

_HOSPITAL_MAPPING = f"""# {LABEL}
cityloom: 1
source: hospital
register: people
as_of: 2026-11-01
file: {{path: hospital.csv}}
columns:
  病历号: {{field: code}}
  姓名: {{field: name}}
  出生日期: {{field: birth_date, form: YYYY-MM-DD}}
  手机号: {{field: phone}}
ignore: [住址]
"""
_SCHOOL_MAPPING = f"""# {LABEL}
cityloom: 1
source: school
register: people
as_of: 2026-11-02
file: {{path: school.csv}}
columns:
  Pupil: {{field: code}}
  Name: {{field: name}}
  Date of birth: {{field: birth_date, form: DD/MM/YYYY}}
  Mobile: {{field: phone}}
ignore: [Address]
"""


def example_links(count: int, seed: int) -> dict[str, str]:
    """Texts of files by their place in the example's folder; `truth.csv` tells which rows are the same."""
    return _people(count, seed) | _companies(count, seed)


def _people(count: int, seed: int) -> dict[str, str]:
    """A hospital writes Chinese signs, a school pinyin, days the other way round and phones with the country's code."""
    made = linkage_example.people(count, count * 2 // 3, count // 2, seed, chinese=True)
    left, right = made.left, made.right
    hospital = [
        {"病历号": f"H{number:06d}", "姓名": surname + given, "出生日期": day, "手机号": phone, "住址": address}
        for number, (surname, given, day, phone, address) in enumerate(zip(*left.values(), strict=True), 1)
    ]
    school = [
        {"Pupil": f"S{number:06d}", "Name": _in_letters(surname, given),
         "Date of birth": "/".join(day.split("-")[::-1]), "Mobile": phone and f"+86 {phone}", "Address": address}
        for number, (surname, given, day, phone, address) in enumerate(zip(*right.values(), strict=True), 1)
    ]  # fmt: skip
    truth = [{"left_row": str(one + _FIRST_ROW), "right_row": str(other + _FIRST_ROW)}
             for one, other in zip(made.same[0].tolist(), made.same[1].tolist(), strict=True)]  # fmt: skip
    return {
        "people/hospital.csv": _csv(hospital), "people/hospital.yaml": _HOSPITAL_MAPPING,
        "people/school.csv": _csv(school), "people/school.yaml": _SCHOOL_MAPPING, "people/truth.csv": _csv(truth),
    }  # fmt: skip


def _in_letters(surname: str, given: str) -> str:
    spelt = linkage_sound.letters(surname, surname=True), linkage_sound.letters(given)
    return " ".join(map(str.capitalize, spelt))


def _companies(count: int, seed: int) -> dict[str, str]:
    """Every second company of the market supervision, under the tax office's own numbers and in its own manner."""
    chance = ids.seeded(seed, "registers", "tax")
    market = example(count, seed)[0].truth
    chosen = sorted(chance.choice(len(market), len(market) // 2, replace=False).tolist())
    rows = [_taxpayer(market[at], number, chance) for number, at in enumerate(chosen)]
    truth = [{"key": market[at]["统一社会信用代码"], "is": f"tax:{row['纳税人编号']}"}
             for at, row in zip(chosen, rows, strict=True)]  # fmt: skip
    return {"tax/纳税人.csv": _csv(rows), "tax/纳税人.yaml": _TAX_MAPPING, "tax/truth.csv": _csv(truth)}


def _taxpayer(company: Row, number: int, chance: np.random.Generator) -> Row:
    name = company["企业名称"]
    if chance.random() < 0.4:
        name = name.removeprefix("澜江市")
    if chance.random() < 0.3:
        name = name.replace("有限公司", "公司")
    moved = chance.random() < 0.1
    return {
        "纳税人编号": f"T{number:06d}", "纳税人名称": name,
        "生产经营地址": f"海天路{int(chance.integers(1, 900))}号" if moved else company["住所"],
        "开业日期": company["成立日期"].replace("/", "-"),
    }  # fmt: skip


def _csv(rows: list[Row]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
