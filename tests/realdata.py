"""Where the public data for tests lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def path(name: str) -> Path:
    """A file or folder of the shared data; skips the test, with the reason, where it is absent."""
    folder = Path(os.environ.get("CITYLOOM_DATA", ROOT.parent / "shared" / "data"))
    found = folder / name
    if not found.exists():
        pytest.skip(f"{name} is not in {folder}; set CITYLOOM_DATA to where the public data lie")
    return found
