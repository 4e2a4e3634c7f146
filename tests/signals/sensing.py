"""A client of the SensorThings service, and a Thing to work with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpResponse
from django.test import Client

ROOT = "/sta/v1.1"
PLACE = {"name": "Gauge 7", "description": "At the weir", "encodingType": "application/geo+json",
         "location": {"type": "Point", "coordinates": [113.93, 22.53]}}  # fmt: skip


@cache
def _client() -> Client:
    """One for all: each new one loads all the middleware anew."""
    return Client()


@dataclass(frozen=True)
class Api:
    """Speaks to the service with a key, or without where it is empty."""

    key: str = ""

    def call(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> HttpResponse:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        data = body if isinstance(body, (str, bytes)) else json.dumps(body) if body is not None else ""
        url = path if path.startswith("http") else f"{ROOT}/{path}".rstrip("/")
        return _client().generic(method, url, data, content_type, headers=headers)

    def get(self, path: str, status: int = 200, **options: str) -> Any:
        query = "&".join(f"{'' if name == 'resultFormat' else '$'}{name}={value}" for name, value in options.items())
        answer = self.call("GET", path + ("?" + query.replace("+", "%2B").replace(" ", "%20") if query else ""))
        assert answer.status_code == status, answer.content
        return json.loads(answer.content)

    def values(self, path: str, **options: str) -> list[Any]:
        return self.get(path, **options)["value"]

    def post(self, path: str, body: Any, status: int = 201) -> Any:
        answer = self.call("POST", path, body)
        assert answer.status_code == status, answer.content
        return json.loads(answer.content)

    def make(self, path: str, body: Any) -> int:
        return self.post(path, body)["@iot.id"]


def stream(name: str = "Level", results: tuple[Any, ...] = (), **changes: Any) -> dict[str, Any]:
    """A datastream with all that it needs inlined; one observation an hour from 2026-05-01T00:00Z on."""
    observations = [
        {"phenomenonTime": f"2026-05-01T{hour:02}:00:00Z", "result": result} for hour, result in enumerate(results)
    ]
    return {
        "name": name, "description": "Level of the water", "observationType": "urn:any",
        "unitOfMeasurement": {"name": "metre", "symbol": "m", "definition": "ucum:m"},
        "Sensor": {"name": "Radar", "description": "Looks down", "encodingType": "text/plain", "metadata": "none"},
        "ObservedProperty": {"name": "Water level", "definition": "urn:level", "description": "Above zero"},
        "Observations": observations,
    } | changes  # fmt: skip


def thing(*streams: dict[str, Any], name: str = "Weir", **changes: Any) -> dict[str, Any]:
    """A thing with its place and its datastreams inlined."""
    return {
        "name": name, "description": "A weir", "properties": {"owner": {"unit": "water"}, "depth": 4, "dry": False},
        "Locations": [PLACE], "Datastreams": list(streams),
    } | changes  # fmt: skip
