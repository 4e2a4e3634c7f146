"""`cityloom`: one tool, its commands, and what its exit statuses mean."""

from __future__ import annotations

import logging
import os

import click
from rich.console import Console as Screen

from cityloom.cli.runtime import Runtime
from cityloom.kernel import disk, ids
from cityloom.kernel.refused import Refused

OK, REFUSED, USAGE, UNSAFE, DEFECT = 0, 1, 2, 3, 70
EPILOG = (
    "Exit statuses: 0 done; 1 refused, with one sentence on stderr; 2 wrong usage; "
    "3 the drill ran and a safety check failed; 70 a defect, with a reference to the log."
)
_LANGUAGE_IN = ("LC_ALL", "LC_MESSAGES", "LANG")
_FULL = "The disk is full, so the command stopped and left what was there as it was; free some space and run it again."


@click.group(epilog=EPILOG)
@click.version_option(package_name=None, version="0.1.0", prog_name="cityloom")
def cityloom() -> None:
    """Run a city: build or import it, drill it, serve it."""


def run(runtime: Runtime, args: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    from cityloom.cli import (
        abuse,
        account,
        address,
        alert,
        brief,
        casefigures,
        caseprocesses,
        caserouting,
        caserules,
        cases,
        casetables,
        caseversions,
        city,
        collecting,
        demo,
        detection,
        disputes,
        drill,
        forecasts,
        frameworks,
        hotspots,
        insight,
        keep,
        lake,
        linkage,
        log,
        memos,
        processes,
        readings,
        sources,
        studies,
        zones,
    )
    from cityloom.cli.epanet import epanet
    from cityloom.cli.sensor import sensor

    groups = (
        cases.cases, city.city, drill.drill, abuse.abuse_drill, account.account, alert.alert, demo.demo, keep.backup,
        keep.restore, keep.keys, log.verify, log.log, log.witness, lake.lake, sources.register, processes.serve,
        processes.status, processes.stop, insight.insight, readings.readings, zones.zones, detection.detection,
    )  # fmt: skip
    frameworks.collect.add_command(collecting.people)
    frameworks.collect.add_command(collecting.roads)
    for command in (studies.study, memos.memo, memos.check, brief.brief, frameworks.framework, frameworks.collect,
                    forecasts.forecasts):  # fmt: skip
        insight.insight.add_command(command)
    insight.insight.add_command(hotspots.hotspots)
    for command in casetables.COMMANDS:
        caserules.table.add_command(command)
    cases.cases.add_command(caserules.table)
    for command in caseprocesses.COMMANDS:
        caserules.process.add_command(command)
    cases.cases.add_command(caserules.process)
    cases.cases.add_command(disputes.disputes)
    cases.cases.add_command(casefigures.figures)
    for command in (*caserouting.COMMANDS, *caseversions.COMMANDS):
        cases.cases.add_command(command)
    sources.register.add_command(address.address)
    sources.register.add_command(linkage.link)
    cityloom.add_command(sensor)
    sources.register.add_command(address.geocode)
    sources.register.add_command(epanet)
    for group in groups:
        cityloom.add_command(group)
    screen = Screen(stderr=True)
    try:
        outcome = cityloom.main(args=args, prog_name="cityloom", obj=runtime, standalone_mode=False)
        return outcome if isinstance(outcome, int) else OK
    except Refused as refusal:
        return _refused(screen, refusal.code, told(refusal))
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        error.show()
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        screen.print("Stopped.")
        return 130
    except Exception as error:  # the last line of defence: a defect gets a reference, not a traceback on the screen
        return _refused(screen, "disk.full", _FULL) if disk.is_full(error) else _defect(screen, runtime)


def _refused(screen: Screen, code: str, sentence: str) -> int:
    screen.print(f"[bold red]Refused[/] ({code})", highlight=False)
    shown = "".join(sign if sign.isprintable() or sign == "\n" else "\ufffd" for sign in sentence)
    screen.print(shown, markup=False, highlight=False, soft_wrap=True)
    return REFUSED


def told(refusal: Refused) -> str:
    """A refusal in Chinese where the terminal asks for it, and the command had come as far as to have translations."""
    from django.apps import apps
    from django.utils.translation import override

    from cityloom.ui import words

    asked = next((os.environ[name] for name in _LANGUAGE_IN if os.environ.get(name)), "")
    if not apps.ready or not asked.startswith("zh"):
        return refusal.sentence
    with override("zh-hans"):
        return words.sentence_of(refusal)


def _defect(screen: Screen, runtime: Runtime) -> int:
    """Keep the error that is being handled in the log."""
    reference = ids.new_ulid()
    log = runtime.home.path / "logs" / "defects.log"
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    logging.basicConfig(filename=log, force=True)
    logging.exception("defect %s", reference)
    screen.print(f"A defect stopped the command; its reference is {reference}, the details are in {log}.")
    return DEFECT


