"""A large file that is read by several processes: the same rows in the same order, and no process that stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cityloom.kernel.refused import Refused
from cityloom.registers.domain.checks import Checks, Verdict
from cityloom.registers.domain.kinds import REGISTERS
from cityloom.registers.loading import crew
from cityloom.registers.loading.reading import Batch, checked
from tests.registers.test_checks import TODAY, whole_mapping
from tests.registers.test_proofs import KEY, parquet, right

REGISTER = REGISTERS["buildings"]
ROWS = 700


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Buildings of which some are bad, and some are repeated by the verdict below."""
    best = [right(field)[0] for field in REGISTER.fields]
    rows = [list(best) for _ in range(ROWS)]
    for number, row in enumerate(rows):
        row[0] = f"b-{number}"
    rows[100][0] = rows[550][1] = "x" * 400
    parquet(tmp_path / "file.parquet", REGISTER.names, rows)
    return tmp_path / "file.parquet"


def read(file: Path, after: int = 0) -> list[Batch]:
    from cityloom.registers import plugins
    from cityloom.registers.domain.tables import Wanted

    table = plugins.open_table(file, Wanted(format="parquet"))
    checks = Checks(whole_mapping(REGISTER), table.header, TODAY, Verdict({300: "repeated_key"}))
    return list(checked(table, checks, key=KEY, after=after, at_once=150))


@pytest.fixture
def _several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "WORTH", 1)
    monkeypatch.setattr(crew, "size", lambda: 2)


@pytest.mark.parametrize("after", [0, 160])
def test_several_processes_give_what_one_gives(file: Path, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = read(file, after)
    monkeypatch.setattr(crew, "WORTH", 1)
    monkeypatch.setattr(crew, "size", lambda: 2)
    together = read(file, after)
    assert [rows for rows, _found in together] == [rows for rows, _found in alone]
    assert [found for _rows, found in together] == [found for _rows, found in alone]
    assert sum(len(found.faults) for _rows, found in together) == 3 - (after > 101)


@pytest.mark.usefixtures("_several")
def test_damage_that_one_of_them_meets_is_the_same_sentence(file: Path) -> None:
    whole = bytearray(file.read_bytes())
    whole[200:2_000] = b"\xa5" * 1_800
    file.write_bytes(bytes(whole))
    with pytest.raises(Refused) as refusal:
        read(file)
    assert (refusal.value.code, refusal.value.value) == ("registers.file_broken", "file.parquet")


@pytest.mark.usefixtures("_several")
def test_a_file_is_never_taken_for_shorter_where_one_of_them_is_ended(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = subprocess.Popen

    def ended_at_once(*args: object, **how: object) -> subprocess.Popen[bytes]:
        process = start(*args, **how)  # type: ignore[call-overload]
        process.kill()
        process.wait()
        return process  # type: ignore[no-any-return]

    monkeypatch.setattr(subprocess, "Popen", ended_at_once)
    with pytest.raises(Refused) as refusal:
        read(file)
    assert refusal.value.code == "registers.reading_ended"


_KILLED = """
import os, sys
from pathlib import Path
import django
django.setup()
from tests.registers import test_crew as here
here.crew.WORTH, here.crew.size = 1, lambda: 2
received = here.crew.receive
def once(link):
    first = received(link)
    print(*(path.name for path in Path("/proc").glob("[0-9]*") if parent(path) == os.getpid()), flush=True)
    os.kill(os.getpid(), 9)
def parent(path):
    try:
        return int((path / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
here.crew.receive = once
here.read(Path(sys.argv[1]))
"""


def test_they_end_with_the_process_that_started_them(file: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(file)], capture_output=True, text=True,
                            env=os.environ | {"DJANGO_SETTINGS_MODULE": "cityloom.project.settings"})  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    members = [int(pid) for pid in killed.stdout.split()]
    assert len(members) == 2
    until = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() and not is_over(pid) for pid in members):
        assert time.monotonic() < until
        time.sleep(0.02)


def is_over(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, ValueError):
        return True
