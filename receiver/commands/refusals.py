"""`receiver refusals`: what was refused, and why."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from receiver.commands import counted, limited, on_one_line, store
from receiver.commands.options import ID, form, shows_numbers
from receiver.commands.shown import body_text, escaped, masked, times
from receiver.logs import mask
from receiver.store import queries, retention

__all__ = ["refusals"]


@click.group()
def refusals() -> None:
    """Look at the requests that were refused, and delete them."""


@refusals.command("list")
@limited
def list_(limit: int, form: str) -> None:
    """List refused requests with their reason, the one seen last first."""
    with store() as inbox:
        rows = inbox.recent("refusals", limit)
    for row in rows:
        if form == "json":
            click.echo(json.dumps(_as_json(row)))
        else:
            click.echo(
                f"{row['id']:>6}  {row['last_seen']:%Y-%m-%d %H:%M:%S}Z  {row['status']} {row['code']}, "
                f"{counted(row['count'], 'time')}: {on_one_line(mask(row['detail']))}\n        -> {row['remedy']}"
            )


@refusals.command()
@click.argument("refusal", metavar="ID", type=ID)
@shows_numbers
@form
def show(refusal: int, form: str, *, show_numbers: bool) -> None:
    """Show a refused request with its raw bytes, what is no printable text escaped."""
    with store() as inbox, inbox.reading() as connection:
        try:
            row = queries.one(connection, "refusals", refusal)
        except queries.NotFound:
            raise click.ClickException(f"there is no refusal {refusal}") from None
    if form == "json":
        click.echo(json.dumps(_as_json(row) | {"body_base64": base64.b64encode(row["body"]).decode()}))
        return
    click.echo("\n".join(_details(row, show_numbers=show_numbers)))


@refusals.command()
@click.argument("ids", metavar="ID...", type=ID, nargs=-1, required=True)
def delete(ids: Sequence[int]) -> None:
    """Delete refused requests. Exit code 1: one of them is not there."""
    wanted = tuple(dict.fromkeys(ids))
    with store() as inbox:
        deleted = retention.drop_refusals(inbox, wanted)
    click.echo(f"deleted: {counted(len(deleted), 'refusal')}")
    if missing := [str(each) for each in wanted if each not in deleted]:
        raise click.ClickException(f"there is no refusal {', '.join(missing)}")


def _details(row: Mapping[str, Any], *, show_numbers: bool) -> Iterator[str]:
    hide = str if show_numbers else mask
    yield f"refusal {row['id']}: {row['status']} {row['code']}, {counted(row['count'], 'time')}"
    yield f"first seen: {row['first_seen'].isoformat()}"
    yield f"last seen: {row['last_seen'].isoformat()}"
    yield f"from: {on_one_line(row['remote'])}"
    yield f"content type: {on_one_line(hide(str(row['content_type'])))}"
    yield f"detail: {on_one_line(hide(row['detail']))}"
    yield f"    -> {row['remedy']}"
    yield f"body: {escaped(row['body']) if show_numbers else masked(row['body'])}"


def _as_json(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("id", "count", "status", "code", "detail", "remedy", "remote", "content_type")
    body = {"body": body_text(row["body"])}
    return {name: row[name] for name in kept} | times(row, "first_seen", "last_seen") | body
