"""Kill whoever works on cases before any statement: `python -m bench.cases_kills [--kills N]` (2,000)."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=2000)
    arguments.add_argument("--seed", type=int, default=1)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as place:
        command = [sys.executable, "-m", "tests.cases.kills", place, str(chosen.kills), str(chosen.seed)]
        return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main())
