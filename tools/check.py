"""`make check`: style, the six contracts, migrations, and generated pages that are up to date."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

STEPS = {
    "ruff": [str(BIN / "ruff"), "check", "."],
    "contracts": [str(BIN / "lint-imports")],
    "migrations": [sys.executable, "-W", "ignore", "-m", "cityloom.project.manage", "makemigrations", "--check",
                   "--dry-run", "-v", "0"],
    "django": [sys.executable, "-m", "cityloom.project.manage", "check"],
    "generated pages": [sys.executable, "tools/docs.py", "--check"],
}  # fmt: skip


def main() -> int:
    failed = []
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"CITYLOOM_HOME": home, "PYTHONPATH": str(ROOT), "CITYLOOM_DATABASE_URL": ""}
        for name, command in STEPS.items():
            print(f"== {name}", flush=True)
            if subprocess.run(command, cwd=ROOT, env=environment).returncode:
                failed.append(name)
    print(f"check: {'failed: ' + ', '.join(failed) if failed else 'all kept'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
