"""Which tests send PostgreSQL nothing that others do not: `python -m tests.verification.statements` finds them anew.

It runs the tests of all `PARTS` on the embedded database and notes the form of each SQL statement. A test is left out
on PostgreSQL where others send each of its statements, unless it is about loads and deliveries that are cut short:
there it matters what a database takes back. A test that is not in the list runs, so that a new one does.
"""

from __future__ import annotations

import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("same_statements.txt")
_KEPT = re.compile(r"cut_|kill|fail|full|twice|once|crash|postgres|waits_its_turn|at_the_same_time|erasure")
_LEAST_S = 0.06
_LONGEST = 2_000
_VARYING = (
    (re.compile(r'"s\d+_x\d+"'), "SAVEPOINT"), (re.compile(r"'[^']*'"), "TEXT"), (re.compile(r"%s(, ?%s)+"), "%s"),
    (re.compile(r"\(%s\)(, ?\(%s\))+"), "(%s)"), (re.compile(r"\b\d+\b"), "N"),
)  # fmt: skip


def left_out() -> frozenset[str]:
    """The names of the tests that are not run on PostgreSQL, without parameters."""
    lines = LIST.read_text("utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def named(item: pytest.Item) -> str:
    """What a test is called, without parameters."""
    return item.nodeid.partition("[")[0]


class LeavingOut:
    """A pytest plugin that leaves out what is in the list."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        without = left_out()
        items[:] = [item for item in items if named(item) not in without]


class Noting:
    """A pytest plugin that notes the forms of each test's statements, and how long it takes."""

    def __init__(self) -> None:
        self.forms: dict[str, set[str]] = defaultdict(set)
        self.seconds: dict[str, float] = defaultdict(float)
        self._test = ""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        from django.db import connection

        self._test = named(item)
        if self._note not in connection.execute_wrappers:
            connection.execute_wrappers.append(self._note)
        before = time.process_time()
        outcome = yield
        self.seconds[self._test] += time.process_time() - before
        return outcome

    def _note(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        self.forms[self._test].add(form_of(str(sql)))
        return execute(sql, params, many, context)


def form_of(sql: str) -> str:
    """A statement without what changes from one call to the next."""
    for pattern, word in _VARYING:
        sql = pattern.sub(word, sql)
    return sql[:_LONGEST]


def superfluous(forms: Mapping[str, Collection[str]], seconds: Mapping[str, float]) -> list[str]:
    """Tests without which the others still send everything, the longest gone first."""
    senders: dict[str, int] = defaultdict(int)
    for sent in forms.values():
        for form in sent:
            senders[form] += 1
    out = []
    for test in sorted(seconds, key=lambda test: -seconds[test]):
        sent = forms.get(test, ())
        if seconds[test] < _LEAST_S or _KEPT.search(test.partition("::")[2]) or any(senders[form] < 2 for form in sent):
            continue
        for form in sent:
            senders[form] -= 1
        out.append(test)
    return sorted(out)


def main() -> int:
    from tests.verification.test_postgresql import PARTS

    noting = Noting()
    paths = [str(path) for part in PARTS for name in part.split() for path in sorted(ROOT.glob(f"tests/{name}*"))]
    status = pytest.main(["-q", "-m", "django_db", "-p", "no:cacheprovider", *paths], plugins=[noting])
    head = (__doc__ or "").strip().partition("\n\n")
    lines = [f"# {line}" for line in head[0].splitlines()] + superfluous(noting.forms, noting.seconds)
    LIST.write_text("\n".join(lines) + "\n", "utf-8")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
