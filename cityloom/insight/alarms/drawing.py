"""An alarm on the map and over the weeks: the area as one shape, and sums that are not small."""

from __future__ import annotations

from collections.abc import Sequence

import shapely
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from cityloom.insight.models import HotspotAlarm
from cityloom.kernel.cells import outline_of
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers
from cityloom.ui.charts import Chart, Series
from cityloom.ui.ground import ground_layers, with_margin
from cityloom.ui.svgmap import Layer, Words, draw

_SIZE, _LIST_SIZE = (960, 560), (960, 460)
_GROUND_KM2 = 30.0


def picture_of(row: HotspotAlarm) -> SafeString:
    """The area of an alarm on the ground; the words beside it say the same."""
    area = _area(row)
    layers = [Layer("hazard", [area], legend=_("Where more was reported than is usual")),
              Layer("centre", [shapely.Point(row.lon, row.lat)], legend=_("Its middle"))]  # fmt: skip
    return _drawn([area], layers, _SIZE, _("The area of the alarm; the place stands above in words."))


def picture_of_all(rows: Sequence[HotspotAlarm], names: Sequence[str]) -> SafeString:
    """The areas of several alarms, each with its category."""
    areas = [_area(row) for row in rows]
    points = [shapely.Point(row.lon, row.lat) for row in rows]
    layers = [
        Layer("hazard", areas, legend=_("Where more was reported than is usual")),
        Layer("mark", points, list(names)),
    ]
    return _drawn(areas, layers, _LIST_SIZE, _("The areas of the alarms; the table below lists them."))


def weeks_of(row: HotspotAlarm) -> Chart:
    """What was seen and expected in the area, week by week; small counts are not drawn."""
    return Chart(
        _("Cases a week, in the area"), [str(week[0]) for week in row.weeks],
        [Series(_("Seen"), [week[1] for week in row.weeks]), Series(_("Expected"), [week[2] for week in row.weeks])],
        "line", _("cases"), _("Week that ends on"),
    )  # fmt: skip


def _area(row: HotspotAlarm) -> shapely.Geometry:
    return shapely.union_all([outline_of(int(cell)) for cell in row.cells])


def _drawn(areas: Sequence[shapely.Geometry], layers: list[Layer], size: tuple[int, int], words: str) -> SafeString:
    box = with_margin(shapely.union_all(list(areas)).bounds, 0.35)
    city = registers.city()
    notice = _("SYNTHETIC DATA") if city and city.is_synthetic else ""
    said = Words("", words, city.attribution if city else "", notice)
    return mark_safe(draw([*_ground(box), *layers], bbox=box, words=said, size=size, key="hotspot"))  # noqa: S308 - drawn, and escaped, by ourselves


def _ground(box: tuple[float, float, float, float]) -> list[Layer]:
    """The city below, where it is loaded and not too much of it is shown."""
    west, south, east, north = box
    if (east - west) * (north - south) * 111.0**2 > _GROUND_KM2:
        return []
    try:
        return ground_layers(registers.map_features(*box))
    except Refused:
        return []
