"""A11: code that goes around the gate, and another user of the machine who tries the keeper's files and door."""

from __future__ import annotations

import ast
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import cityloom
from cityloom.drills.jobs.abuse.stage import KEY, Stage
from cityloom.keeper import client, keyring, protocol, signing, store
from cityloom.kernel import ids

NOBODY = 65534
_PACKAGE = Path(cityloom.__file__).parent
_KEEPERS_OWN = ("cedarpy", "cryptography")
_MAY_ENCRYPT = (
    "keeper", "accounts/contrib/allauth/sealing.py", "subscriptions/contrib/web_push/sealing.py",
    "web/contrib/demo_identity/signing.py",
)
_MAY_TALK = ("keeper", "gate", "audit", "project/parts.py", "drills/jobs/abuse")

_OTHER_USER = """
import json, os, socket, sys
os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))
def tried(act):
    try:
        return act() or "answered"
    except OSError as error:
        return type(error).__name__
def talk():
    link = socket.socket(socket.AF_UNIX); link.settimeout(10); link.connect(sys.argv[2])
    link.sendall(bytes.fromhex(sys.argv[3]))
    return "answered" if link.recv(10) else "hung up"
def memory():
    with open(f"/proc/{sys.argv[4]}/maps") as maps:
        first = maps.readline().split("-")[0]
    with open(f"/proc/{sys.argv[4]}/mem", "rb") as mem:
        mem.seek(int(first, 16)); mem.read(16)
found = {"socket": tried(talk), "memory": tried(memory)}
for path in sys.argv[5:]:
    found[path] = tried(lambda: open(path, "rb").read() and None)
print(json.dumps(found))
"""
_SAME_USER = """
import ctypes, os, sys
from cityloom.keeper import wire
os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
if sys.argv[2] == "keeper":
    wire.keep_memory_private()
print("ready", flush=True); sys.stdin.read()
"""


def run(stage: Stage) -> None:
    """Look for a way past the gate in the code, then become another user and try."""
    stage.found.tries("look in every module for the cipher, the policy engine and the keeper")
    _imports(stage)
    if os.getuid() != 0:
        stage.found.skip("Another user's attempts: only root can become another user; run it as root, as CI does.")
        return
    stage.found.tries("read the keys, knock at the socket and read the keeper's memory as the user nobody")
    _another_user(stage)
    stage.found.tries("read the keeper's memory as another process of the keeper's own user")
    _own_user(stage)


def _imports(stage: Stage) -> None:
    ciphers, talks = [], []
    for path in sorted(_PACKAGE.rglob("*.py")):
        place = path.relative_to(_PACKAGE).as_posix()
        names = set(_imported(ast.parse(path.read_text())))
        if not place.startswith(_MAY_ENCRYPT) and any(name.split(".")[0] in _KEEPERS_OWN for name in names):
            ciphers.append(place)
        if not place.startswith(_MAY_TALK) and any(f"{name}.".startswith("cityloom.keeper.") for name in names):
            talks.append(place)
    stage.found.equal("modules outside the keeper with its cipher or policy engine", ciphers, [])
    stage.found.equal("modules beside gate and audit that talk to the keeper", talks, [])


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Call) and "import" in ast.unparse(node.func):
            yield from (each.value for each in node.args[:1] if isinstance(each, ast.Constant) and each.value)


def _another_user(stage: Stage) -> None:
    place = stage.place
    (place / "assertion").write_bytes(KEY)
    (place / "assertion").chmod(0o600)
    running = client.start(place / "keeper", place / "s", place / "assertion")
    try:
        with _in_reach(place):
            secret = [place / "keeper" / keyring.KEY_FILE, place / "keeper" / signing.KEY_FILE, place / "assertion",
                      place / "keeper" / store.DATABASE, *(place / "keeper").glob("secrets.*")]  # fmt: skip
            (place / "s").chmod(0o666)  # as if somebody had opened it: the peer's user id still stands in the way
            found = _as_nobody(place, running.pid, secret)
            mine = _as_nobody(place, running.pid, [], user=0)
    finally:
        running.stop()
    stage.found.equal("the socket answers its own user", mine["socket"], "answered")
    stage.found.equal("the socket answers another user", found.pop("socket") == "answered", False)
    for answer in found.values():
        stage.found.stopped(answer)
    refusals = set(found.values())
    stage.found.equal(f"{len(found)} files and the memory, read as another user", refusals, {"PermissionError"})


def _as_nobody(place: Path, pid: int, paths: list[Path], user: int = NOBODY) -> dict[str, str]:
    command = [sys.executable, "-c", _OTHER_USER, str(user), str(place / "s"),
               protocol.frame(protocol.Ping()).hex(), str(pid), *map(str, paths)]  # fmt: skip
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@contextmanager
def _in_reach(place: Path) -> Iterator[None]:
    """Let others pass through the folders of the drill, the keeper's included, so that only the files' own modes count.

    Folders that others own stay as they are.
    """
    folders = [place / "keeper", place, *(each for each in place.parents if each.stat().st_uid == os.getuid())]
    before = {folder: stat.S_IMODE(folder.stat().st_mode) for folder in folders if str(folder) not in ("/", "/tmp")}  # noqa: S108
    for folder, mode in before.items():
        folder.chmod(mode | 0o011)
    try:
        yield
    finally:
        for folder, mode in before.items():
            with suppress(OSError):
                folder.chmod(mode)


def _own_user(stage: Stage) -> None:
    found = {kind: _read_by_own_user(kind) for kind in ("keeper", "other")}
    if found["other"] != "answered":
        stage.found.skip("A process may not read another of its own user here, so nothing is shown by this.")
        return
    stage.found.stopped(found["keeper"])
    stage.found.equal("memory of a process that did as the keeper does", found["keeper"], "PermissionError")


def _read_by_own_user(kind: str) -> str:
    command = [sys.executable, "-c", _SAME_USER, str(NOBODY), kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          env=client._environment()) as process:  # fmt: skip
        try:
            process.stdout.readline()  # type: ignore[union-attr]
            looked = [sys.executable, "-c", _OTHER_USER, str(NOBODY), str(ids.new_ulid()), "00", str(process.pid)]
            return json.loads(subprocess.run(looked, capture_output=True, text=True, check=True).stdout)["memory"]
        finally:
            process.send_signal(signal.SIGKILL)
