"""The reference of registers, fields, units, forms of dates and rules, as it stands in the documentation."""

from __future__ import annotations

import json

from cityloom.registers.domain import survivorship
from cityloom.registers.domain.dates import FORMS
from cityloom.registers.domain.kinds import REGISTERS, UNITS, Field
from cityloom.registers.domain.mapping import schema as mapping_schema
from cityloom.registers.domain.rules import DIMENSIONS, RULES


def schema() -> str:
    """The JSON Schema of a mapping."""
    return json.dumps(mapping_schema(), ensure_ascii=False, indent=2) + "\n"


def markdown() -> str:
    """The page."""
    lines = [
        "# Registers that files are loaded into", "",
        "Generated from the tables in `cityloom/registers/domain` by `make docs`. How to begin: "
        "[the tutorial](../tutorials/registers.md); the form of a mapping: "
        "[its JSON Schema](register-mapping.schema.json); where entries are looked at: "
        "[the pages of the registers](register-pages.md).", "",
    ]  # fmt: skip
    for register in REGISTERS.values():
        lines += [f"## {register.name.capitalize()}", "", f"The key is `{register.key}`.", "",
                  "| field | holds | unit | needed | sealed |", "|---|---|---|---|---|"]  # fmt: skip
        lines += [_row(field) for field in register.fields]
        lines.append("")
    lines += ["## Units", "", "| the register keeps | a file may give |", "|---|---|"]
    lines += [f"| {kept} | {', '.join(given)} |" for kept, given in UNITS.items()]
    lines += ["", "## Forms of dates", "", ", ".join(f"`{form}`" for form in FORMS) + "; a time of day is let go.", "",
              "## Rules", "", "| dimension | rule | what it says |", "|---|---|---|"]  # fmt: skip
    for dimension in DIMENSIONS:
        lines += [f"| {dimension} | `{name}` | {rule.sentence} |" for name, rule in RULES.items()
                  if rule.dimension == dimension]  # fmt: skip
    lines += ["", "Which source is believed, and where they disagree: [which source is right](which-source.md)."]
    return "\n".join([*lines, ""])


def rules_schema() -> str:
    """The JSON Schema of rules on sources."""
    return json.dumps(survivorship.schema(), ensure_ascii=False, indent=2) + "\n"


def _row(field: Field) -> str:
    kind = f"key of {field.refers_to}" if field.refers_to else field.kind.replace("_", " ")
    kind = f"{kind}: {field.shape}" if field.shape else kind
    holds = field.code_list or ", ".join(field.choices) or kind
    return f"| `{field.name}` | {holds} | {field.unit} | {'yes' * field.required} | {'yes' * field.personal} |"
