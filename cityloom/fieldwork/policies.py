"""May this person do that to this task."""

from __future__ import annotations

from typing import Protocol

from cityloom.fieldwork.domain import states
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused


class TaskInQuestion(Protocol):
    """What the rules look at: the account that the task was given to, and its state."""

    account: str
    state: str


def check_is_own(task: TaskInQuestion, actor: Actor) -> None:
    """Only the worker whom a task was given to may touch it.

    Raises: Refused `fieldwork.not_yours`.
    """
    if not task.account or task.account != actor.account:
        raise Refused(
            "fieldwork.not_yours",
            "This task was given to another worker; open one of your own, or ask the duty officer to reassign it.",
        )


def check_can_open(task: TaskInQuestion, actor: Actor) -> None:
    """The address and the need can be read by the worker whose task it is, from delivery to its end.

    Raises: Refused `fieldwork.not_yours`, `fieldwork.ended` or `fieldwork.not_delivered`.
    """
    check_is_own(task, actor)
    if task.state not in states.OPEN:
        raise Refused(
            "fieldwork.ended",
            "This task has ended ({value}), so what was needed for it can no longer be opened; "
            "a new visit needs a new task.",
            value=task.state,
        )
    if task.state not in states.READABLE:
        raise Refused("fieldwork.not_delivered", "This task has not been delivered yet; it opens in a moment.")


def check_can_become(task: TaskInQuestion, actor: Actor, target: str) -> None:
    """A worker moves own tasks along the table of states.

    Raises: Refused `fieldwork.not_yours` or `fieldwork.state`.
    """
    check_is_own(task, actor)
    if not states.can_become(task.state, target):
        raise Refused(
            "fieldwork.state",
            "This task is {value} and cannot become {limit}; reload the page to see where it stands.",
            value=task.state,
            limit=target,
        )
