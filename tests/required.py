"""Parts that a test needs and that may not be there: skip and say so, or fail where they are required."""

from __future__ import annotations

import os

import pytest

REQUIRED = set(filter(None, os.environ.get("CITYLOOM_REQUIRE", "").split(",")))


def missing(part: str, reason: str) -> None:
    """Skip the test because `part` is not there; fail it where $CITYLOOM_REQUIRE names the part."""
    if part in REQUIRED:
        pytest.fail(f"{part} is required here, and {reason}")
    pytest.skip(f"{part}: {reason}")
