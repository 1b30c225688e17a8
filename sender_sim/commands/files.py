"""Options that name a file to write when all is over, and how it is written."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["file_option", "write"]

F = TypeVar("F", bound=Callable[..., Any])


def file_option(flag: str, metavar: str, meaning: str) -> Callable[[F], F]:
    """Add an option that names a file. That it cannot be written is said before, not when all is over."""
    return click.option(
        flag,
        type=click.Path(path_type=Path, dir_okay=False, writable=True),
        metavar=metavar,
        callback=_in_a_folder,
        help=meaning,
    )


def write(content: str | bytes, file: Path) -> None:
    """Write the file. Raises UsageError."""
    try:
        file.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    except OSError as error:
        raise click.UsageError(f"{file} cannot be written: {error.strerror}") from None


def _in_a_folder(ctx: click.Context, param: click.Parameter, file: Path | None) -> Path | None:
    if file and not file.parent.is_dir():
        raise click.BadParameter(f"there is no folder {str(file.parent)!r}", ctx, param)
    if file and not os.access(file.parent, os.W_OK):
        raise click.BadParameter(f"nothing can be written to {str(file.parent)!r}", ctx, param)
    return file
