"""What drills are called on pages, and what they declare to the user interface."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from cityloom.drills.policies import RUNNERS
from cityloom.ui.domain.declared import Display, Page

PACES = {
    1: gettext_noop("As in real life (×1)"), 10: gettext_noop("Ten times as fast (×10)"),
    60: gettext_noop("A minute each second (×60)"), 0: gettext_noop("As fast as possible"),
}  # fmt: skip
STATES = {
    "queued": gettext_noop("starting"), "running": gettext_noop("running"), "waiting": gettext_noop("held for people"),
    "finished": gettext_noop("ended"), "stopped": gettext_noop("stopped"), "failed": gettext_noop("given up"),
}  # fmt: skip
FAILURES = {
    "keeper-down": (gettext_noop("The keeper is down"),
                    gettext_noop("Nobody's data can be opened for two minutes."), ""),
    "channel-down": (gettext_noop("An alert channel is down"),
                     gettext_noop("The channel that works does not answer for five minutes."), ""),
    "sensors-silent": (gettext_noop("Sensors fall silent"),
                       gettext_noop("For ten minutes; it matters before the event has been noticed."),
                       gettext_noop("Share of the sensors, %")),
    "false-readings": (gettext_noop("False readings"),
                       gettext_noop("Sensors away from the place say nonsense for five minutes."),
                       gettext_noop("Sensors")),
    "call-wave": (gettext_noop("A wave of calls"), gettext_noop("Many residents call at the same moment."),
                  gettext_noop("Calls")),
    "worker-out": (gettext_noop("Workers drop out"),
                   gettext_noop("The busiest workers give back all that they have."), gettext_noop("Workers")),
}  # fmt: skip
"""Each failure: its name, what it does, and what its number counts ("" where it has none)."""
TIMINGS = {
    "detected": gettext_noop("Noticed"), "proposed": gettext_noop("Proposal ready"),
    "commander": gettext_noop("Commander approved"), "second": gettext_noop("Second person approved"),
    "warned": gettext_noop("Residents warned"), "told": gettext_noop("Last department answered"),
    "delivered": gettext_noop("Workers sent"), "helped": gettext_noop("Everyone in need visited"),
    "cleared": gettext_noop("All clear"),
}  # fmt: skip
SCENARIO_FAULTS = {
    "duplicate-messages": gettext_noop("messages that come twice"),
    "out-of-order": gettext_noop("messages out of order"), "mad-sensor": gettext_noop("a sensor gone mad"),
    "bad-readings": gettext_noop("impossible readings"), "silent-sensors": gettext_noop("silent sensors"),
    "keeper-down": gettext_noop("the keeper down"),
}  # fmt: skip
CHECKS = {
    "the event was noticed, and nothing else": gettext_noop("the event was noticed, and nothing else"),
    "every building that the buffer touches is in the zone":
        gettext_noop("every building that the buffer touches is in the zone"),
    "the polygon as sent covers every building of the zone":
        gettext_noop("the polygon as sent covers every building of the zone"),
    "every household is placed once or listed": gettext_noop("every household is placed once or listed"),
    "no shelter is over its capacity": gettext_noop("no shelter is over its capacity"),
    "no route enters the hazard": gettext_noop("no route enters the hazard"),
    "two people approved the same bytes": gettext_noop("two people approved the same bytes"),
    "what left is what was approved": gettext_noop("what left is what was approved"),
    "nobody was alerted twice": gettext_noop("nobody was alerted twice"),
    "the exercise never left its demo channels": gettext_noop("the exercise never left its demo channels"),
    "people were opened only after the approval, each with a leaf":
        gettext_noop("people were opened only after the approval, each with a leaf"),
    "after the end nothing stays open": gettext_noop("after the end nothing stays open"),
    "residents were warned within ten minutes": gettext_noop("residents were warned within ten minutes"),
    "the log verifies": gettext_noop("the log verifies"),
}  # fmt: skip

STEPS = {
    "Signals recorded": gettext_noop("Signals recorded"), "Detection raised": gettext_noop("Detection raised"),
    "Incident opened": gettext_noop("Incident opened"), "Proposal ready": gettext_noop("Proposal ready"),
    "Proposal sent back": gettext_noop("Proposal sent back"), "Commander approved": gettext_noop("Commander approved"),
    "Second person approved": gettext_noop("Second person approved"),
    "Department told": gettext_noop("Department told"), "Departments told": gettext_noop("Departments told"),
    "Department acknowledged": gettext_noop("Department acknowledged"),
    "Departments acknowledged": gettext_noop("Departments acknowledged"),
    "Notice escalated": gettext_noop("Notice escalated"), "Tasks assigned": gettext_noop("Tasks assigned"),
    "Tasks delivered": gettext_noop("Tasks delivered"), "Households reached": gettext_noop("Households reached"),
    "Residents warned": gettext_noop("Residents warned"), "Help completed": gettext_noop("Help completed"),
    "Alert issued": gettext_noop("Alert issued"), "Alert delivered": gettext_noop("Alert delivered"),
    "Alert not delivered": gettext_noop("Alert not delivered"), "Incident updated": gettext_noop("Incident updated"),
    "All clear": gettext_noop("All clear"), "Cancelled": gettext_noop("Cancelled"),
}  # fmt: skip
"""The steps of a drill's story, as `domain.timeline` names them."""

DISPLAY = Display(
    pages=(
        Page("drills", gettext_noop("Drills"), "now", 30, RUNNERS,
             gettext_noop("For commanders, duty officers and operators.")),
    ),
)  # fmt: skip
