"""The commands that look at the store and change it. What they share is here."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from receiver import build, config
from receiver.errors import ConfigurationError, Problem, StoreUnavailable
from receiver.store.inbox import Inbox

__all__ = ["counted", "limited", "on_one_line", "open_store", "stop_at", "store"]

F = TypeVar("F", bound=Callable[..., Any])


def stop_at(problems: Sequence[Problem]) -> None:
    """Print the mistakes and end with exit code 2; without any, go on."""
    if problems:
        for problem in problems:
            click.echo(problem, err=True)
        click.echo(f"{counted(len(problems), 'mistake')} in the configuration", err=True)
        sys.exit(2)


def open_store() -> Inbox:
    """The inbox of DATABASE_URL; ends with exit code 2 where it cannot be opened. Looking makes no new database."""
    try:
        url = config.database_url(os.environ)
        stop_at(tuple(build.missing_database(url)))
        return build.open_inbox(url, probe=False)  # to look is possible on a full disk too
    except ConfigurationError as error:
        stop_at(error.problems)
        raise


@contextmanager
def store() -> Iterator[Inbox]:
    """The inbox for the time of a command; a database that fails on the way is told in words."""
    inbox = open_store()
    try:
        yield inbox
    except StoreUnavailable as error:
        raise click.ClickException(f"{error.detail}: {error.cause.strip()}") from None
    finally:
        inbox.close()


def limited(command: F) -> F:
    """Add `--limit` and `--format`."""
    count = click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="How many at most.")
    form = click.option(
        "--format", "form", type=click.Choice(["text", "json"]), default="text", help="JSON: one object a line."
    )
    return count(form(command))


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 attempt`, `2 attempts`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def on_one_line(text: object) -> str:
    """Text from outside, with what would move the cursor, turn the line around or not print at all escaped."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in str(text))
