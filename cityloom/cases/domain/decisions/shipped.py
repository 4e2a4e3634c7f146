"""Tables that come with the program: what a city grants at once until it publishes its own."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cityloom.cases.domain.decisions import table_yaml

_FOLDER = Path(__file__).parent


@cache
def texts() -> dict[str, str]:
    """The shipped tables in YAML, by their names."""
    found = [path.read_text(encoding="utf-8") for path in sorted(_FOLDER.glob("table_*.yaml"))]
    return {table_yaml.table_of_yaml(text).name: text for text in found}
