"""`sender-sim console`: Kaisa's Setup screen, with calls to place and time to travel, in a browser."""

import os
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from sender_sim import settings
from sender_sim.journal import JournalError
from sender_sim.settings import SettingsError
from sender_sim.transports import HttpsTransport, trust

if TYPE_CHECKING:
    import ssl

    from sender_sim.console.access import Access

__all__ = ["access", "console", "interrupt"]

_PASSWORD: Final = "KAISA_CONSOLE_PASSWORD"  # noqa: S105 - the name of the variable
_SHORTEST: Final = 8


@click.command()
@click.option("--port", default=8020, show_default=True, type=click.IntRange(0, 65_535), help="0: any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--name", "names", multiple=True, metavar="HOST", help="A host name it is called by, such as a proxy's.")
@click.option(
    "--state",
    default=Path("console.sqlite3"),
    show_default=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File that everything is kept in.",
)
@click.option(
    "--settings", "file", type=click.Path(path_type=Path), help="Settings file (TOML) that Setup is first filled with."
)
@click.option("--ca", type=click.Path(path_type=Path), help="Trust the certificates in this PEM file instead.")
@click.option("--allow-http", is_flag=True, help="Permit http endpoints, on this machine only.")
@click.option("--timeout", type=float, help="Seconds an attempt may take, for tests. Default: 20 (R3).")
@click.option("--breath", default=0.0, type=click.FloatRange(0, 60), help="Real seconds before the retry after a 503.")
def console(
    port: int,
    host: str,
    names: tuple[str, ...],
    state: Path,
    file: Path | None,
    ca: Path | None,
    timeout: float | None,
    breath: float,
    *,
    allow_http: bool,
) -> None:
    """Kaisa's Setup screen in a browser: settings, test requests, calls to place, time to travel.

    It can be reached from this machine only, unless --host says otherwise; it then asks for the password in
    KAISA_CONSOLE_PASSWORD. Ctrl-C stops it; everything is kept in the --state file.
    """
    # Imported here: no other command needs a web framework.
    from sender_sim.console.draft import Draft
    from sender_sim.console.server import Place, opened
    from sender_sim.console.simulation import Options

    first = Draft.from_settings(settings.read_file(file)) if file else Draft()
    tls = _trusted(ca)
    options = Options(
        open_transport=lambda: HttpsTransport.open(tls),
        ca=ca,
        allow_http=allow_http,
        timeout=timeout,
        breath=breath,
        first=first,
    )
    place = Place(state=state, host=host, port=port, access=access(host, names))
    signal.signal(signal.SIGTERM, interrupt)
    try:
        with opened(place, options) as server:
            click.echo(f"The console is at {server.url} (Ctrl-C stops it; everything is kept in {state})")
            server.run()
    except KeyboardInterrupt:
        pass  # before the server ran; the server itself takes it as a stop
    except JournalError as error:
        raise click.UsageError(str(error)) from None
    except SettingsError as error:
        raise SettingsError([f"{state}, the settings in force: {problem}" for problem in error.problems]) from None
    except OSError as error:
        raise click.UsageError(f"{host}, port {port} cannot be listened at: {error.strerror}") from None
    click.echo("Stopped.")


def _trusted(ca: Path | None) -> "ssl.SSLContext":
    try:
        return trust(ca)
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError([f"--ca: {ca} cannot be used: {error.strerror or error}"]) from None


def access(host: str, names: tuple[str, ...]) -> "Access":
    """Who may use a console at this address, also called by these names. Raises SettingsError where anybody could."""
    from sender_sim.console.access import Access, is_loopback, names_of

    password, alone = os.environ.get(_PASSWORD, ""), is_loopback(host)
    if not alone and not password:
        raise SettingsError([f"--host: {host} can be reached from other machines; set {_PASSWORD} to a password"])
    if password and len(password) < _SHORTEST:
        raise SettingsError([f"{_PASSWORD}: has {len(password)} characters; use {_SHORTEST} or more"])
    own = () if alone else (host, socket.gethostname())
    return Access(password=password, names=names_of((*names, *own)), everywhere=not alone)


def interrupt(*_: Any) -> None:
    """A platform's stop is a Ctrl-C."""
    raise KeyboardInterrupt
