"""Which registers a department's file can be loaded into, with their fields; the one table that all the rest reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FieldKind = Literal[
    "text", "choice", "date", "number", "whole", "money", "lon", "lat", "credit_code", "resident_id", "division",
    "mobile", "key",
]  # fmt: skip


@dataclass(frozen=True)
class Field:
    """A field of a register: what it holds, whether a row needs it, and whose values are sealed.

    `words` are headers, folded, by which a profile recognises it. `refers_to` names the register whose key it holds.
    """

    name: str
    kind: FieldKind = "text"
    required: bool = False
    personal: bool = False
    words: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    unit: str = ""
    low: float | None = None
    high: float | None = None
    longest: int = 200
    not_future: bool = False
    refers_to: str = ""


@dataclass(frozen=True)
class Register:
    """A register: its fields, which one is the key, and which refers to its own kind."""

    name: str
    fields: tuple[Field, ...]
    key: str = "code"
    owner: str = ""

    def field(self, name: str) -> Field:
        """The field of that name."""
        return next(field for field in self.fields if field.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all fields."""
        return tuple(field.name for field in self.fields)


UNITS: dict[str, dict[str, float]] = {
    "m": {"m": 1, "cm": 0.01, "km": 1000}, "m2": {"m2": 1, "ha": 10_000, "mu": 10_000 / 15},
    "fen": {
        "CNY": 100, "fen": 1, "10k CNY": 1_000_000, "1M CNY": 100_000_000, "100M CNY": 10_000_000_000,
    },
}  # fmt: skip
"""By the unit in which a register keeps a measure: what a source may give it in, and how much that is."""

_LON = Field("lon", "lon", words=("lon", "lng", "longitude", "x", "经度", "经度坐标", "坐标经度"), low=-180, high=180)
_LAT = Field("lat", "lat", words=("lat", "latitude", "y", "纬度", "纬度坐标", "坐标纬度"), low=-90, high=90)
_ADDRESS = Field("address", words=("address", "addr", "地址", "住所", "详细地址", "注册地址", "坐落", "经营场所",
                                   "registered address", "location"), longest=300)  # fmt: skip
_DIVISION = Field("division", "division", words=(
    "division", "division code", "area code", "行政区划", "行政区划代码", "区划代码", "所属区划", "辖区代码",
))  # fmt: skip

ORGANISATIONS = Register("organisations", owner="owner", fields=(
    Field("code", "credit_code", required=True, words=(
        "uscc", "unified social credit code", "credit code", "统一社会信用代码", "社会信用代码", "信用代码",
    )),
    Field("name", required=True, words=(
        "name", "company", "company name", "organisation", "企业名称", "名称", "单位名称", "机构名称", "公司名称",
    )),
    Field("kind", "choice", words=("type", "kind", "企业类型", "类型", "主体类型", "市场主体类型"), choices=(
        "company", "branch", "partnership", "sole-trader", "cooperative", "public-institution", "association", "other",
    )),
    Field("status", "choice", words=("status", "登记状态", "经营状态", "状态", "企业状态"), choices=(
        "active", "suspended", "revoked", "dissolved", "moved-away", "unknown",
    )),
    _ADDRESS, _DIVISION,
    Field("registered_on", "date", not_future=True, words=(
        "registered on", "registered", "founded", "成立日期", "注册日期", "设立日期", "成立时间",
    )),
    Field("ended_on", "date", not_future=True, words=("ended on", "dissolved on", "注销日期", "吊销日期", "核销日期")),
    Field("capital_fen", "money", unit="fen", low=0, high=10**16, words=(
        "capital", "registered capital", "注册资本", "注册资金",
    )),
    Field("industry", words=("industry", "industry code", "行业代码", "行业", "所属行业"), longest=60),
    Field("owner", "key", refers_to="organisations", words=(
        "owner", "parent", "parent company", "控股单位", "母公司", "上级单位", "股东代码", "控股方统一社会信用代码",
    )),
    _LON, _LAT,
    Field("representative", personal=True, words=(
        "legal representative", "representative", "法定代表人", "法人代表", "法人", "负责人", "经营者",
    )),
    Field("representative_id", "resident_id", personal=True, words=(
        "legal representative id", "法定代表人证件号码", "法人身份证", "法定代表人身份证号", "证件号码",
    )),
    Field("phone", personal=True, longest=40, words=("phone", "telephone", "联系电话", "电话", "联系方式")),
))  # fmt: skip

_USES = ("residential", "retail", "office", "industrial", "warehouse", "education", "health", "civic", "other")
BUILDINGS = Register("buildings", fields=(
    Field("code", "key", required=True, words=(
        "building code", "building id", "建筑编码", "楼栋编码", "幢号", "楼号编码",
    )),
    Field("name", words=("name", "building name", "楼栋名称", "建筑名称", "小区名称")),
    _ADDRESS, _DIVISION,
    Field("use", "choice", choices=_USES, words=("use", "用途", "建筑用途", "房屋用途")),
    Field("levels", "whole", low=0, high=200, words=("levels", "floors", "storeys", "层数", "总层数", "楼层数")),
    Field("height_m", "number", unit="m", low=0, high=1000, words=("height", "高度", "建筑高度")),
    Field("area_m2", "number", unit="m2", low=0, high=10_000_000, words=(
        "area", "floor area", "建筑面积", "总建筑面积",
    )),
    Field("built_on", "date", not_future=True, words=("built", "built on", "completed", "竣工日期", "建成日期")),
    _LON, _LAT,
))  # fmt: skip

DWELLINGS = Register("dwellings", fields=(
    Field("code", "key", required=True, words=(
        "dwelling code", "unit code", "dwelling id", "不动产单元号", "房屋编码", "房屋代码", "房号编码",
    )),
    Field("building", "key", refers_to="buildings", words=(
        "building", "building code", "楼栋编码", "所属楼栋", "幢号",
    )),
    _ADDRESS, _DIVISION,
    Field("floor", "whole", low=-10, high=200, words=("floor", "level", "所在层", "楼层")),
    Field("door", words=("door", "room", "房号", "门牌号", "室号"), longest=40),
    Field("area_m2", "number", unit="m2", low=1, high=100_000, words=(
        "area", "floor area", "建筑面积", "房屋面积", "面积",
    )),
    Field("use", "choice", choices=_USES, words=("use", "用途", "房屋用途", "规划用途")),
    Field("registered_on", "date", not_future=True, words=("registered on", "registered", "登记日期", "登簿时间")),
    Field("owner_name", personal=True, words=("owner", "owner name", "产权人", "权利人", "房屋所有权人", "业主")),
    Field("owner_id", "resident_id", personal=True, words=("owner id", "产权人证件号", "权利人证件号", "业主身份证号")),
))  # fmt: skip

ADDRESSES = Register("addresses", fields=(
    Field("code", "key", required=True, words=("address code", "address id", "地址编码", "标准地址编码", "门牌编码")),
    Field("address", required=True, words=_ADDRESS.words, longest=300), _DIVISION,
    Field("street", words=("street", "road", "道路", "街道路名", "街路巷")),
    Field("house_number", words=("house number", "number", "门牌", "门牌号", "号"), longest=60),
    Field("building", "key", refers_to="buildings", words=("building", "building code", "楼栋编码")),
    _LON, _LAT,
))  # fmt: skip

REGISTERS = {register.name: register for register in (ORGANISATIONS, BUILDINGS, DWELLINGS, ADDRESSES)}
