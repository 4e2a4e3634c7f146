"""Which requirements of the standard the service keeps. Source: OGC 18-088, annex A."""

from __future__ import annotations

from typing import Any

_SPEC = "http://www.opengis.net/spec/iot_sensing/1.1/req"
_ENTITIES = (
    "thing", "location", "historical-location", "datastream", "sensor", "observed-property", "observation",
    "feature-of-interest",
)  # fmt: skip
_OTHERS = (
    "datamodel/entity-control-information/common-control-information",
    "resource-path/resource-path-to-entities",
    "request-data/order", "request-data/expand", "request-data/select", "request-data/status-code",
    "request-data/query-status-code", "request-data/orderby", "request-data/top", "request-data/skip",
    "request-data/count", "request-data/filter", "request-data/built-in-filter-operations",
    "request-data/built-in-query-functions", "request-data/pagination",
    "create-update-delete/create-entity", "create-update-delete/link-to-existing-entities",
    "create-update-delete/deep-insert", "create-update-delete/deep-insert-status-code",
    "create-update-delete/update-entity", "create-update-delete/update-entity-put",
    "create-update-delete/update-entity-jsonpatch", "create-update-delete/delete-entity",
    "create-update-delete/historical-location-auto-creation",
    "batch-request/batch-request", "data-array/data-array",
)  # fmt: skip
CONFORMANCE = [
    f"{_SPEC}/datamodel/{entity}/{part}" for entity in _ENTITIES for part in ("properties", "relations")
] + [f"{_SPEC}/{part}" for part in _OTHERS]
_TOLD = f"{_SPEC}/receive-updates-via-mqtt/receive-updates"
_TAKEN = f"{_SPEC}/create-observations-via-mqtt/observations-creation"


def settings(brokers: list[tuple[str, bool]]) -> dict[str, Any]:
    """What the root says of the service; `brokers` are addresses, and whether observations can be made there."""
    found: dict[str, Any] = {"conformance": list(CONFORMANCE)}
    for requirement, endpoints in (
        (_TOLD, [address for address, _ in brokers]), (_TAKEN, [address for address, takes in brokers if takes]),
    ):  # fmt: skip
        if endpoints:
            found["conformance"].append(requirement)
            found[requirement] = {"endpoints": endpoints}
    return found
