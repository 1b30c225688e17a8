"""`sender-sim up`: both programs and both pages, until Ctrl-C. What `make up` runs."""

import signal
from pathlib import Path

import click

from sender_sim.commands.console import access, interrupt
from sender_sim.journal import JournalError

__all__ = ["up"]


@click.command()
@click.option(
    "--folder",
    default=Path(".up"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where keys and everything else are kept.",
)
@click.option("--port", default=8020, show_default=True, type=click.IntRange(0, 65_535), help="Of the console.")
@click.option(
    "--receiver-port", default=8443, show_default=True, type=click.IntRange(0, 65_535), help="Its HTTPS port."
)
def up(folder: Path, port: int, receiver_port: int) -> None:
    """Start the receiver and the console, ready to click; Ctrl-C stops both.

    Keys are minted into the folder; the receiver takes signed requests only, and the console signs. It asks for the
    password in KAISA_CONSOLE_PASSWORD, if there is one.
    """
    # Imported here: no other command needs a web framework.
    from sender_sim.up import up as both

    signal.signal(signal.SIGTERM, interrupt)
    try:
        with both(folder, access("127.0.0.1", ()), console_port=port, receiver_port=receiver_port) as running:
            click.echo(f"Console (Kaisa's side):  {running.console.url}")
            click.echo(f"Inspector (your side):   {running.inspector}   password: {running.password}")
            click.echo(f"Webhook URL:             {running.receiver.url}")
            click.echo(f"Everything is kept in:   {folder}")
            click.echo(f"A browser warns of the inspector's certificate until it trusts {running.keys.ca}.")
            click.echo("Ctrl-C stops both.")
            running.console.run()
    except KeyboardInterrupt:
        pass  # before the server ran; the server itself takes it as a stop
    except JournalError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"cannot start: {error}; --folder, --port and --receiver-port name others") from None
    click.echo("Stopped.")
