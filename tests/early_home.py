"""A pytest plugin, loaded before Django's settings are: every test run has a home of its own, in memory where it can.

What tests write is gone after them, and much of their time would go into waiting for a disk to have it for good; a
process that is killed loses no more in memory than on a disk. `CITYLOOM_TEST_TMP` names another place.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_IN_MEMORY = Path("/dev/shm")
_NEEDED = 6_000_000_000


def _place() -> str | None:
    """Where temporary files go; None for where the system has them."""
    if chosen := os.environ.get("CITYLOOM_TEST_TMP"):
        return chosen
    if _IN_MEMORY.is_dir() and os.access(_IN_MEMORY, os.W_OK) and shutil.disk_usage(_IN_MEMORY).free > _NEEDED:
        return str(_IN_MEMORY)
    return None


if (place := _place()) is not None:
    os.environ["TMPDIR"] = tempfile.tempdir = place
os.environ["CITYLOOM_HOME"] = tempfile.mkdtemp(prefix="cityloom-test-")
atexit.register(shutil.rmtree, os.environ["CITYLOOM_HOME"], ignore_errors=True)


def pytest_unconfigure() -> None:
    """Remove the home here, too: a process that xdist started ends without what is registered above."""
    shutil.rmtree(os.environ["CITYLOOM_HOME"], ignore_errors=True)
