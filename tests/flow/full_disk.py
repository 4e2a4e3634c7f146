"""Work on a disk that is really full: `python -m tests.flow.full_disk PLACE HOME`, in a mount namespace of its own.

Mounts a small disk at PLACE, has a copy of the city in HOME and a keeper there, fills the disk to the last bytes again
and again, and prints what each command said and left behind.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

from cityloom.keeper import log
from cityloom.kernel.refused import Refused
from tests.flow.installation import Installation
from tests.keeper.conftest import batch
from tests.keeper.house import house_at

DISK_MB = 200
PEOPLE = "3000"
BUILD_ROOM = (0, 3_000_000)
DRILL_ROOM = (0, 400_000)


def main() -> int:
    place = Path(sys.argv[1])
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "cityloom-test", str(place)], check=True)
    shutil.copytree(sys.argv[2], place / "home", symlinks=True)
    print(json.dumps({"opening": opening(place), **commands(place)}))
    return 0


def fill(place: Path, room: int) -> None:
    """Leave so many bytes free."""
    filler = place / "filler"
    filler.unlink(missing_ok=True)
    found = os.statvfs(place)
    with filler.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, max(found.f_bavail * found.f_frsize - room, 1))


def free(place: Path) -> None:
    (place / "filler").unlink()


def commands(place: Path) -> dict[str, Any]:
    """What the command line says, and whether the city is as it was."""
    city = Installation(place / "home")
    before = standing(city)
    builds = [tried(place, city, room, "city", "build", "--people", PEOPLE, "--seed", "2") for room in BUILD_ROOM]
    after_builds = standing(city)
    drills = [tried(place, city, room, "drill", "run", "sinkhole", "--json") for room in DRILL_ROOM]
    shown = city.json("city", "show", "--json")
    interrupted = [run["exercise_id"] for run in city.json("drill", "list", "--json")["runs"]
                   if run["state"] != "finished"]  # fmt: skip
    resumed = [city.json("drill", "run", "sinkhole", "--json", "--resume", one)["outcome"] for one in interrupted]
    return {
        "builds": builds, "unchanged": before == after_builds, "drills": drills,
        "shown": shown == before["shown"], "resumed": resumed,
        "drill": city.json("drill", "run", "sinkhole", "--json")["outcome"],
        "rebuilt": city.run("city", "build", "--people", PEOPLE, "--seed", "2").returncode,
        "cities": len(list((city.home / "cities").iterdir())),
    }  # fmt: skip


def tried(place: Path, city: Installation, room: int, *command: str) -> dict[str, Any]:
    """A command on a full disk."""
    fill(place, room)
    outcome = city.run(*command)
    free(place)
    return {"room": room, "status": outcome.returncode, "words": outcome.stderr[-3000:],
            "cities": len(list((city.home / "cities").iterdir()))}  # fmt: skip


def standing(city: Installation) -> dict[str, Any]:
    """The city as it is: what it says of itself, and its database to the byte."""
    shown = city.json("city", "show", "--json")
    return {"shown": shown, "database": hashlib.sha256((city.home / "current" / "city.db").read_bytes()).hexdigest()}


def opening(place: Path) -> dict[str, Any]:
    """A keeper that has no room for its log."""
    folder = place / "house"
    folder.mkdir()
    house = house_at(folder)
    subjects, envelopes = house.seal(batch(300))
    grant = house.grant(subjects)
    opened = [len(house.open(grant, subjects, envelopes))]
    leaves = count_opened(house.folder)
    fill(place, 0)
    refused = []
    for _ in range(20):  # until what the log had in hand is used up
        try:
            opened.append(len(house.open(grant, subjects, envelopes)))
        except Refused as refusal:
            refused.append(refusal.code)
    logged_while_full = count_opened(house.folder) - leaves
    free(place)
    afterwards = len(house.open(grant, subjects, envelopes))
    house.running.stop()
    log.verify(house.folder)
    return {"opened": sum(opened) + afterwards, "logged": count_opened(house.folder), "refused": refused,
            "logged_while_full": logged_while_full, "opened_while_full": sum(opened[1:])}  # fmt: skip


def count_opened(folder: Path) -> int:
    database = sqlite3.connect(f"file:{folder}/keeper.db?mode=ro", uri=True)
    found = database.execute("SELECT total(count) FROM leaves WHERE kind = 'opened'").fetchone()[0]
    database.close()
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
