"""The commands, as people type them, on a machine that has no city."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.audit.conftest import Book
from tests.flow.installation import ROOT, Installation


def test_a_bundle_and_a_whole_log_are_checked(book: Book, new_home: Callable[[], Installation], tmp_path: Path) -> None:
    book.grow(300)
    (tmp_path / "bundle.json").write_text(json.dumps(book.bundle(3)))
    for name, run in book.files().items():
        (tmp_path / "log" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "log" / name).write_bytes(run)
    home, key = new_home(), book.key.vkey
    good = home.run("verify", str(tmp_path / "bundle.json"), "--key", key)
    assert (good.returncode, "1 entries stand in the log" in good.stdout) == (0, True), good.stderr
    whole = home.run("log", "verify", str(tmp_path / "log"), "--key", key, "--older", str(tmp_path / "log/checkpoint"))
    assert (whole.returncode, "300 entries and" in whole.stdout) == (0, True), whole.stderr
    (tmp_path / "log/tile/entries/000").write_bytes(b"cut off")
    bad = home.run("log", "verify", str(tmp_path / "log"), "--key", key)
    assert (bad.returncode, "audit.does_not_verify" in bad.stderr) == (1, True), bad.stderr
    assert home.run("log", "verify", str(tmp_path / "log")).returncode == 2  # a key must be named


def test_our_own_witness_is_named_and_served(book: Book, new_home: Callable[[], Installation]) -> None:
    book.grow(5)
    home = new_home()
    assert home.run("witness", "add", book.key.vkey).returncode == 0
    vkey = home.run("witness", "key").stdout.strip()
    assert home.run("witness", "add", vkey, "--url", "https://w.example").returncode == 0
    assert home.run("witness", "add", "nonsense").returncode == 1
    port = free_port()
    command = [sys.executable, "-m", "cityloom", "witness", "serve", "--host", "127.0.0.1", "--port", port]
    environment = {"CITYLOOM_HOME": str(home.home), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    serving = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        line = posted(f"http://127.0.0.1:{port}/add-checkpoint", book.submission(0))
        assert line.startswith(f"\u2014 {vkey.partition('+')[0]} ")
    finally:
        serving.terminate()
        serving.wait(10)


def free_port() -> str:
    """A port of this machine that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


def posted(address: str, body: str) -> str:
    """The answer, once the server listens."""
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(address, body.encode(), timeout=5) as answer:  # noqa: S310 - an address of our own
                return answer.read().decode()
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
