"""Run a black-box SensorThings suite (pytest, httpx) against a served city, with a device key in each request.

`STA_KEY=$(cityloom sensor key --owner suite) STA_BASE_URL=http://127.0.0.1:8475/sta/v1.1 python
tools/sensorthings_suite.py FOLDER [pytest options]`; the suite itself is fetched by whoever runs it.
"""

from __future__ import annotations

import os
import sys

import httpx
import pytest


class WithKey(httpx.Client):
    """Sends the key along."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self.headers["Authorization"] = f"Bearer {os.environ['STA_KEY']}"


if __name__ == "__main__":
    httpx.Client = WithKey  # type: ignore[misc]
    sys.exit(pytest.main([*sys.argv[1:], "-p", "no:cacheprovider", "-p", "no:django"]))
