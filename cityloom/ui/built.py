"""What the build of the islands has left in `static/ui/built`, if anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "static" / "ui" / "built"
_PREFIX = "ui/built/"


@dataclass(frozen=True)
class Parts:
    """The files of one island, as names for `static`."""

    scripts: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    soon: tuple[str, ...] = ()
    """Scripts that the first one will ask for: fetched meanwhile."""


def parts_of(source: str) -> Parts | None:
    """The files that a page links for an entry of the build; None where it was not built."""
    entry = _manifest().get(source)
    if entry is None:
        return None
    if entry["file"].endswith(".css"):
        return Parts(styles=(_PREFIX + entry["file"],))
    later = [_manifest()[name] for name in (*entry.get("imports", ()), *entry.get("dynamicImports", ()))]
    soon = tuple(_PREFIX + part["file"] for part in later)
    return Parts((_PREFIX + entry["file"],), tuple(_PREFIX + name for name in entry.get("css", ())), soon)


def scripts_of(source: str) -> list[Path]:
    """Every script that an entry can load: its own, what it imports, at once or later, and its workers."""
    manifest, found, waiting = _manifest(), [], [source]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in manifest:
            continue
        seen.add(name)
        entry = manifest[name]
        files = [entry["file"], *entry.get("assets", ())]
        found += [FOLDER / file for file in files if file.endswith((".js", ".mjs"))]
        waiting += [*entry.get("imports", ()), *entry.get("dynamicImports", ())]
    return found


def _manifest() -> Mapping[str, Any]:
    path = FOLDER / "manifest.json"
    return _read(path, path.stat().st_mtime_ns) if path.is_file() else {}


@lru_cache(maxsize=2)
def _read(path: Path, _changed_ns: int) -> Mapping[str, Any]:
    return json.loads(path.read_bytes())  # type: ignore[no-any-return]
