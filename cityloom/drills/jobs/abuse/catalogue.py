"""Which abuse drills there are: what each is about, and what it tries, in words for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext_noop as _

from cityloom.drills.jobs.abuse.stage import Stage


@dataclass(frozen=True)
class Abuse:
    """One abuse; `module` is the room's file that tries it, `city` whether it needs the city's records."""

    id: str
    module: str
    title: str
    stop: str
    city: bool = False

    @property
    def run(self) -> Callable[[Stage], None]:
        """What tries it."""
        from importlib import import_module

        return import_module(f"cityloom.drills.jobs.abuse.{self.module}").run


ABUSES = (
    Abuse("A01", "stolen", _("The database is stolen, with its backups, logs and the memory of a web process"),
          _("There is only sealed text in them; the keys are in another process and another backup"), city=True),
    Abuse("A02", "replay", _("A service that works as built is asked for everybody, as in Estonia in 2021"),
          _("A budget of different people a day, and a breaker that only the data protection officer resets")),
    Abuse("A03", "export", _("Somebody who may open people exports thousands at once"),
          _("A second person above a number, and one entry of the log for each person")),
    Abuse("A04", "curiosity", _("A clerk looks a neighbour up, without a case or with a made-up one"),
          _("Grants, a notice to the resident, a rule that compares with the city's matters, honey residents"),
          city=True),
    Abuse("A05", "creep", _("Data are used for another field, or after the law has run out"),
          _("A purpose needs a live article that lists its fields")),
    Abuse("A06", "flags", _("A status is set on a whole group, as in Zhengzhou in 2022"),
          _("Evidence of its own for each person, a second person, a notice, and an end")),
    Abuse("A07", "tampering", _("Entries of the log are edited, deleted, moved or backdated, or it is turned back"),
          _("A tree of digests that outsiders verify, and witnesses that remember")),
    Abuse("A09", "crashes", _("The keeper is killed, or its disk fails, while it opens people"),
          _("An entry is on the disk before anybody is opened")),
    Abuse("A10", "policies", _("A policy errs, a name is policy text, or a condition is lost"),
          _("Every error is a refusal, and names are only names")),
    Abuse("A11", "around", _("Code goes around the gate, or another user of the machine tries the keeper"),
          _("Import contracts, files for their owner alone, a socket that knows who knocks")),
    Abuse("A12", "theft", _("A request, an assertion or a session is stolen and used again"),
          _("Each request is answered once, claims live a minute, sessions belong to a device"), city=True),
    Abuse("A13", "oracle", _("The search is asked who is there, or the database is guessed from"),
          _("Searches cost the budget, show a crowd, and nothing stored depends on the value")),
    Abuse("A14", "overlap", _("People are counted again and again, with one more or less, until somebody shows"),
          _("Each person is counted in one group a month, and small groups and counts are withheld")),
    Abuse("A15", "erasure", _("Somebody who was erased comes back out of a backup"),
          _("The person's key is gone, and a restore does every erasure again"), city=True),
)  # fmt: skip


def chosen(names: tuple[str, ...]) -> list[Abuse]:
    """Those of these names, all for `all` or none. Raises: KeyError with the first name that there is not."""
    known = {abuse.id: abuse for abuse in ABUSES}
    if not names or "all" in names:
        return list(ABUSES)
    return [known[name.upper()] for name in names]
