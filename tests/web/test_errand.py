"""Work that the worker gives to a process of its own: one at a time, none in vain, and what was cut short again."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from typing import Any

import pytest

from cityloom.kernel import clock
from cityloom.project.errand import Errand


@dataclass
class Outside:
    """The processes that were begun, and a stopwatch that a test puts forward."""

    begun: list[Any] = field(default_factory=list)
    seconds: float = 0.0
    wanted: object = None

    def start(self, command: list[str], **_: object) -> Any:
        self.begun.append(Process())
        return self.begun[-1]


@dataclass
class Process:
    returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode

    def kill(self) -> None:
        self.returncode = -9

    def wait(self) -> int | None:
        return self.returncode


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Outside:
    made = Outside()
    monkeypatch.setattr(subprocess, "Popen", made.start)
    monkeypatch.setattr(clock, "stopwatch", lambda: made.seconds)
    return made


def begun(errand: Errand, outside: Outside, *, after_s: float = 10.0) -> int:
    """How many processes there have been, a while later."""
    outside.seconds += after_s
    errand.tend(clock.now())
    return len(outside.begun)


def test_it_begins_once_where_something_waits_and_not_again_once_that_is_done(outside: Outside) -> None:
    errand = Errand("placer", lambda at: outside.wanted, look_s=10.0)
    assert begun(errand, outside) == 0
    outside.wanted = ("city", 1)
    assert begun(errand, outside, after_s=1.0) == 0, "it was asked a moment ago"
    assert begun(errand, outside) == 1
    assert begun(errand, outside) == 1, "somebody is at it"
    outside.begun[0].returncode = 0
    assert begun(errand, outside) == 1, "it is done"
    outside.wanted = ("city", 2)
    assert begun(errand, outside) == 2


def test_what_was_cut_short_is_begun_again_after_a_pause(outside: Outside) -> None:
    errand = Errand("inbox", lambda at: "files", look_s=5.0, pause_s=30.0)
    assert begun(errand, outside) == 1
    outside.begun[0].returncode = 1
    assert begun(errand, outside) == 1
    assert begun(errand, outside, after_s=29.0) == 1
    assert begun(errand, outside, after_s=1.0) == 2


def test_closing_ends_the_process(outside: Outside) -> None:
    errand = Errand("inbox", lambda at: "files", look_s=5.0)
    begun(errand, outside)
    errand.close()
    assert outside.begun[0].returncode == -9
