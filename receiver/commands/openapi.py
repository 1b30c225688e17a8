"""`receiver openapi`: the webhook as an OpenAPI document."""

import json
import os

import click

from receiver import build, config
from receiver.commands import stop_at
from receiver.errors import ConfigurationError
from receiver.openapi import document

__all__ = ["openapi"]


@click.command()
def openapi() -> None:
    """Print the OpenAPI 3.1 document of the webhook, as it answers with the current settings."""
    try:
        settings = config.load(os.environ, now=build.utc_now())
    except ConfigurationError as error:
        stop_at(error.problems)
        raise
    click.echo(json.dumps(document(settings), indent=2))
