"""What a sample of a file says of each column, and the mapping that would fit it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import yaml

from cityloom.registers.domain import dates, identifiers
from cityloom.registers.domain.kinds import REGISTERS, UNITS, Field, Register
from cityloom.registers.domain.land_uses import LAND_USES
from cityloom.registers.domain.tables import Connected, Wanted

SAMPLE = 20_000
_ENOUGH = 0.9
_MOST_CODES = 40
_RARE = 0.01
"""The share of rows up to which a value of a code list is taken for a slip of the pen."""
_EMPTY_WORDS = frozenset({"-", "--", "/", "\\", "无", "空", "未知", "null", "none", "n/a", "na", "nil", "0000-00-00",
                          "0000/00/00", "00000000", "1900-01-00"})  # fmt: skip
_WHOLE = re.compile(r"[-+]?[0-9]{1,15}")
_NUMBER = re.compile(r"[-+]?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]+)?")
_WKT = re.compile(r"(SRID=\d+;)?\s*(MULTI)?(POINT|LINESTRING|POLYGON)\s*[Z(]", re.IGNORECASE)
_LAT_OF_WKT = re.compile(r"[-+]?[0-9.]+\s+([-+]?[0-9.]{1,20})")
_NOT_WORDS = re.compile(r"[\W_]+")
_UNIT_WORDS = {
    "万元": "10k CNY", "亿元": "100M CNY", "百万元": "1M CNY", "元": "CNY", "公顷": "ha", "亩": "mu", "平方米": "m2",
    "㎡": "m2", "m²": "m2", "厘米": "cm", "毫米": "mm", "千米": "km", "米": "m", "mm": "mm", "dn": "mm",
    "10k": "10k CNY", "cny": "CNY",
}  # fmt: skip
_CHINA = (73.0, 136.0, 3.0, 54.0)
_CODES: dict[str, dict[str, str]] = {
    "status": {"存续": "active", "在业": "active", "在营": "active", "开业": "active", "注销": "dissolved",
               "吊销": "revoked", "迁出": "moved-away", "停业": "suspended"},
    "kind": {"有限责任公司": "company", "股份有限公司": "company", "个体工商户": "sole-trader", "分公司": "branch",
             "合伙企业": "partnership", "农民专业合作社": "cooperative", "事业单位": "public-institution",
             "社会团体": "association"},
    "sex": {"男": "male", "女": "female", "未知": "unknown", "M": "male", "F": "female"},
    "use": {"住宅": "residential", "商业": "retail", "办公": "office", "工业": "industrial", "仓储": "warehouse",
            "教育": "education", "医疗": "health", "公共": "civic", "其他": "other"},
    "land_use": {chinese: number for number, (_english, chinese) in LAND_USES.items()},
    "network": {"给水": "water", "供水": "water", "自来水": "water", "污水": "sewer", "雨水": "storm", "燃气": "gas",
                "电力": "power", "热力": "heat", "通信": "telecom", "电信": "telecom"},
    "state": {"完好": "intact", "破损": "damaged", "丢失": "missing", "废弃": "abandoned", "废除": "abandoned",
              "移除": "removed", "在用": "in-use", "规划": "planned", "停用": "out-of-use", "拆除": "removed"},
    "material": {"球墨铸铁": "ductile-iron", "铸铁": "cast-iron", "钢": "steel", "混凝土": "concrete", "PE": "pe",
                 "PVC": "pvc", "铜": "copper", "光纤": "fibre", "砖": "masonry"},
}  # fmt: skip
_SIGNED: dict[str, Callable[[Sequence[str]], identifiers.Faults]] = {
    "resident_id": identifiers.resident_id_faults, "credit_code": identifiers.credit_code_faults,
    "mobile": identifiers.mobile_faults, "component": identifiers.component_faults,
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """A column as the sample shows it.

    `codes` are its values where they are few for so many rows that they are a code list; `words` all of them, where
    they are few, however many rows there are: what a code list of the register can be read from.
    """

    name: str
    kind: str
    form: str = ""
    filled: int = 0
    distinct: int = 0
    codes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    wrong: int = 0

    @property
    def could_be_key(self) -> bool:
        """Whether every row has a value of its own."""
        return self.filled > 1 and self.filled == self.distinct


@dataclass(frozen=True)
class Proposal:
    """Which register a file fits, which field each column becomes, and what a person has to look at."""

    looks: tuple[Look, ...]
    register: Register
    fields: dict[str, Field]
    rows: int
    remarks: tuple[str, ...]


def propose(header: Sequence[str], rows: Sequence[Sequence[str]], register: str = "") -> Proposal:
    """Look at a sample and propose what it means."""
    width = len(header)
    whole = [row for row in rows if len(row) == width]
    columns = list(zip(*whole, strict=True)) if whole else [()] * width
    looks = tuple(_look(name, column) for name, column in zip(header, columns, strict=True))
    chosen = REGISTERS[register] if register else _likeliest(header)
    fields = _fields(looks, chosen)
    remarks = [*_coordinates(looks, fields), *_axes(looks), *_keys(looks, fields, chosen)]
    if uneven := len(rows) - len(whole):
        remarks.append(f"{uneven} rows of the sample have more or fewer columns than the header.")
    remarks += [f"{look.name}: {look.wrong} of {look.filled} values break the standard of a {look.kind}."
                for look in looks if look.wrong]  # fmt: skip
    rare = {look.name: look.distinct - len(look.codes) for look in looks if look.kind == "choice"}
    remarks += [f"{name}: {count} rare values are not in the code list; their rows are set aside."
                for name, count in rare.items() if count]  # fmt: skip
    missing = [field.name for field in chosen.fields if field.required and field not in fields.values()]
    remarks += [f"No column looks like {name}, which {chosen.name} need." for name in missing]
    return Proposal(looks, chosen, fields, len(rows), tuple(remarks))


def _look(name: str, column: Sequence[str]) -> Look:
    texts = [text.strip() for text in column]
    empty = sorted({text for text in texts if text.casefold() in _EMPTY_WORDS})
    filled = [text for text in texts if text and text not in empty]
    counts = Counter(filled)
    words = tuple(text for text, _count in counts.most_common()) if len(counts) <= _MOST_CODES else ()
    common = {"filled": len(filled), "distinct": len(counts), "empty": tuple(empty), "words": words}
    if not filled:
        return Look(name, "empty", **common)  # type: ignore[arg-type]
    kind, form, wrong = _kind(filled)
    low = high = None
    if kind == "geometry":
        seconds = [float(found[1]) for text in filled if (found := _LAT_OF_WKT.search(text))]
        low = high = median(seconds) if seconds else None
    if kind in ("whole", "number"):
        numbers = [float(text.replace(",", "")) for text in filled if _NUMBER.fullmatch(text)]
        low, high = min(numbers), max(numbers)
    is_list = kind in ("text", "whole") and len(counts) <= _MOST_CODES and len(counts) * 5 <= len(filled)
    often = _RARE * len(filled)
    codes = tuple(text for text, count in counts.most_common() if count > often) if is_list else ()
    return Look(name, "choice" if is_list and kind == "text" else kind, form, codes=codes, low=low, high=high,
                wrong=wrong, **common)  # type: ignore[arg-type]  # fmt: skip


def _kind(filled: Sequence[str]) -> tuple[str, str, int]:
    """The kind of most values, the form of dates, and how many values are not quite of that kind."""
    for kind, faults_of in _SIGNED.items():
        faults = faults_of([unicodedata.normalize("NFKC", text).upper() for text in filled])
        shaped = int((faults != identifiers.FAULTS.index("shape")).sum())
        if shaped >= _ENOUGH * len(filled):
            return kind, "", int((faults != 0).sum())
    if sum(bool(_WKT.match(text)) for text in filled) >= _ENOUGH * len(filled):
        return "geometry", "", sum(not _WKT.match(text) for text in filled)
    divisions = identifiers.division_faults(filled)
    if (divisions == 0).mean() >= _ENOUGH:
        return "division", "", int((divisions != 0).sum())
    if forms := dates.forms_of(filled, _ENOUGH):
        return "date", forms[0], sum(bool(dates.read(text, forms[0])[1]) for text in filled)
    for kind, form in (("whole", _WHOLE), ("number", _NUMBER)):
        right = sum(bool(form.fullmatch(text)) for text in filled)
        if right >= _ENOUGH * len(filled):
            return kind, "", len(filled) - right
    return "text", "", 0


def _bare(name: str) -> str:
    """A header as it is compared, without its unit in brackets."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return _NOT_WORDS.sub(" ", re.sub(r"[(\[].*?[)\]]", "", plain)).strip()


