"""Decision tables put in force and taken out of it; what decided once stays readable."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.db import transaction

from cityloom.bus import actions as bus
from cityloom.cases import events, policies
from cityloom.cases.domain.approvals import fitting
from cityloom.cases.domain.casetypes.casetype import CaseType, Category
from cityloom.cases.domain.decisions import shipped, table_yaml
from cityloom.cases.domain.decisions.tables import Table
from cityloom.cases.listing import tables
from cityloom.cases.models import TableVersion
from cityloom.kernel import ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused


def publish(table: Table, by: Actor, at: datetime) -> TableVersion:
    """Put a table in force as the next version of its name; the one that is in force already changes nothing.

    Raises: Refused `cases.may_not_publish`, `cases.table_*`.
    """
    policies.check_can_publish(by)
    casetype, category = fitting.category_of(table.name, tables.casetypes())
    fitting.check(table, casetype, category)
    document = table_yaml.yaml_of(table)
    with transaction.atomic():
        newest = TableVersion.objects.filter(name=table.name).order_by("-number").first()
        if newest is not None and newest.withdrawn_at is None and newest.digest == _digest(document):
            return newest
        number = newest.number + 1 if newest else 1
        if newest is None and table.name in shipped.texts() and _digest(document) != _digest(_shipped(table.name)):
            number = _keep_shipped(table.name, casetype, category, by, at).number + 1
        return _keep(document, table.name, number, casetype, category, by, at)


def deciding(casetype: CaseType, category: Category | None, by: Actor, at: datetime) -> TableVersion | None:
    """The version that decides for a category now; one that comes with the program is kept when it first decides."""
    if category is None or not category.table:
        return None
    row = tables.in_force(category.table)
    if row is not None or category.table not in shipped.texts() or tables.is_known(category.table):
        return row
    return _keep_shipped(category.table, casetype, category, by, at)


def withdraw(name: str, number: int, why: str, by: Actor, at: datetime) -> TableVersion:
    """Take a version out of force; an earlier one that was not withdrawn decides again, else persons do.

    Raises: Refused `cases.may_not_publish`, `cases.no_table`, `cases.reason`.
    """
    policies.check_can_publish(by)
    reason = policies.needed_reason(why)[:400]
    facts = tables.table_version(name, number)
    casetype, category = fitting.category_of(name, tables.casetypes())
    with transaction.atomic():
        if facts.standing == tables.SHIPPED:
            _keep_shipped(name, casetype, category, by, at)
        row = TableVersion.objects.select_for_update().get(name=name, number=facts.number)
        if row.withdrawn_at is not None:
            raise Refused("cases.table_withdrawn", "Version {limit} of {value} was withdrawn before.",
                          value=name, limit=row.number)  # fmt: skip
        row.withdrawn_by, row.withdrawn_at, row.withdrawn_why = by.account, at, reason
        row.save(update_fields=["withdrawn_by", "withdrawn_at", "withdrawn_why"])
        fact = events.DecisionTableWithdrawn(name, row.number, row.casetype, row.category, at)
        bus.publish(fact, at=at, event_id=ids.named_id(row.id, "withdrawn"))
    return row


def _keep_shipped(name: str, casetype: CaseType, category: Category, by: Actor, at: datetime) -> TableVersion:
    return _keep(_shipped(name), name, 1, casetype, category, by, at)


def _keep(
    document: str, name: str, number: int, casetype: CaseType, category: Category, by: Actor, at: datetime
) -> TableVersion:
    key = ids.named_id("table", name, number)
    row, is_new = TableVersion.objects.get_or_create(
        id=key,
        defaults={
            "name": name, "number": number, "document": document, "digest": _digest(document),
            "casetype": casetype.name, "category": category.name, "published_by": by.account, "published_at": at,
        },
    )  # fmt: skip
    if is_new:
        fact = events.DecisionTablePublished(name, number, casetype.name, category.name, row.digest, at)
        bus.publish(fact, at=at, event_id=key)
    return row


def _shipped(name: str) -> str:
    return table_yaml.yaml_of(table_yaml.table_of_yaml(shipped.texts()[name]))


def _digest(document: str) -> str:
    return hashlib.sha256(document.encode()).hexdigest()
