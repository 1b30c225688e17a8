"""The `receiver` command."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from sqlalchemy import make_url

from receiver import __version__, build, config
from receiver.advice import advice
from receiver.commands import stop_at
from receiver.commands.deliveries import deliveries
from receiver.commands.doctor import doctor
from receiver.commands.jobs import jobs, worker
from receiver.commands.openapi import openapi
from receiver.commands.refusals import refusals
from receiver.errors import ConfigurationError, KitError, Problem, Refusal
from receiver.store import database

__all__ = ["main"]

_GUNICORN_CONF = Path(__file__).with_name("gunicorn.conf.py")


class _InWords(click.Group):
    """Commands whose errors are told in words; only a bug is a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            evidence = f": {refusal.evidence.strip()}" if refusal.evidence else ""
            raise click.ClickException(f"{refusal.detail}{evidence}\n    -> {refusal.remedy}") from refusal
        except KitError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_InWords, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Receive Kaisa's webhooks: verified, stored, handled, answered."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to listen on; overrides PORT.")
def serve(host: str, port: int | None) -> None:
    """Serve with gunicorn, as the Procfile does."""
    if port is not None:
        os.environ["PORT"] = str(port)
    stop_at(build.problems(os.environ, now=build.utc_now()))
    port = config.load(os.environ, now=build.utc_now()).port
    stop_at(tuple(_address_problems(host, port)))
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--config",
        str(_GUNICORN_CONF),
        "--bind",
        f"{_bracketed(host)}:{port}",
    ]
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter, arguments of our own


@main.command()
@click.option("--list", "show_list", is_flag=True, help="List every setting with its default and meaning.")
def check(*, show_list: bool) -> None:
    """Say every mistake of the configuration at once; exit 0 if there is none, 2 if there is one."""
    if show_list:
        for setting in config.listing():
            click.echo(f"{setting.name}\n    {setting.meaning}\n    default: {setting.default or '(empty)'}")
        return
    stop_at(build.problems(os.environ, now=build.utc_now()))
    settings = config.load(os.environ, now=build.utc_now())
    click.echo("The configuration is good.")
    click.echo(f"store: {make_url(settings.database_url).render_as_string(hide_password=True)}, in {Path.cwd()}")
    for key in settings.trusted_keys:
        click.echo(f"trusted key: {key.name} ({key.fingerprint[:16]})")
    if database.normalised(settings.database_url).get_backend_name() == "sqlite":
        click.echo(f"SQLite library: {'.'.join(map(str, database.sqlite_version()))}")
    for sentence in advice(settings, build.utc_now()):
        click.echo(f"WARNING: {sentence}")
    if background := build.build(settings).background():
        click.echo(f"background handlers: {background}")


@main.command()
def migrate() -> None:
    """Bring the database up to date: once before receivers start that share a server. An SQLite file needs it not."""
    try:
        url = config.database_url(os.environ)
        build.migrate(url, background=build.has_background_handlers(os.environ))
    except ConfigurationError as error:
        stop_at(error.problems)
    click.echo("The database is up to date.")


main.add_command(deliveries)
main.add_command(doctor)
main.add_command(refusals)
main.add_command(openapi)
main.add_command(jobs)
main.add_command(worker)


def _address_problems(host: str, port: int) -> Iterator[Problem]:
    """gunicorn would try for five seconds, and say it in ten lines."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:  # UnicodeError: a host that no name can be
        what = f"cannot be listened on: {getattr(error, 'strerror', error)}"
        yield Problem(f"{_bracketed(host)}:{port}", what, "choose another --port (or PORT) or --host")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
