"""`receiver deliveries`: what was accepted."""

import json

import click

from receiver.commands import limited, store
from receiver.commands.export import export
from receiver.commands.options import ID, filtered, form, shows_numbers
from receiver.commands.purge import erase, purge
from receiver.commands.replay import replay
from receiver.commands.shown import as_json, details, line
from receiver.store import queries
from receiver.store.queries import Filter

__all__ = ["deliveries"]


@click.group()
def deliveries() -> None:
    """Look at the deliveries that were accepted, and do things with them."""


@deliveries.command("list")
@filtered
@click.option("--before", type=ID, help="Go on after this delivery, the last one of a list.")
@limited
def list_(wanted: Filter, before: int | None, limit: int, form: str) -> None:
    """List deliveries, the one seen last first."""
    with store() as inbox, inbox.reading() as connection:
        try:
            rows = queries.page(connection, wanted, limit=limit + 1, before=before)
        except queries.NotFound:
            raise click.BadParameter(f"there is no delivery {before}", param_hint="--before") from None
    for row in rows[:limit]:
        click.echo(json.dumps(as_json(row)) if form == "json" else line(row))
    if len(rows) > limit:
        click.echo(f"there are more: --before {rows[limit - 1]['id']}", err=True)


@deliveries.command()
@click.argument("delivery", metavar="ID", type=ID)
@shows_numbers
@form
def show(delivery: int, form: str, *, show_numbers: bool) -> None:
    """Show everything known of a delivery."""
    with store() as inbox, inbox.reading() as connection:
        try:
            row = queries.one(connection, "deliveries", delivery)
        except queries.NotFound:
            raise click.ClickException(f"there is no delivery {delivery}") from None
    if form == "json":
        click.echo(json.dumps(as_json(row)))
    else:
        click.echo("\n".join(details(row, show_numbers=show_numbers)))


for command in (replay, export, purge, erase):
    deliveries.add_command(command)
