"""What the field work declares to the user interface: help under way and workers on duty, for those who direct it."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from cityloom.ui.domain.declared import Display, KeyFigure, Layer, LegendItem, WorkList

_HERE = "cityloom.fieldwork.layers"
_DIRECTING = frozenset({"duty-officer", "commander"})
_EVENTS = frozenset({
    "TasksAssigned", "TasksDelivered", "TaskFinished", "HelpCompleted", "IncidentClosed", "IncidentCancelled"
})  # fmt: skip
_POINT = {"circle-stroke-color": "--map-point-line", "circle-stroke-width": 1.4}

_LAYERS = (
    Layer(
        key="tasks", label=_("Tasks"), kind="live", source=f"{_HERE}.tasks", section="fieldwork", order=170,
        roles=_DIRECTING | {"social-worker"}, why_not=_("Only those who direct the help, and workers for their own "
                                                        "tasks, see where somebody needs it."),
        events=_EVENTS, card=f"{_HERE}.task_card",
        style=(
            {"type": "circle", "paint": _POINT | {
                "circle-radius": ["interpolate", ["linear"], ["get", "tasks"], 1, 6, 20, 12],
                "circle-color": ["match", ["get", "state"], "done", "--map-task-done", "unable", "--map-task-unable",
                                 "waiting", "--map-task-waiting", "--map-task-open"],
            }},
            {"type": "symbol", "minzoom": 16,
             "layout": {"text-field": ["to-string", ["get", "tasks"]], "text-size": 10},
             "paint": {"text-color": "--map-point-line"}},
        ),
        legend=(
            LegendItem("--map-task-waiting", _("Waits for a worker")), LegendItem("--map-task-open", _("Under way")),
            LegendItem("--map-task-done", _("Done")), LegendItem("--map-task-unable", _("Could not be done")),
        ),
    ),
    Layer(
        key="workers", label=_("Workers on duty"), kind="live", source=f"{_HERE}.workers", section="fieldwork",
        order=172, roles=_DIRECTING, why_not=_("Only those who direct the help see where workers start."),
        events=_EVENTS, card=f"{_HERE}.worker_card", is_on=False,
        style=({"type": "circle", "paint": {
            "circle-color": "--map-point-line", "circle-radius": 5, "circle-stroke-color": "--map-worker",
            "circle-stroke-width": 2.4,
        }},),
        legend=(LegendItem("--map-worker", _("Worker's starting place")),),
    ),
)  # fmt: skip
_MOVES = frozenset({"TasksAssigned", "TasksDelivered", "TasksAccepted", "TaskFinished", "IncidentClosed"})
DISPLAY = Display(
    layers=_LAYERS,
    figures=(
        KeyFigure(
            key="open-tasks", label=_("Tasks under way"), order=20, source="cityloom.fieldwork.queries.open_task_count",
            definition=_("Tasks that workers were given and that have not ended, at each full hour of a day."
                         " Exercises are not counted."),
            events=_MOVES,
        ),
    ),
    work=(
        WorkList(
            key="tasks", label=_("My tasks"), source="cityloom.fieldwork.queries.tasks_to_do", order=30,
            roles=frozenset({"social-worker"}), events=_MOVES,
        ),
    ),
)  # fmt: skip