def _likeliest(header: Sequence[str]) -> Register:
    bare = {_bare(name) for name in header}

    def score(register: Register) -> int:
        hits = [field for field in register.fields if bare & set(map(_bare, field.words))]
        return len(hits) + 3 * sum(field.name == register.key for field in hits)

    return max(REGISTERS.values(), key=score)


_FITS = {
    "date": ("date", "empty"), "number": ("number", "whole", "empty"), "whole": ("whole", "empty"),
    "money": ("number", "whole", "empty"), "lon": ("number", "whole"), "lat": ("number", "whole"),
    "division": ("division", "empty", "whole"), "credit_code": ("credit_code",),
    "resident_id": ("resident_id", "empty"), "component": ("component",), "geometry": ("geometry",),
}  # fmt: skip
"""By a field's kind the kinds of columns that it can come from; all others come from any."""


def _fields(looks: Sequence[Look], register: Register) -> dict[str, Field]:
    """By column the field that it becomes: by its header first, then by what only one field can be."""
    out: dict[str, Field] = {}
    for look in looks:
        named = [field for field in register.fields if _bare(look.name) in map(_bare, field.words)]
        for field in named:
            if field not in out.values() and look.kind in _FITS.get(field.kind, (look.kind,)):
                out[look.name] = field
                break
    for look in looks:
        if look.name in out or look.kind not in ("credit_code", "division", "component", "geometry"):
            continue
        alike = [field for field in register.fields if field.kind == look.kind and field not in out.values()]
        if len(alike) == 1:
            out[look.name] = alike[0]
    return out


