"""The city's processes, as their supervisor last wrote them down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings


def processes() -> dict[str, Any]:
    """What is known of each process, by its name; empty where no supervisor runs."""
    try:
        facts = json.loads(Path(settings.CITYLOOM["STATUS_FILE"]).read_text())
    except (OSError, ValueError):
        return {}
    return dict(facts.get("processes", {}))
