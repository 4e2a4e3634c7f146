"""Where a city lives on disk: one folder, private to the user that runs it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cityloom.kernel import ids

_SOCKET_LIMIT = 100  # bytes; the system's own limit is 108
_BUILDING = "building.pid"


def _alive(pid: str) -> bool:
    return pid.isdigit() and Path(f"/proc/{pid}").exists()


def _is_being_built(folder: Path) -> bool:
    with suppress(FileNotFoundError):
        return _alive((folder / _BUILDING).read_text())
    return False


@dataclass(frozen=True)
class Home:
    """`$CITYLOOM_HOME`, by default `./.cityloom`: databases, keys, logs, sockets, reports and secrets."""

    path: Path

    @staticmethod
    def from_environment() -> Home:
        """The home that the environment names."""
        return Home(Path(os.environ.get("CITYLOOM_HOME", ".cityloom")).expanduser().absolute())

    @property
    def city_dir(self) -> Path:
        """The city in use: a link, so that another city takes its place in one step.

        A city that is being built is named by `$CITYLOOM_CITY_DIR` in the process that builds it.
        """
        building = os.environ.get("CITYLOOM_CITY_DIR")
        return Path(building) if building else self.path / "current"

    @property
    def city_id(self) -> str:
        """The id of the city in use, "" where there is none."""
        return self.city_dir.resolve().name if self.city_dir.exists() else ""

    def begin_city(self) -> Path:
        """Make the folder of a new city."""
        with self._alone():
            folder = self._made("cities") / ids.new_ulid()
            folder.mkdir(mode=0o700)
            (folder / _BUILDING).write_text(str(os.getpid()))
        return folder

    def adopt_city(self, folder: Path) -> None:
        """Put a finished city in the place of the current one, in one step; the old one is then a leftover."""
        fresh = self.path / f"current.{os.getpid()}"
        fresh.symlink_to(folder.relative_to(self.path))
        fresh.replace(self.path / "current")
        with suppress(OSError):  # the step is done, and a mark on the city in use means nothing
            (folder / _BUILDING).unlink()

    def uses(self, folder: Path) -> bool:
        """Whether this is the city in use."""
        return (self.path / "current").resolve() == folder

    def leftovers(self) -> list[Path]:
        """Folders of cities that are not in use and that nobody builds: of builders that died, and of replaced ones."""
        with self._alone():
            for link in self.path.glob("current.*"):
                if not _alive(link.suffix[1:]):
                    link.unlink(missing_ok=True)
            return [folder for folder in sorted(self._made("cities").iterdir())
                    if not self.uses(folder) and not _is_being_built(folder)]  # fmt: skip

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other builders away for a moment, so that none sees a folder before its mark."""
        handle = os.open(self._made("cities"), os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    @property
    def database(self) -> Path:
        return self.city_dir / "city.db"

    @property
    def keeper_dir(self) -> Path:
        return self.city_dir / "keeper"

    @property
    def lake(self) -> Path:
        return self.city_dir / "lake"

    @property
    def run_dir(self) -> Path:
        return self._made("run")

    @property
    def logs(self) -> Path:
        return self._made("logs")

    @property
    def reports(self) -> Path:
        return self._made("reports")

    @property
    def sent(self) -> Path:
        """Where the file channel leaves what it was told to say."""
        return self._made("sent")

    @property
    def stills(self) -> Path:
        """Masked pictures of scenes."""
        return self._made("stills")

    @property
    def bridge(self) -> Path:
        """The file that says from which broker readings come; it need not be there."""
        return Path(os.environ.get("CITYLOOM_BRIDGE") or self.path / "bridge.yaml").expanduser().absolute()

    @property
    def switchboard(self) -> Path:
        """The file that says with which broker SensorThings is exchanged; it need not be there.

        Its earlier name, `exchange.yaml`, is read where there is no other.
        """
        named = os.environ.get("CITYLOOM_SWITCHBOARD") or os.environ.get("CITYLOOM_EXCHANGE")
        file, earlier = Path(named or self.path / "switchboard.yaml"), self.path / "exchange.yaml"
        chosen = file if named or file.exists() or not earlier.exists() else earlier
        return chosen.expanduser().absolute()

    @property
    def readings(self) -> Path:
        """Where files of readings arrive; it need not be there."""
        return self.path / "readings"

    @property
    def keeping(self) -> Path:
        """The rule for how long readings are kept; it need not be there, and then all are."""
        return self.path / "readings.yaml"

    def socket(self, name: str) -> Path:
        """A path for a socket, short enough for the system wherever the home lies."""
        path = self.path / "run" / f"{name}.sock"
        if len(os.fsencode(path)) <= _SOCKET_LIMIT:
            self._made("run")
            return path
        tag = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"cityloom-{os.getuid()}-{tag}"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / f"{name}.sock"

    def secret(self, name: str) -> str:
        """A secret of this installation, made at first use and readable by its owner only."""
        return self.secret_file(name).read_text()

    def secret_file(self, name: str) -> Path:
        """The file that holds a secret, made at first use."""
        path = self._made("secrets") / name
        if not path.exists():
            try:
                handle = os.open(path.with_suffix(f".{os.getpid()}"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "w") as stream:
                    stream.write(ids.random_token())
                os.link(path.with_suffix(f".{os.getpid()}"), path)
            except FileExistsError:
                pass
            finally:
                path.with_suffix(f".{os.getpid()}").unlink(missing_ok=True)
        return path

    def _made(self, name: str) -> Path:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = self.path / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder
