"""Every sentence that says no can be said in Chinese, with the same value and limit in it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.utils import translation

from cityloom.cli import main
from cityloom.kernel.refused import Refused

ROOT = Path(__file__).resolve().parents[2] / "cityloom"
CODE = re.compile(r"[a-z_]+\.[a-z_]+")
NAMES = re.compile(r"\w*Refused|_?refuse|Denied|Noted|StepUpNeeded|NotTaken|__init__")
"""The refusal, its kinds, and what hands one on."""
PUT_TOGETHER = {"emergency/policies.py"}
"""Where a sentence is put together for each deed; every one that there can be has its translation."""
HELD = re.compile(r"\{\w+\}")


def sources() -> list[Path]:
    return [path for path in ROOT.rglob("*.py") if "migrations" not in path.parts]


def refusals(tree: ast.Module) -> Iterator[ast.expr]:
    """The sentence of each refusal that is made, or noted and handed on, in a file."""
    for call in ast.walk(tree):
        name = ast.unparse(call.func).rpartition(".")[2] if isinstance(call, ast.Call) else ""
        if name == "Detail":
            yield call.args[0]
        if not NAMES.fullmatch(name):
            continue
        for code, sentence in zip(call.args, call.args[1:], strict=False):
            is_code = isinstance(code, ast.Constant) and CODE.fullmatch(str(code.value))
            if is_code or (name.endswith("Refused") and code is call.args[0]):
                yield sentence


def said(sentence: ast.expr, tree: ast.Module) -> Iterator[str]:
    """The texts that an expression may be: itself, or what its name was set to anywhere in the file."""
    match sentence:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr():
            yield ast.unparse(sentence)
        case ast.IfExp(body=body, orelse=orelse):
            yield from said(body, tree)
            yield from said(orelse, tree)
        case ast.Dict(values=values):
            for value in values:
                yield from said(value, tree)
        case ast.Subscript(value=ast.Name(id=name)) | ast.Name(id=name):
            for node in ast.walk(tree):
                if isinstance(node, ast.Assign) and any(ast.unparse(one) == name for one in node.targets):
                    yield from said(node.value, tree)


def is_made(text: str) -> bool:
    return text.startswith(("f'", 'f"'))


@cache
def sentences() -> dict[str, str]:
    found = {}
    for path in sources():
        tree = ast.parse(path.read_text())
        for sentence in refusals(tree):
            where = f"{path.relative_to(ROOT)}:{sentence.lineno}"
            found.update(dict.fromkeys((text for text in said(sentence, tree) if " " in text), where))
    return found


def test_the_sentences_of_refusals_are_found() -> None:
    """Else the tests below would hold of nothing: one of each way in which they are written."""
    found = sentences()
    assert len(found) > 400
    for text in ("The current city holds {value} real incidents; add --replace to give it up.",  # a constant
                 "The mapping cannot be read at line {limit}: {value}.",  # one of several in a table
                 "a list is wanted here", "it is less than {limit}",  # what stands in one, by itself and in a table
                 "A dataset is named like a word of a program (`permits`), not {value}."):  # by a name
        assert text in found


def test_no_sentence_is_put_together() -> None:
    """A translation is looked up by the whole sentence: what changes in it is its value or its limit."""
    made = {where for text, where in sentences().items() if is_made(text)}
    assert {where.partition(":")[0] for where in made} == PUT_TOGETHER, made


@pytest.mark.parametrize("language", ["zh-hans"])
def test_each_refusal_has_its_words_in_each_language(language: str) -> None:
    with translation.override(language):
        told = {text: translation.gettext(text) for text in sentences() if not is_made(text)}
    assert [f"{sentences()[text]}: {text}" for text, words in told.items() if words == text] == []
    unlike = [text for text, words in told.items() if set(HELD.findall(text)) != set(HELD.findall(words))]
    assert unlike == []


def test_a_terminal_in_chinese_is_refused_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = Refused("registers.no_place", "There is no file or folder {value}; check the path.", value="a.osm")
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert main.told(refusal) == refusal.sentence
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert main.told(refusal) == "没有文件或文件夹 a.osm；请核对路径。"
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert main.told(refusal) == refusal.sentence
