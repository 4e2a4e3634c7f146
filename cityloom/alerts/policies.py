"""What may be sent, by whom, and on which channels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cityloom.alerts.domain import binding
from cityloom.alerts.domain.document import Document
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

_SENDERS = ("system", "alert-approver", "commander")


def check_can_send(by: Actor, document: Document, *, exercise_id: str, city_is_synthetic: bool) -> None:
    """Raise Refused unless the actor may send and the document says truly whether people should act on it."""
    if not any(by.has(role) for role in _SENDERS):
        raise Refused(
            "alerts.not_allowed", "Only a commander or an alert approver sends alerts; ask one of them to approve it."
        )
    if exercise_id and not document.exercise:
        raise Refused(
            "alerts.exercise_unmarked",
            "This is an exercise, but the alert is not marked as one; make a new proposal with the exercise mark.",
        )
    if city_is_synthetic and (document.status == "Actual" or not document.synthetic_city):
        raise Refused(
            "alerts.synthetic_actual",
            "A synthetic city never sends an actual alert; its people do not exist. Make a new proposal that says so.",
        )


def check_can_use_channels(document: Document, asked: Iterable[str], known: dict[str, bool]) -> None:
    """Raise Refused unless the channels are the approved ones, all known, and demo channels where it is an exercise.

    `known` says of each channel whether it is a demo channel.
    """
    if sorted(set(asked)) != document.channels:
        raise Refused(
            "alerts.channels_differ", "The channels are not those that were approved ({limit}); send on exactly these.",
            limit=", ".join(document.channels),
        )  # fmt: skip
    for channel in document.channels:
        if channel not in known:
            raise Refused(
                "alerts.channel_unknown", "There is no channel {value}; choose among {limit}.",
                value=channel, limit=", ".join(sorted(known)),
            )  # fmt: skip
        binding.check_may_leave(document.status, channel, is_demo=known[channel])


def check_can_replace(document: Document, known_references: Sequence[str]) -> None:
    """Raise Refused unless an Update or Cancel names alerts of its own incident that are in force."""
    unknown = set(document.references) - set(known_references)
    if unknown:
        raise Refused(
            "alerts.reference_unknown",
            "{value} of the alerts that this one replaces were never sent for this incident, or have already been "
            "replaced; make a new proposal.",
            value=len(unknown),
        )
