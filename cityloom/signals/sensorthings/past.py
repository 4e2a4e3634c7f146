"""How entities were at an instant: tables as they were then take the place of their names in a question.

The database writes down each change of an entity (migration 0007). What it held before that was always so.
"""

from __future__ import annotations

from django.db.models import FloatField, Model

from cityloom.signals import models
from cityloom.signals.domain.sensorthings.entities import ENTITIES
from cityloom.signals.sensorthings.terms import is_postgresql

_OBSERVATION = models.Observation._meta.db_table
_BESIDE = {"id": "id", "datastream_id": "datastream_id", "phenomenon_us": "phenomenon_us", "result": "result",
           "exercise_id": "''", "message_id": "''"}  # fmt: skip


def prefix(known_us: int | None, *, beside: bool = False) -> str:
    """What stands before SELECT: the tables as they were known at an instant, and observations put beside theirs."""
    if known_us is None and not beside:
        return ""
    found = [] if known_us is None else [_then(one, int(known_us)) for one in _MODELS if one is not models.Observation]
    found.append(_observations(known_us, beside=beside))
    return "WITH " + ", ".join(found) + " "


def _tables() -> list[type[Model]]:
    entities = [getattr(models, one.title) for one in ENTITIES]
    return [*entities, models.Thing.locations.through, models.HistoricalLocation.locations.through]


_MODELS = _tables()


def _observations(known_us: int | None, *, beside: bool) -> str:
    rows = _now(models.Observation) if known_us is None else _rows(models.Observation, int(known_us))
    names = [field.column for field in models.Observation._meta.concrete_fields]
    added = ", ".join(_BESIDE.get(name, "NULL") for name in names)
    more = f" UNION ALL SELECT {added} FROM sta_beside" if beside else ""  # noqa: S608 - names of ours
    return f"{_OBSERVATION} AS ({rows}{more})"


def _then(model: type[Model], known_us: int) -> str:
    return f"{model._meta.db_table} AS ({_rows(model, known_us)})"


def _now(model: type[Model]) -> str:
    return f"SELECT {_columns(model, 'n.')} FROM {_real(model)} n"  # noqa: S608 - names of ours


def _rows(model: type[Model], known_us: int) -> str:
    """Rows that are now as they were then, and rows as they were before they were changed or deleted."""
    table = model._meta.db_table
    is_observation = model is models.Observation
    own = ", n.known_us, n.phenomenon_us" if is_observation else ""
    since = (
        f"COALESCE((SELECT s.since_us FROM signals_entitysince s WHERE s.kind = '{table}' AND s.key = n.id){own}, 0)"  # noqa: S608 - names of ours
    )
    known = [field for field in model._meta.local_concrete_fields if field.column in ("known_us", "phenomenon_us")]
    before = ", ".join(["p.since_us", *(_was(one) for one in reversed(known) if is_observation), "0"])
    was = ", ".join(_was(field) for field in model._meta.local_concrete_fields)
    return (
        f"{_now(model)} WHERE {since} <= {known_us} UNION ALL SELECT {was} FROM signals_entitypast p"  # noqa: S608 - names of ours
        f" WHERE p.kind = '{table}' AND p.until_us > {known_us} AND COALESCE({before}) <= {known_us}"
    )


def _was(field: object) -> str:
    """A column out of a row that was written down."""
    column = field.column  # type: ignore[attr-defined]
    if is_postgresql():
        from django.db import connection

        return f"CAST(p.row::jsonb ->> '{column}' AS {field.db_type(connection)})"  # type: ignore[attr-defined]
    value = f"json_extract(p.row, '$.{column}')"
    return f"CAST({value} AS REAL)" if isinstance(field, FloatField) else value


def _columns(model: type[Model], alias: str) -> str:
    return ", ".join(f"{alias}{field.column}" for field in model._meta.local_concrete_fields)


def _real(model: type[Model]) -> str:
    """The table itself: on SQLite an expression of its name would mean itself."""
    return model._meta.db_table if is_postgresql() else f"main.{model._meta.db_table}"
