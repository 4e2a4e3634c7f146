"""The suite of questions on Spark, in its own environment: the same answers."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.flow.installation import ROOT
from tests.required import missing

PYTHON = ROOT / ".venv-spark" / "bin" / "python"
SHORT_RUN = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Java's own settings for a process that ends soon: it takes two thirds of the processor time, and answers the same."""


@pytest.mark.java
def test_the_same_suite_is_green_on_spark() -> None:
    if not shutil.which("java"):
        missing("java", "there is no java on the path; Spark needs Java 17 or newer")
    if not PYTHON.exists():
        missing("java", f"{PYTHON} is not there; `make spark-env` makes it")
    command = [str(PYTHON), "-m", "pytest", "-q", "--noconftest", "-c", os.devnull, "--rootdir", str(ROOT),
               "-p", "no:cacheprovider", "tests/lake/test_questions.py"]  # fmt: skip
    environment = os.environ | {"CITYLOOM_LAKE_ENGINE": "spark", "PYTHONPATH": str(ROOT),
                                "JAVA_TOOL_OPTIONS": SHORT_RUN}  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
