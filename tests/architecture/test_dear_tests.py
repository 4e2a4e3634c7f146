"""The suite stays affordable: what is dear stands in a list with its budget, and what is only long is a bench.

No time is taken here. Seconds are of a processor as `tools/test_cost.py` counts them; who adds a file that starts
processes, a browser or a city writes down what it costs, and takes it from somewhere when the whole is spent.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
MOST_S = 700
REST_S = 290
"""All tests that start nothing, a few hundredths of a second each."""
BUDGET = {
    "browser": 130, "flow": 120, "verification": 90, "keeper/house.py": 10, "web/test_serving.py": 15,
    "web/test_supervisor.py": 2, "audit/test_commands.py": 5, "architecture/test_contracts.py": 5,
    "audit/test_bundle.py": 2, "keeper/test_server.py": 5, "keeper/test_vault.py": 5, "lake/test_appender.py": 2,
    "lake/test_table.py": 3, "cases/test_case_kills.py": 10, "registers/test_crew.py": 4, "signals/test_readings.py": 2,
}  # fmt: skip
MOST_EXAMPLES = 400
_STARTS = re.compile(r"\bsys\.executable\b|\bPopen\(|\b(?:served_city|new_city|own_city|chromium)\b")


_NONE = {"conftest.py", "required.py", "architecture/test_dear_tests.py", "ui/test_islands.py"}
"""They name these things and start nothing."""


def starting(root: Path) -> set[str]:
    """Files that start processes or ask for a city of their own, by folder where the whole folder does."""
    found = set()
    for file in root.rglob("*.py"):
        name = file.relative_to(root).as_posix()
        folder = name.partition("/")[0]
        if name not in _NONE and _STARTS.search(file.read_text("utf-8")):
            found.add(folder if folder in BUDGET else name)
    return found


def examples(source: str) -> list[int]:
    """How many examples properties ask for."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    asked = [word.value for call in calls for word in call.keywords if word.arg == "max_examples"]
    asked = [one.args[0] if isinstance(one, ast.Call) else one for one in asked]  # a_third_of(60) is written for 60
    return [one.value for one in asked if isinstance(one, ast.Constant)]


def test_what_starts_processes_has_a_budget() -> None:
    assert starting(TESTS) == set(BUDGET), "see the head of this file"


def test_the_budget_is_not_overdrawn() -> None:
    assert sum(BUDGET.values()) + REST_S <= MOST_S


def test_no_property_asks_for_examples_without_end() -> None:
    most = {file.name: max(found) for file in TESTS.rglob("*.py") if (found := examples(file.read_text("utf-8")))}
    assert {name: count for name, count in most.items() if count > MOST_EXAMPLES} == {}
    assert len(most) > 20
    assert examples("settings(max_examples=1000), settings(max_examples=a_third_of(60))") == [1000, 60]
