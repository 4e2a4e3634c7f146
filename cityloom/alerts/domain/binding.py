"""The knot between what people approved and what leaves: tied again at every hop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cityloom.alerts.domain import capxml, document
from cityloom.alerts.domain.cap import CapAlert
from cityloom.kernel import canonical
from cityloom.kernel.refused import Refused


def check_document(approved: Mapping[str, Any], approved_digest: str) -> None:
    """Raise Refused `alerts.digest_absent` or `alerts.digest_differs` unless the document is the approved one."""
    if not approved_digest:
        raise Refused(
            "alerts.digest_absent",
            "The alert comes without the digest that was approved, so it was stopped; have it approved first.",
        )
    try:
        recomputed = canonical.digest(approved)
    except (ValueError, TypeError, RecursionError) as error:  # not a JSON document at all
        raise _differs() from error
    if recomputed != approved_digest:
        raise _differs()


def check_bytes(xml: bytes, unsent: Mapping[str, Any], approved_digest: str) -> CapAlert:
    """Return the alert in outgoing bytes, if these are the bytes that the approved document becomes.

    Two questions, because either alone could be deceived by a fault in its half: does the document read back from the
    bytes have the approved digest, and does that document become exactly these bytes again? So no byte is free.

    Raises: Refused `alerts.digest_absent`, `alerts.digest_differs`, `alerts.not_ours`, or as `capxml.parse` does.
    """
    alert = capxml.parse(xml)
    read_back = document.document_of(alert, unsent)
    check_document(read_back, approved_digest)
    if capxml.build_xml(read_back) != xml:
        raise _differs()
    return alert


def check_may_leave(status: str, channel: str, *, is_demo: bool) -> None:
    """Raise Refused `alerts.exercise_leaves` where an exercise would reach a channel with people at its end."""
    if status == "Exercise" and not is_demo:
        raise Refused(
            "alerts.exercise_leaves",
            "An exercise never leaves the demo channels, and {value} is not one; choose demo channels.",
            value=channel,
        )


def _differs() -> Refused:
    return Refused(
        "alerts.digest_differs",
        "What is about to leave is not what was approved: its SHA-256 differs. It was stopped; make a new proposal "
        "and have it approved.",
    )
