"""What the alerts declare to the user interface: the areas that are warned, how many, and what did not arrive."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from cityloom.ui.domain.declared import Display, KeyFigure, Layer, LegendItem, Watch, WorkList

_COLOUR = ["case", ["get", "exercise"], "--map-alert-exercise", "--map-alert"]

DISPLAY = Display(
    layers=(Layer(
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
    ),),
    figures=(
        KeyFigure(
            key="alerts-in-force", label=_("Alerts in force"), order=15, is_public=True,
            definition=_("Alerts that were issued and are neither over nor replaced by another alert, at each full hour"
                         " of a day. Exercises are not counted."),
            source="cityloom.alerts.queries.alerts_in_force", events=frozenset({"AlertIssued"}),
        ),
    ),
    work=(
        WorkList(
            key="undelivered", label=_("Alerts that did not leave"), order=80,
            source="cityloom.alerts.queries.deliveries_to_mend", roles=frozenset({"operator"}),
            events=frozenset({"AlertUndeliverable", "AlertDelivered"}),
        ),
    ),
    watches=(
        Watch("channels", _("Alert channels"), "cityloom.alerts.queries.channel_faults", 30,
              _("Every channel is set up and takes alerts.")),
    ),
)  # fmt: skip
