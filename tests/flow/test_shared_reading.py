"""What several processes read is kept as what one reads, also where the load was cut short and went on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.flow.shared_reading import ROWS


def test_what_several_processes_read_and_make_is_what_one_does(tmp_path: Path) -> None:
    home = {name: value for name, value in os.environ.items() if not name.startswith("CITYLOOM")}
    done = subprocess.run([sys.executable, "-m", "tests.flow.shared_reading", str(tmp_path / "home")], env=home,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["together"] == told["alone"]
    assert told["alone"]["counts"] | {"set_aside": 4, "new": ROWS - 4} == told["alone"]["counts"]
    assert [row["packet"] != [] for row in told["alone"]["records"][:4]] == [True, False, False, True]
