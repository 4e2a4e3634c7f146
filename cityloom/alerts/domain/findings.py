"""What is wrong with an alert, one finding at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cityloom.kernel.refused import Refused


@dataclass(frozen=True)
class Finding:
    """A fault of an alert: `error` stops it, `warning` is for a person to weigh.

    `template` is English with `{value}` and `{limit}` as the only placeholders, so that it can be translated;
    `where` is the place in the message, as in `info[zh-Hans]/polygon[2]`.
    """

    code: str
    level: Literal["error", "warning"]
    template: str
    where: str = ""
    value: object = None
    limit: object = None

    @property
    def sentence(self) -> str:
        """The sentence with its value and limit filled in."""
        return self.template.replace("{value}", str(self.value)).replace("{limit}", str(self.limit))


def errors_of(findings: list[Finding]) -> list[Finding]:
    """Only those that stop an alert."""
    return [finding for finding in findings if finding.level == "error"]


def check_no_errors(findings: list[Finding]) -> None:
    """Raise the first error as Refused, with its own code and sentence."""
    for finding in errors_of(findings):
        raise Refused(finding.code, finding.template, value=finding.value, limit=finding.limit)
