"""The abuse drills at full size: `python -m bench.abuse [A01 ...] [--people N]` (200,000 people, 10,000 mutations).

The kills of A09 are 1,000 here too; `bench.keeper_kills` kills it under more kinds of work.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("abuses", nargs="*", default=["all"])
    arguments.add_argument("--people", type=int, default=200_000)
    arguments.add_argument("--mutations", type=int, default=10_000)
    arguments.add_argument("--kills", type=int, default=1_000)
    chosen = arguments.parse_args()
    command = [sys.executable, "-m", "cityloom", "abuse-drill", "run", *chosen.abuses]
    for name in ("people", "mutations", "kills"):
        command += [f"--{name}", str(getattr(chosen, name))]
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as home:
        return subprocess.run(["env", f"CITYLOOM_HOME={home}", *command], cwd=Path(__file__).parents[1]).returncode


if __name__ == "__main__":
    sys.exit(main())
