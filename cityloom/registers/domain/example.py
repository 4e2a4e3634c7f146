"""Files of three made-up departments, messy on purpose, with what is really true and what was spoiled."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cityloom.kernel import ids
from cityloom.registers.domain import example_street, identifiers
from cityloom.registers.domain.example_rows import LABEL, ExampleFile, Row, Spoiled, as_csv

_AREAS = ("440303", "440304", "440305", "440306", "440307")
_STREETS = ("深南大道", "红荔路", "滨河路", "龙华大道", "人民南路", "布吉路", "海天路", "创业路", "文锦路", "梅林路")
_TRADES = ("科技", "贸易", "餐饮", "物流", "建材", "服装", "咨询", "电子", "装饰", "文化")
_NAMES = "澜星岚宁启恒瑞泰润和嘉禾云帆景明安远德信诚达"
_FAMILY = "王李张刘陈杨黄赵吴周徐孙马朱胡"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英"
_KINDS = (("有限责任公司", 0.7), ("股份有限公司", 0.05), ("个体工商户", 0.15), ("分公司", 0.1))
_STATES = (("存续", 0.9), ("注销", 0.06), ("吊销", 0.04))


def example(count: int, seed: int) -> list[ExampleFile]:
    """The files of market supervision, housing, civil affairs, city management and the waterworks."""
    return [
        _market(count, seed), _housing(count, seed), _civil(max(count // 20, 20), seed),
        example_street.components(count, seed), example_street.network(count, seed),
    ]  # fmt: skip


def _market(count: int, seed: int) -> ExampleFile:
    """Companies in GB18030, as an old system exports them: typos in codes, repeated rows, days that do not exist."""
    chance = ids.seeded(seed, "registers", "market")
    truth = [_company(chance, number) for number in range(count)]
    for number in chance.choice(np.arange(1, count), count // 20, replace=False).tolist():
        truth[number]["控股方统一社会信用代码"] = truth[int(chance.integers(0, number))]["统一社会信用代码"]
    rows, spoiled = [dict(row) for row in truth], Spoiled()
    for number, row in enumerate(rows):
        hit = chance.random()
        if hit < 0.01:
            row["统一社会信用代码"] = _mistyped(row["统一社会信用代码"], chance)
            spoiled.note("bad check sign", number + 2)
        elif hit < 0.02:
            row["成立日期"] = "2021/02/30"
            spoiled.note("no such day", number + 2)
        elif hit < 0.03:
            row["企业名称"] = ""
            spoiled.note("no name", number + 2)
        elif hit < 0.05:
            row["成立日期"] = "0000-00-00"
            spoiled.note("unknown day", number + 2)
    for number in chance.choice(count, max(count // 100, 1), replace=False).tolist():
        rows.append(dict(rows[number]))
        spoiled.note("repeated row", len(rows) + 1)
    return ExampleFile("market-supervision/企业登记.csv", as_csv(rows).encode("gb18030"), truth, spoiled)


def _company(chance: np.random.Generator, number: int) -> Row:
    area = str(chance.choice(_AREAS))
    start = f"91{area}MA{number:07d}"
    name = "".join(chance.choice(list(_NAMES), 2)) + str(chance.choice(_TRADES))
    day = np.datetime64("1995-01-01") + int(chance.integers(0, 11_000))
    return {
        "统一社会信用代码": start + identifiers.credit_code_sign(start), "企业名称": f"澜江市{name}{number}号有限公司",
        "企业类型": _one_of(_KINDS, chance), "登记状态": _one_of(_STATES, chance),
        "住所": f"{chance.choice(_STREETS)}{int(chance.integers(1, 900))}号", "行政区划代码": area,
        "成立日期": str(day).replace("-", "/"), "注册资本(万元)": str(int(chance.integers(1, 50)) * 10),
        "行业代码": str(chance.choice(["C39", "F51", "H62", "I65", "L72"])), "法定代表人": _person(chance),
        "控股方统一社会信用代码": "", "备注": "",
    }  # fmt: skip


def _housing(count: int, seed: int) -> ExampleFile:
    """Dwellings in UTF-8 with semicolons: areas with commas, impossible floors, a code list of its own."""
    chance = ids.seeded(seed, "registers", "housing")
    truth = [_dwelling(chance, number) for number in range(count)]
    rows, spoiled = [dict(row) for row in truth], Spoiled()
    for number, row in enumerate(rows):
        hit = chance.random()
        if hit < 0.01:
            row["所在层"] = "三楼"
            spoiled.note("floor in words", number + 2)
        elif hit < 0.02:
            row["房屋面积(平方米)"] = "-1"
            spoiled.note("impossible area", number + 2)
        elif hit < 0.025:
            row["规划用途"] = "住宅？"
            spoiled.note("unknown use", number + 2)
    for number in chance.choice(count, max(count // 200, 1), replace=False).tolist():
        rows.append(rows[number] | {"房屋面积(平方米)": "77.7"})
        spoiled.note("another row with the same code", len(rows) + 1)
    return ExampleFile("housing/房屋登记.csv", as_csv(rows, ";").encode("utf-8-sig"), truth, spoiled)


def _dwelling(chance: np.random.Generator, number: int) -> Row:
    area = str(chance.choice(_AREAS))
    floor = int(chance.integers(1, 33))
    person = _person(chance) if chance.random() < 0.7 else ""
    return {
        "不动产单元号": f"{area}001001GB{number:05d}F0001{floor:04d}", "所属楼栋": f"{area}-{number // 40:05d}",
        "坐落": f"{chance.choice(_STREETS)}{number // 40 + 1}号", "行政区划代码": area, "所在层": str(floor),
        "房号": f"{floor:02d}{int(chance.integers(1, 9)):02d}", "房屋面积(平方米)": f"{chance.uniform(28, 160):.2f}",
        "规划用途": str(chance.choice(["住宅", "住宅", "住宅", "商业", "办公"])),
        "登记日期": str(np.datetime64("2000-01-01") + int(chance.integers(0, 9_000))), "产权人": person,
    }  # fmt: skip


def _civil(count: int, seed: int) -> ExampleFile:
    """Associations in UTF-16, as a spreadsheet saves text; some codes in signs of full width."""
    chance = ids.seeded(seed, "registers", "civil")
    truth = []
    for number in range(count):
        area = str(chance.choice(_AREAS))
        start = f"51{area}MJ{number:07d}"
        truth.append({
            "统一社会信用代码": start + identifiers.credit_code_sign(start),
            "单位名称": f"澜江市{chance.choice(_TRADES)}行业协会{number}", "类型": "社会团体", "状态": "存续",
            "住所": f"{chance.choice(_STREETS)}{int(chance.integers(1, 900))}号",
            "成立日期": str(np.datetime64("1990-01-01") + int(chance.integers(0, 12_000))), "负责人": _person(chance),
        })  # fmt: skip
    rows, spoiled = [dict(row) for row in truth], Spoiled()
    for number, row in enumerate(rows):
        if chance.random() < 0.1:
            row["统一社会信用代码"] = "".join(chr(ord(sign) + 0xFEE0) for sign in row["统一社会信用代码"])
            spoiled.note("full-width code, which is read all the same", number + 2)
    return ExampleFile("civil-affairs/社会组织.txt", as_csv(rows, "\t").encode("utf-16"), truth, spoiled)


def truth_lines(file: ExampleFile) -> Iterator[dict[str, object]]:
    """What is true and what was spoiled, for a file beside the example."""
    yield {"label": LABEL, "file": file.name, "spoiled": file.spoiled.rows}
    yield from ({"row": number, "is": row} for number, row in enumerate(file.truth, file.first_row))


def _one_of(shares: tuple[tuple[str, float], ...], chance: np.random.Generator) -> str:
    return str(chance.choice([name for name, _share in shares], p=[share for _name, share in shares]))


def _person(chance: np.random.Generator) -> str:
    return str(chance.choice(list(_FAMILY))) + "".join(chance.choice(list(_GIVEN), int(chance.integers(1, 3))))


def _mistyped(code: str, chance: np.random.Generator) -> str:
    place = int(chance.integers(8, 17))
    others = [sign for sign in "0123456789" if sign != code[place]]
    return code[:place] + str(chance.choice(others)) + code[place + 1 :]
