"""The history of cases as the field's event logs: OCEL 2.0 (object-centric) and XES (one case, one trace).

Source: OCEL 2.0 specification (www.ocel-standard.org), IEEE 1849-2023 for XES. Nobody is in them: what acted is a role
and a unit, and what a case is about is a thing or a place; objects of type `person` are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from xml.sax.saxutils import quoteattr

from cityloom.kernel import clock

PERSONS = frozenset({"person", "subject", "account", "member"})
CASE_COLUMNS = (("casetype", "string"), ("version", "integer"), ("category", "string"), ("origin", "string"),
         ("lon", "float"), ("lat", "float"))  # fmt: skip
EVENT_COLUMNS = (("step", "string"), ("before", "string"), ("after", "string"), ("role", "string"), ("unit", "string"),
          ("result", "string"), ("clock", "string"))  # fmt: skip


@dataclass(frozen=True)
class Happened:
    """An event of a case: `objects` are pairs of type and id with a qualifier."""

    id: str
    activity: str
    at: datetime
    attributes: dict[str, str] = field(default_factory=dict)
    objects: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Told:
    """A case with its history, and what it belongs to as pairs of kind and id."""

    id: str
    attributes: dict[str, Any]
    opened_at: datetime
    history: tuple[Happened, ...]
    links: tuple[tuple[str, str], ...] = ()


def without_people(objects: Sequence[tuple[str, str, str]]) -> tuple[tuple[str, str, str], ...]:
    """The things among what an event is about."""
    return tuple(one for one in objects if one[0] not in PERSONS)


def ocel_types(activities: Sequence[str], kinds: Sequence[str]) -> dict[str, Any]:
    """The declarations that an OCEL 2.0 log begins with."""
    of_case = {"case": _declared(CASE_COLUMNS)}
    return {
        "objectTypes": [{"name": kind, "attributes": of_case.get(kind, [])} for kind in ("case", "unit", *kinds)],
        "eventTypes": [{"name": name, "attributes": _declared(EVENT_COLUMNS)} for name in activities],
    }


def ocel_objects(told: Told) -> list[dict[str, Any]]:
    """The case, the units that worked on it, and what it belongs to."""
    linked = dict.fromkeys([*told.links, *((kind, key) for one in told.history for kind, key, _ in one.objects)])
    units = dict.fromkeys(one.attributes["unit"] for one in told.history if one.attributes.get("unit"))
    at = clock.to_text(told.opened_at)
    values = [{"name": name, "time": at, "value": told.attributes[name]} for name, _ in CASE_COLUMNS
              if told.attributes.get(name) not in (None, "")]  # fmt: skip
    relations = [{"objectId": f"{kind}:{key}", "qualifier": "linked"} for kind, key in linked]
    case = {"id": f"case:{told.id}", "type": "case", "attributes": values, "relationships": relations}
    return [case, *({"id": f"unit:{unit}", "type": "unit", "attributes": []} for unit in units),
            *({"id": f"{kind}:{key}", "type": kind, "attributes": []} for kind, key in linked)]  # fmt: skip


def ocel_event(told: Told, one: Happened) -> dict[str, Any]:
    """An event with its qualified objects."""
    unit = one.attributes.get("unit")
    objects = [{"objectId": f"case:{told.id}", "qualifier": "case"}]
    objects += [{"objectId": f"unit:{unit}", "qualifier": "done by"}] if unit else []
    objects += [{"objectId": f"{kind}:{key}", "qualifier": why or "about"} for kind, key, why in one.objects]
    values = [{"name": name, "value": one.attributes[name]} for name, _ in EVENT_COLUMNS if one.attributes.get(name)]
    return {"id": one.id, "type": one.activity, "time": clock.to_text(one.at), "attributes": values,
            "relationships": objects}  # fmt: skip


XES_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849-2023" xes.features="" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
<extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
<classifier name="Activity" keys="concept:name"/>
"""
XES_TAIL = "</log>\n"


def xes_trace(told: Told) -> Iterator[str]:
    """A case as a trace; `org:role` and `org:group` are its role and unit, `org:resource` is left out on purpose."""
    yield "<trace>" + _string("concept:name", told.id)
    said = {name: told.attributes.get(name) for name, _ in CASE_COLUMNS}
    yield from (_string(name, value) for name, value in said.items() if value not in (None, ""))
    for one in told.history:
        done = {"concept:name": one.activity, "org:role": one.attributes.get("role"),
                "org:group": one.attributes.get("unit"), "result": one.attributes.get("result")}  # fmt: skip
        yield "<event>" + "".join(_string(name, value) for name, value in done.items() if value)
        yield f'<date key="time:timestamp" value="{clock.to_text(one.at)}"/></event>'
    yield "</trace>\n"


def _string(key: str, value: object) -> str:
    return f"<string key={quoteattr(key)} value={quoteattr(str(value))}/>"


def _declared(columns: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in columns]
