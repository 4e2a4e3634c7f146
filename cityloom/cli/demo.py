"""`cityloom demo`: what `make demo` runs."""

from __future__ import annotations

import os
import subprocess
import sys

import click
from rich.console import Console as Screen
from rich.panel import Panel

from cityloom.cli.runtime import Runtime

DEMO_PEOPLE = 200_000


@click.command()
@click.option("--city", default="", help="Nothing, `shenzhen`, a .osm.pbf file, or a folder of GeoJSON files.")
@click.option("--scenario", default="sinkhole", show_default=True)
@click.pass_obj
def demo(runtime: Runtime, city: str, scenario: str) -> int:
    """Build a city, run the drill, and say how to go on."""
    screen = Screen()
    screen.print(Panel("[bold]Cityloom[/]: from a sinkhole to people in safety, on a whole city", expand=False))
    status = _cityloom(*_build_command(city))
    if status == 0:
        status = _cityloom("drill", "run", scenario)
    if status == 0:
        screen.print("Go on with [bold]make serve[/] and open the address that it prints.")
    return status


def _build_command(city: str) -> list[str]:
    if not city:
        return ["city", "build", "--people", str(DEMO_PEOPLE)]
    if city == "shenzhen":
        return ["city", "build", "--size", "shenzhen"]
    return ["city", "import", city]


def _cityloom(*arguments: str) -> int:
    """A command in a process of its own, since each works on another city."""
    environment = {name: value for name, value in os.environ.items() if name != "CITYLOOM_CITY_DIR"}
    return subprocess.run([sys.executable, "-m", "cityloom", *arguments], env=environment, check=False).returncode
