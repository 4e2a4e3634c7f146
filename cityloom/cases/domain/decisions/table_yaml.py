"""Decision tables as YAML, for people who write no XML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from cityloom.cases.domain import written
from cityloom.cases.domain.decisions.tables import Column, Rule, Table, column_of, table_of
from cityloom.kernel.refused import Detail

_SCHEMA = Path(__file__).with_name("table.schema.json")


def table_of_yaml(text: str) -> Table:
    """The table that is written.

    Raises: Refused `cases.table_too_large`, `cases.table_unreadable`, `cases.table_unfit`, `cases.table_*`.
    """
    found = written.read(text, "table", _SCHEMA)
    says = found.document
    inputs = [_column(one, Detail("Input {value}", number)) for number, one in enumerate(says["inputs"], 1)]
    outputs = [_column(one, Detail("Output {value}", number)) for number, one in enumerate(says["outputs"], 1)]
    rows = [_row(found, at, row, inputs, outputs) for at, row in enumerate(says["rules"])]
    return table_of(says["table"], says.get("title", ""), says.get("hit_policy", "UNIQUE"), says.get("aggregation", ""),
                    inputs, outputs, rows)  # fmt: skip


def _column(says: dict[str, Any], where: Detail) -> Column:
    return column_of(says["name"], says["type"], says.get("label", ""), str(says.get("values", "")), where)


def _row(
    found: written.Written, at: int, row: dict[str, Any], inputs: list[Column], outputs: list[Column]
) -> tuple[list[str], list[str], str]:
    for part, columns in (("when", inputs), ("then", outputs)):
        known = {column.name for column in columns}
        for name in row.get(part, {}):
            if name not in known:
                raise found.wrong(("rules", at, part, name), Detail("there is no {value}", name))
    when, then = row.get("when", {}), row["then"]
    return ([_cell(when.get(column.name, "-")) for column in inputs],
            [_cell(then.get(column.name, "")) for column in outputs], _because(row.get("because", "")))  # fmt: skip


def _because(said: str | dict[str, str]) -> str:
    """A reason; in two languages it is two lines, so that DMN can hold it."""
    return said if isinstance(said, str) else f"{said['en']}\n{said['zh-hans']}"


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def yaml_of(table: Table) -> str:
    """A table as YAML; cells that are a dash are left out."""
    says: dict[str, Any] = {"table": table.name, "title": table.title, "hit_policy": table.hit.value}
    if table.aggregation:
        says["aggregation"] = table.aggregation
    says["inputs"] = [_column_says(column) for column in table.inputs]
    says["outputs"] = [_column_says(column) for column in table.outputs]
    says["rules"] = [_rule_says(table, rule) for rule in table.rules]
    return yaml.dump(says, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    """Texts of cells in quotes, so that they are read as texts again; no references to what is said twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(str, lambda dumper, text: dumper.represent_scalar(
    "tag:yaml.org,2002:str", text, style=None if text.isidentifier() and text not in ("true", "false") else "'"
))  # fmt: skip


def _column_says(column: Column) -> dict[str, Any]:
    says = {"name": column.name, "type": column.type.name, "label": column.label, "values": column.values}
    return {name: value for name, value in says.items() if value}


def _rule_says(table: Table, rule: Rule) -> dict[str, Any]:
    when = {column.name: cell for column, cell in zip(table.inputs, rule.when, strict=True) if cell not in ("", "-")}
    then = {column.name: cell for column, cell in zip(table.outputs, rule.then, strict=True)}
    english, line, chinese = rule.because.partition("\n")
    because: Any = {"en": english, "zh-hans": chinese} if line else english
    return {"when": when, "then": then, **({"because": because} if because else {})}
