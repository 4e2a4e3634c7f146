"""`cityloom verify`, `cityloom log ...`, `cityloom witness ...`."""

from __future__ import annotations

from pathlib import Path

import click

from cityloom.cli.runtime import Runtime


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--key", required=True, help="The log's verifier key, from a place that is not the server's.")
@click.option("--witness", "witnesses", multiple=True, help="A witness's verifier key; may be repeated.")
@click.option("--quorum", type=click.IntRange(0), help="How many of the witnesses must have cosigned; by default all.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def verify(
    runtime: Runtime, bundle: Path, key: str, witnesses: tuple[str, ...], quorum: int | None, as_json: bool
) -> int:
    """Check a bundle of log entries, offline."""
    runtime.start()
    from cityloom.audit import queries as audit

    click.echo(audit.report_on(bundle, key=key, witnesses=witnesses, quorum=quorum, as_json=as_json), nl=False)
    return 0


@click.group()
def log() -> None:
    """Publish the log's key, and check whole logs."""


@log.command(name="key")
@click.pass_obj
def log_key(runtime: Runtime) -> None:
    """Print the verifier key of this city's log; the city must be running."""
    runtime.open_city()
    from cityloom.audit import queries as audit

    click.echo(audit.log_key())


@log.command()
@click.pass_obj
def checkpoint(runtime: Runtime) -> None:
    """Print the signed checkpoint; keep it, to hold the log to it later."""
    runtime.open_city()
    from cityloom.audit import queries as audit

    click.echo(audit.checkpoint_note(), nl=False)


@log.command(name="verify")
@click.argument("source", default="local")
@click.option("--key", help="The log's verifier key; only `local` can do without, and then trusts this machine.")
@click.option("--witness", "witnesses", multiple=True, help="A witness's verifier key; may be repeated.")
@click.option("--older", type=click.Path(path_type=Path), help="A checkpoint kept from earlier.")
@click.pass_obj
def verify_log(
    runtime: Runtime, source: str, key: str | None, witnesses: tuple[str, ...], older: Path | None
) -> None:
    """Check a whole log from its tiles: an address, a folder, or `local`."""
    if key is None and source != "local":
        raise click.UsageError("Name the log's key with --key; the one that its server tells you proves nothing.")
    (runtime.open_city if source == "local" else runtime.start)()
    from cityloom.audit import queries as audit

    found = audit.check_log(source, key=key or audit.log_key(), witnesses=witnesses, older=older)
    checkpoint, cosigned = found.checkpoint, ", ".join(each.witness for each in found.cosignatures)
    click.echo(f"{checkpoint.origin}: {checkpoint.size} entries and {found.tiles} tiles verify.")
    click.echo(f"Root {checkpoint.root.hex()}; cosigned by {cosigned or 'none of the witnesses that you named'}.")


@click.group()
def witness() -> None:
    """Have this city's log cosigned, and cosign others'."""


@witness.command()
@click.argument("vkey")
@click.option("--url", help="Where the witness takes checkpoints; for a log, leave it out.")
@click.pass_obj
def add(runtime: Runtime, vkey: str, url: str | None) -> None:
    """Name a log that our witness is to cosign; or with --url a witness that is to cosign our log."""
    runtime.start()
    from cityloom.audit import actions as audit

    if url is None:
        audit.add_log(vkey=vkey)
    else:
        audit.add_witness(vkey=vkey, url=url)
    click.echo("Added.")


@witness.command(name="key")
@click.pass_obj
def witness_key(runtime: Runtime) -> None:
    """Print the verifier key of our own witness, which is made at first use."""
    runtime.start()
    from cityloom.audit import actions as audit

    click.echo(audit.open_witness().vkey)


@witness.command()
@click.option("--host", default="localhost", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8472, show_default=True)
@click.pass_obj
def serve(runtime: Runtime, host: str, port: int) -> None:
    """Run our own witness: it needs no city, and belongs on a machine that the logs' owners do not run."""
    runtime.start()
    from cityloom.audit import actions as audit

    click.echo(f"{audit.open_witness().vkey} takes checkpoints at http://{host}:{port}/add-checkpoint.")
    audit.serve_witness(host=host, port=port)


@witness.command()
@click.pass_obj
def ask(runtime: Runtime) -> int:
    """Ask every configured witness to cosign the log as it is now."""
    runtime.open_city()
    from cityloom.audit import actions as audit

    outcome = audit.ask_witnesses_now()
    for name, said in outcome.items():
        click.echo(f"{name}: {said}")
    if not outcome:
        click.echo("No witness is configured; add one with `cityloom witness add VKEY --url URL`.")
    return 0 if all(said == "cosigned" for said in outcome.values()) else 1
