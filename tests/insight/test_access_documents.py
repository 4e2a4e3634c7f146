"""The worked examples of the documents are what comes out."""

from __future__ import annotations

import doctest

import pytest


@pytest.mark.parametrize("name", ["access", "siting"])
def test_the_worked_examples_are_what_comes_out(name: str) -> None:
    assert doctest.testfile(f"../../docs/algorithms/{name}.md").failed == 0
