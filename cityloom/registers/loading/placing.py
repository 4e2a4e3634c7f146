"""Where records without coordinates are by their address: derived beside them, never in place of a source's word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from django.db import transaction
from django.db.models import QuerySet

from cityloom.registers import bulk, queries
from cityloom.registers.domain.kinds import PLACED
from cityloom.registers.models import RECORDS, Load, PlaceByAddress, Record

AT_ONCE = 20_000
"""So many records are placed when their file is loaded; the rest by the city when it is served, or by
`cityloom register geocode --load`."""
_A_BATCH = 1_000


def place(number: int, most: int | None = AT_ONCE) -> tuple[int, int]:
    """Place the records of a load that have an address and no coordinates; return how many were found, and not.

    A record that was placed by the city's present data is passed over, so this can be cut short and run again.
    """
    load = Load.objects.filter(number=number, state=Load.DONE).first()
    if load is None or load.register not in PLACED:
        return 0, 0
    found = missed = 0
    version = queries.version_and_reaches()[0]
    for batch in _batches(_waiting(load, version).values_list("id", "address").iterator(chunk_size=_A_BATCH), most):
        places = list(queries.geocoded_many(text for _record, text in batch))
        _write([record for record, _text in batch], places, version)
        found += sum(one.lon is not None for one in places)
        missed += sum(one.lon is None for one in places)
    return found, missed


def known() -> tuple[int, str] | None:
    """The last load that could have brought addresses, and the version of the city's data; None where there is none."""
    last = Load.objects.filter(state=Load.DONE, register__in=PLACED).order_by("-number").first()
    return (last.number, queries.version_and_reaches()[0]) if last else None


def place_all() -> None:
    """Place what no load has placed itself, the oldest first."""
    for number in Load.objects.filter(state=Load.DONE, register__in=PLACED).order_by("number").values_list("number"):
        place(*number, None)


def _waiting(load: Load, version: str) -> QuerySet[Record]:
    table = RECORDS[load.register]
    first = load.number << 32
    rows = table._default_manager.filter(id__gte=first, id__lt=first + (1 << 32), is_gone=False).exclude(address="")
    if hasattr(table, "lon"):
        rows = rows.filter(lon__isnull=True)
    done = PlaceByAddress.objects.filter(data_version=version, id__gte=first, id__lt=first + (1 << 32))
    return rows.exclude(id__in=done.values("id")).order_by("id")


def _batches(rows: Iterable[tuple[int, str]], most: int | None) -> Iterator[list[tuple[int, str]]]:
    waiting = islice(rows, most)
    while batch := list(islice(waiting, _A_BATCH)):
        yield batch


def _write(records: list[int], places: list[queries.Found], version: str) -> None:
    """Replace what an older version of the city's data gave."""
    with transaction.atomic():
        PlaceByAddress.objects.filter(id__in=records).delete()
        bulk.write(PlaceByAddress, {
            "id": records, "level": [one.level for one in places], "lon": [one.lon for one in places],
            "lat": [one.lat for one in places], "within_m": [one.within_m for one in places],
            "building_id": [one.building for one in places], "reason": [one.reason[:200] for one in places],
            "data_version": [version] * len(places),
        })  # fmt: skip
