"""Every text of the pages that has to be translated, found in templates and in Python."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation.template import templatize

PACKAGE = Path(__file__).resolve().parents[2] / "cityloom"
_MARKS = ("_", "gettext", "gettext_lazy", "gettext_noop")
_REFUSALS = ("Refused", "StepUpNeeded", "Denied")
_TEXT = r"u?('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
_CALL = re.compile(rf"(?<![a-z])(?:n?gettext|_)\({_TEXT}(?:,\s*{_TEXT})?")


def of_templates() -> set[str]:
    """Message ids in templates, singular and plural."""
    found: set[str] = set()
    for path in PACKAGE.rglob("templates/**/*.html"):
        for texts in _CALL.findall(templatize(path.read_text())):
            found |= {ast.literal_eval(text) for text in texts if text}
    return found


def of_python() -> set[str]:
    """Message ids that Python code marks."""
    return {text for tree in _trees() for text in _marked(tree)}


def of_refusals(*packages: str) -> set[str]:
    """Constant sentences of refusals that these packages raise."""
    return {text for tree in _trees(*packages) for text in _refusals(tree)}


def _trees(*packages: str) -> Iterator[ast.AST]:
    for folder in [PACKAGE / package for package in packages] or [PACKAGE]:
        for path in sorted(folder.rglob("*.py")):
            if "migrations" not in path.parts:
                yield ast.parse(path.read_text())


def _marked(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _MARKS:
            yield from (one.value for one in node.args[:1] if isinstance(one, ast.Constant))


def _refusals(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (place := _sentence_at(node.func)):
            yield from (one.value for one in node.args[place : place + 1] if isinstance(one, ast.Constant))


def _sentence_at(function: ast.expr) -> int:
    """At which place of a call its sentence stands; 0 where the call refuses nothing."""
    if isinstance(function, ast.Name) and function.id in _REFUSALS:
        return 1
    return 2 if isinstance(function, ast.Attribute) and function.attr == "refuse" else 0
