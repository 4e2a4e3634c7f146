"""What the alerts declare to the user interface: the areas that are warned, on everybody's map."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from cityloom.ui.domain.declared import Display, Layer, LegendItem

_COLOUR = ["case", ["get", "exercise"], "--map-alert-exercise", "--map-alert"]

DISPLAY = Display(layers=(
    Layer(
        key="alerts", label=_("Alerts in force"), kind="live", source="cityloom.alerts.layers.areas", section="alerts",
        order=200, is_public=True, card="cityloom.alerts.layers.card",
        events=frozenset({"AlertIssued", "AlertDelivered", "IncidentClosed", "IncidentCancelled"}),
        style=(
            {"type": "fill", "paint": {"fill-color": _COLOUR, "fill-opacity": 0.12}},
            {"type": "line", "paint": {"line-color": _COLOUR, "line-width": 2.4, "line-dasharray": [1, 1.6]}},
        ),
        legend=(
            LegendItem("--map-alert", _("Area of an alert")),
            LegendItem("--map-alert-exercise", _("Area of an exercise: no real danger")),
        ),
    ),
))  # fmt: skip