def _coordinates(looks: Sequence[Look], fields: dict[str, Field]) -> list[str]:
    """The order of coordinates, and the shift that Chinese maps have."""
    by_field = {fields[look.name].name: look for look in looks if look.name in fields}
    lon, lat = by_field.get("lon"), by_field.get("lat")
    if lon is None or lat is None or None in (lon.low, lon.high, lat.low, lat.high):
        return []
    goes_beyond = [max(abs(look.low or 0), abs(look.high or 0)) > 90 for look in (lon, lat)]
    if all(goes_beyond):
        return [f"Some rows have {lon.name} and {lat.name} the wrong way round; they are set aside."]
    if goes_beyond[1]:
        fields[lon.name], fields[lat.name] = fields[lat.name], fields[lon.name]
        return [f"{lat.name} goes beyond 90, so the two coordinates are swapped: {lat.name} was taken as the "
                f"longitude."]  # fmt: skip
    west, east, south, north = _CHINA
    if (lon.low or 0) >= west and (lon.high or 0) <= east and (lat.low or 0) >= south and (lat.high or 0) <= north:
        return ["The coordinates lie in China, where sources often give them shifted by 300 to 600 m (GCJ-02); compare "
                "some with the map, and write `coordinates: gcj02` where they are."]  # fmt: skip
    return []


def _axes(looks: Sequence[Look]) -> list[str]:
    """The order of coordinates in geometries."""
    return [f"Most second coordinates of {look.name} go beyond 90, so it has latitudes first: `axes: lat-lon` says so."
            for look in looks if is_lat_first(look)]  # fmt: skip


def is_lat_first(look: Look) -> bool:
    """Whether a column of geometries can only be latitude first."""
    return look.kind == "geometry" and max(abs(look.low or 0), abs(look.high or 0)) > 90


