"""Which registers a department's file can be loaded into, with their fields; the one table that all the rest reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from cityloom.registers.domain.assumptions import NEEDS
from cityloom.registers.domain.land_uses import LAND_USES

FieldKind = Literal[
    "text", "choice", "date", "number", "whole", "money", "lon", "lat", "credit_code", "resident_id", "division",
    "mobile", "key", "component", "geometry", "instant", "person_name", "person_id", "phone", "needs",
]  # fmt: skip


@dataclass(frozen=True)
class Field:
    """A field of a register: what it holds, whether a row needs it, and whose values are sealed.

    `words` are headers, folded, by which a profile recognises it. `refers_to` names the register whose key it holds.
    `shape` is what a geometry has to be; `code_list` is what a long list of choices is called.
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
    shape: Literal["", "line", "polygon"] = ""
    code_list: str = ""


@dataclass(frozen=True)
class Register:
    """A register: its fields, which one is the key, and which refers to its own kind.

    `other_key` is a field that may be the key where a source has no numbers of its own.
    """

    name: str
    fields: tuple[Field, ...]
    key: str = "code"
    owner: str = ""
    other_key: str = ""

    def keyed_by(self, name: str) -> Register:
        """The same register with another field for its key."""
        fields = tuple(replace(field, required=field.name == name or (field.required and field.name != self.key))
                       for field in self.fields)  # fmt: skip
        return replace(self, key=name, other_key=self.key, fields=fields)

    def field(self, name: str) -> Field:
        """The field of that name."""
        return next(field for field in self.fields if field.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all fields."""
        return tuple(field.name for field in self.fields)


UNITS: dict[str, dict[str, float]] = {
    "m": {"m": 1, "cm": 0.01, "km": 1000}, "mm": {"mm": 1, "cm": 10, "m": 1000},
    "m2": {"m2": 1, "ha": 10_000, "mu": 10_000 / 15}, "L/s": {"L/s": 1, "m3/h": 1 / 3.6, "m3/d": 1 / 86.4},
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

_NAME = ("name", "名称")
_STATE_WORDS = ("state", "status", "condition", "状态", "部件状态", "使用状态", "运行状态")
_OPERATOR_WORDS = (
    "operator", "operator code", "owner unit code", "运营单位代码", "权属单位代码", "主办单位代码", "管理单位代码",
    "运营单位统一社会信用代码", "权属单位统一社会信用代码",
)  # fmt: skip
_OPERATOR = Field("operator", "key", refers_to="organisations", words=_OPERATOR_WORDS)
SHAPE_WORDS = ("geometry", "geom", "wkt", "shape", "坐标串", "几何", "空间坐标", "图形")

_LAND_USE = "a code after GB/T 21010-2017 (as a land survey lists them; not compared with the standard itself)"
PARCELS = Register("parcels", fields=(
    Field("code", "key", required=True, words=(
        "parcel code", "parcel id", "宗地代码", "地块编码", "宗地编号", "地块编号",
    )),
    Field("land_use", "choice", choices=tuple(LAND_USES), code_list=_LAND_USE, words=(
        "land use", "use code", "地类", "地类编码", "土地用途", "用地性质", "用途",
    )),
    _ADDRESS, _DIVISION,
    Field("area_m2", "number", unit="m2", low=0, high=10_000_000_000, words=("area", "宗地面积", "土地面积", "面积")),
    Field("right_kind", "choice", words=("right", "right type", "权利类型", "使用权类型", "权利性质"), choices=(
        "state-granted", "state-allocated", "collective", "leased", "other",
    )),
    Field("registered_on", "date", not_future=True, words=("registered on", "registered", "登记日期", "登簿时间")),
    Field("ended_on", "date", words=("ended on", "until", "终止日期", "使用权终止日期")),
    Field("geometry", "geometry", shape="polygon", words=SHAPE_WORDS),
    Field("holder_name", personal=True, words=("holder", "right holder", "权利人", "使用权人", "土地使用权人")),
    Field("holder_id", "resident_id", personal=True, words=("holder id", "权利人证件号", "使用权人证件号")),
))  # fmt: skip

PLACES = Register("places", fields=(
    Field("code", "key", required=True, words=("place code", "facility code", "place id", "设施编码", "场所编码")),
    Field("name", required=True, words=(*_NAME, "place", "facility", "设施名称", "场所名称", "学校名称", "机构名称")),
    Field("kind", "choice", words=("kind", "type", "类型", "设施类型", "场所类型", "类别"), choices=(
        "school", "kindergarten", "university", "hospital", "clinic", "nursing-home", "park", "shelter", "sports",
        "culture", "market", "transport", "civic", "worship", "other",
    )),
    Field("status", "choice", words=("status", "状态", "开放状态"), choices=(
        "open", "closed", "planned", "unknown",
    )),
    _ADDRESS, _DIVISION,
    Field("capacity", "whole", low=0, high=1_000_000, words=(
        "capacity", "places", "容量", "可容纳人数", "学位数", "床位数",
    )),
    Field("opening", words=("opening", "opening hours", "hours", "开放时间", "营业时间", "服务时间"), longest=300),
    Field("opened_on", "date", not_future=True, words=("opened on", "opened", "启用日期", "建成日期", "开办日期")),
    Field("operator", "key", refers_to="organisations", words=_OPERATOR_WORDS),
    Field("building", "key", refers_to="buildings", words=("building", "building code", "楼栋编码", "所在楼栋")),
    _LON, _LAT, Field("geometry", "geometry", shape="polygon", words=SHAPE_WORDS),
))  # fmt: skip

COMPONENTS = Register("components", fields=(
    Field("code", "component", required=True, words=(
        "component code", "component id", "部件标识码", "部件编码", "部件代码", "标识码",
    )),
    Field("name", words=(*_NAME, "component", "部件名称")),
    Field("state", "choice", words=_STATE_WORDS, choices=("intact", "damaged", "missing", "abandoned", "removed")),
    Field("department", words=("department", "主管部门", "主管部门名称"), longest=120),
    Field("owner_unit", words=("owner unit", "owner", "权属单位", "权属单位名称"), longest=120),
    Field("upkeep_unit", words=("upkeep unit", "maintained by", "养护单位", "养护单位名称"), longest=120),
    _OPERATOR,
    Field("address", words=(*_ADDRESS.words, "所在位置", "位置"), longest=300),
    Field("installed_on", "date", not_future=True, words=(
        "installed on", "installed", "初始日期", "安装日期", "建成日期",
    )),
    _LON, _LAT,
))  # fmt: skip

ROADS = Register("roads", fields=(
    Field("code", "key", required=True, words=(
        "road code", "segment code", "road id", "道路编码", "路段编码", "路段编号",
    )),
    Field("name", words=(*_NAME, "road", "road name", "道路名称", "路名")),
    Field("kind", "choice", words=("kind", "class", "road class", "道路等级", "等级", "类型"), choices=(
        "expressway", "arterial", "collector", "local", "pedestrian", "other",
    )),
    _DIVISION,
    Field("lanes", "whole", low=0, high=40, words=("lanes", "车道数")),
    Field("width_m", "number", unit="m", low=0, high=200, words=("width", "宽度", "路宽", "红线宽度")),
    Field("surface", "choice", words=("surface", "路面", "路面类型"), choices=(
        "asphalt", "concrete", "paving", "unpaved", "other",
    )),
    Field("opened_on", "date", not_future=True, words=("opened on", "opened", "通车日期", "建成日期")),
    _OPERATOR, Field("geometry", "geometry", required=True, shape="line", words=SHAPE_WORDS),
))  # fmt: skip

NETWORKS = ("water", "sewer", "storm", "gas", "power", "heat", "telecom")
_NETWORK = Field("network", "choice", required=True, choices=NETWORKS, words=(
    "network", "kind", "type", "管线类型", "管线种类", "管线类别", "类型",
))  # fmt: skip
MAINS = Register("mains", fields=(
    Field("code", "key", required=True, words=(
        "main code", "pipe code", "segment code", "管线编码", "管段编号", "管线段编码",
    )),
    _NETWORK,
    Field("kind", "choice", words=("link", "link kind", "设施类别", "管段类型"), choices=(
        "pipe", "valve", "regulator", "pump",
    )),
    Field("diameter_mm", "number", unit="mm", low=0, high=20_000, words=("diameter", "dn", "管径", "口径", "公称直径")),
    Field("material", "choice", words=("material", "材质", "管材"), choices=(
        "cast-iron", "ductile-iron", "steel", "concrete", "pe", "pvc", "copper", "fibre", "masonry", "other",
    )),
    Field("length_m", "number", unit="m", low=0, high=200_000, words=("length", "长度", "管长", "管段长度")),
    Field("roughness", "number", low=1, high=1_000, words=(
        "roughness", "hazen williams", "c factor", "海曾威廉系数", "粗糙系数",
    )),
    Field("depth_m", "number", unit="m", low=-5, high=200, words=("depth", "埋深", "平均埋深")),
    Field("laid_on", "date", not_future=True, words=(
        "laid on", "laid", "敷设日期", "埋设日期", "建设日期", "建设年代",
    )),
    Field("state", "choice", words=_STATE_WORDS, choices=("in-use", "planned", "out-of-use", "removed")),
    Field("begin_fitting", "key", refers_to="fittings", words=(
        "start", "from", "start node", "起点编码", "起点点号", "起点",
    )),
    Field("end_fitting", "key", refers_to="fittings", words=("end", "to", "end node", "终点编码", "终点点号", "终点")),
    _DIVISION, _OPERATOR, Field("geometry", "geometry", required=True, shape="line", words=SHAPE_WORDS),
))  # fmt: skip

FITTINGS = Register("fittings", fields=(
    Field("code", "key", required=True, words=("fitting code", "node code", "node id", "管点编码", "物探点号", "点号")),
    _NETWORK,
    Field("kind", "choice", words=("fitting", "node kind", "附属物", "管点类型", "特征", "点类型"), choices=(
        "valve", "hydrant", "chamber", "pump", "meter", "regulator", "transformer", "junction", "outlet", "end",
        "reservoir", "tank", "other",
    )),
    Field("elevation_m", "number", unit="m", low=-500, high=9_000, words=("elevation", "高程", "地面高程", "标高")),
    Field("demand_ls", "number", unit="L/s", low=-100_000, high=100_000, words=("demand", "用水量", "节点流量")),
    Field("state", "choice", words=_STATE_WORDS, choices=("in-use", "planned", "out-of-use", "removed")),
    Field("installed_on", "date", not_future=True, words=("installed on", "installed", "安装日期", "建设日期")),
    _DIVISION, _OPERATOR, _LON, _LAT,
))  # fmt: skip

PEOPLE = Register("people", other_key="national_id", fields=(
    Field("code", "key", required=True, personal=True, words=(
        "person number", "person id", "person code", "人员编号", "人口编码", "人员编码", "居民编号",
    )),
    Field("name", "person_name", required=True, personal=True, longest=48, words=(
        "name", "full name", "姓名", "人员姓名", "居民姓名",
    )),
    Field("national_id", "person_id", personal=True, words=(
        "national id", "identity number", "id number", "身份证号", "身份证号码", "公民身份号码", "证件号码",
    )),
    Field("birth_date", "date", personal=True, not_future=True, words=(
        "birth date", "date of birth", "born", "born on", "出生日期", "出生年月日", "生日",
    )),
    Field("sex", "choice", personal=True, choices=("female", "male", "other", "unknown"), words=(
        "sex", "gender", "性别",
    )),
    Field("phone", "phone", personal=True, longest=16, words=(
        "phone", "telephone", "mobile", "联系电话", "手机", "手机号", "手机号码", "电话", "联系方式",
    )),
    Field("dwelling", "key", personal=True, words=(
        "dwelling", "dwelling code", "dwelling id", "房屋编码", "房屋代码", "房号编码", "不动产单元号", "现住房屋编码",
    )),
    Field("needs", "needs", personal=True, choices=NEEDS, words=(
        "needs", "special needs", "需求", "特殊需求", "帮扶需求",
    )),
    Field("since", "date", personal=True, not_future=True, words=(
        "since", "moved in", "registered on", "登记日期", "入住日期", "迁入日期",
    )),
))  # fmt: skip

REGISTERS = {register.name: register for register in (
    ORGANISATIONS, BUILDINGS, DWELLINGS, PARCELS, ADDRESSES, PLACES, COMPONENTS, ROADS, MAINS, FITTINGS,
    PEOPLE,
)}  # fmt: skip
PLACED = ("organisations", "buildings", "dwellings", "addresses")
"""Registers whose records have an address that is looked up; people's is sealed, and nobody looks it up."""
