"""Kill a drill at random instants and start it again: `python -m bench.kills [--kills N]` (1,000 by default).

With `--what keeper` the keeper is killed under the drill and comes back a moment later.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=1000)
    arguments.add_argument("--people", type=int, default=6000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--what", choices=["drill", "keeper"], default="drill")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"CITYLOOM_HOME": home}
        build = [sys.executable, "-m", "cityloom", "city", "build", "--people", str(chosen.people), "--seed", "7"]
        subprocess.run(build, check=True, capture_output=True, env=environment)
        command = [sys.executable, "-m", "tests.flow.kills", home, str(chosen.kills), str(chosen.seed),
                   chosen.what]  # fmt: skip
        return subprocess.run(command, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