def _keys(looks: Sequence[Look], fields: dict[str, Field], register: Register) -> list[str]:
    key = next((look for look in looks if look.name in fields and fields[look.name].name == register.key), None)
    if key is None:
        likely = [look.name for look in looks if look.could_be_key]
        return [f"Columns with a value of its own in each row: {', '.join(likely) or 'none'}."]
    if key.could_be_key:
        return []
    return [f"{key.name} is the key, and {key.filled - key.distinct} rows of the sample repeat one."]


def mapping_text(proposal: Proposal, source: str, path: str, how: Wanted | Connected) -> str:
    """The mapping as YAML, with what a person has to look at as comments."""
    lines = ["# Proposed from a look at the file; read every line before you load it."]
    lines += [f"# {' '.join(remark.split())}" for remark in proposal.remarks]
    lines += ["cityloom: 1", f"source: {_word(source)}", f"register: {proposal.register.name}", "covers: changes",
              "# as_of: 2026-11-01"]  # fmt: skip
    empty = sorted({word for look in proposal.looks for word in look.empty})
    lines += _from_table(how, bool(empty)) if isinstance(how, Connected) else _from_file(path, how)
    if empty:
        lines.append(f"  empty: [{', '.join(map(_word, empty))}]")
    if any(map(is_lat_first, proposal.looks)):
        lines.append("axes: lat-lon")
    lines.append("columns:" if proposal.fields else "columns: {}")
    for look in proposal.looks:
        if look.name in proposal.fields:
            lines += _column_lines(look, proposal.fields[look.name])
    if ignored := [look.name for look in proposal.looks if look.name not in proposal.fields]:
        lines += ["ignore:", *(f"  - {_word(name)}" for name in ignored)]
    return "\n".join(lines) + "\n"


def _from_file(path: str, how: Wanted) -> list[str]:
    lines = ["file:", f"  path: {_word(path)}", f"  format: {how.format}"]
    return lines + [f"  {name}: {_word(getattr(how, name))}" for name in ("encoding", "delimiter", "sheet")
                    if getattr(how, name)]  # fmt: skip


def _from_table(how: Connected, has_empty: bool) -> list[str]:
    lines = ["source_table:", *(f"  {name}: {_word(getattr(how, name))}" for name in ("connection", "table", "query")
                                if getattr(how, name))]  # fmt: skip
    return [*lines, "file:"] if has_empty else lines


def _column_lines(look: Look, field: Field) -> list[str]:
    parts = [f"field: {field.name}"]
    if field.kind == "date":
        parts.append(f"form: {look.form or 'YYYY-MM-DD'}")
    if field.unit:
        parts.append(f"unit: {_unit(look.name, field)}")
    if field.kind != "choice":
        return [f"  {_word(look.name)}: {{{', '.join(parts)}}}"]
    codes = look.codes or look.words or tuple(sorted(field.choices))
    lines = [f"  {_word(look.name)}:", f"    field: {field.name}", "    codes:"]
    return lines + [f"      {_word(code)}: {_meaning(code, field)}" for code in codes]


def _meaning(code: str, field: Field) -> str:
    if code in field.choices:
        return code
    known = _CODES.get(field.name, {})
    found = next((known[word] for word in sorted(known, key=len, reverse=True) if word in code), "")
    fallback = next((word for word in ("other", "unknown") if word in field.choices), field.choices[0])
    return found or f"{fallback}  # say what this is: {', '.join(field.choices)}"


def _unit(name: str, field: Field) -> str:
    offered = UNITS[field.unit]
    plain = unicodedata.normalize("NFKC", name).casefold()
    found = next((unit for word, unit in _UNIT_WORDS.items() if word in plain and unit in offered), "")
    return found or f"{next(iter(offered))}"


def _word(text: str) -> str:
    """A text as YAML writes it in one line."""
    return yaml.safe_dump(text, allow_unicode=True, width=10_000, default_style=None).removesuffix("...\n").strip()
