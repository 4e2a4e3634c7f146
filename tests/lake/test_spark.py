"""The suite of questions on Spark, in its own environment: the same answers."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.flow.installation import ROOT
from tests.required import missing

PYTHON = ROOT / ".venv-spark" / "bin" / "python"


@pytest.mark.java
def test_the_same_suite_is_green_on_spark() -> None:
    if not shutil.which("java"):
        missing("java", "there is no java on the path; Spark needs Java 17 or newer")
    if not PYTHON.exists():
        missing("java", f"{PYTHON} is not there; `make spark-env` makes it")
    command = [str(PYTHON), "-m", "pytest", "-q", "--noconftest", "-c", os.devnull, "--rootdir", str(ROOT),
               "-p", "no:cacheprovider", "tests/lake/test_questions.py"]  # fmt: skip
    environment = os.environ | {"CITYLOOM_LAKE_ENGINE": "spark", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
