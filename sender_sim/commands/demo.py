"""`sender-sim demo`."""

import sys

import click

from sender_sim import demo

__all__ = ["run_demo"]


@click.command("demo")
def run_demo() -> None:
    """Start the receiver over HTTPS and send it a story with everything that happens in real life."""
    sys.exit(0 if demo.tell() else 1)
