"""`receiver deliveries purge` and `erase`: content goes, what recognises a duplicate stays."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import click

from receiver import build
from receiver.commands import counted, store
from receiver.commands.options import NUMBER, PERIOD
from receiver.store import retention

__all__ = ["erase", "purge"]


@click.command()
@click.option("--older-than", type=PERIOD, required=True, help="Last seen longer ago than this: 30d, 12h.")
@click.option("--forget-keys", is_flag=True, help="Delete rows whose keys are older than 8 days altogether.")
@click.option("--dry-run", is_flag=True, help="Say how many, and do nothing.")
def purge(older_than: timedelta, *, forget_keys: bool, dry_run: bool) -> None:
    """Drop the content of handled deliveries: bodies, fields, wire values, numbers, errors.

    Keys and answers stay, so that a duplicate is answered as before.
    """
    now = build.utc_now()
    before = now - min(older_than, now - datetime.min.replace(tzinfo=UTC))
    with store() as inbox:
        found = retention.expired(inbox, before, now, forget_keys=forget_keys)
        if not dry_run:
            found = retention.purge(inbox, found, before)
    would = "would be " if dry_run else ""
    click.echo(f"{would}emptied: {_deliveries(found.content)}")
    if forget_keys:
        click.echo(f"{would}deleted: {_deliveries(found.keys)}")


@click.command()
@click.option("--number", "numbers", type=NUMBER, required=True, multiple=True, help="The phone number; repeatable.")
@click.option("--dry-run", is_flag=True, help="Say how many, and do nothing.")
def erase(numbers: Sequence[str], *, dry_run: bool) -> None:
    """Remove everything of a phone number: from deliveries their content, and refusals that mention it.

    It is found in any spelling of its international form. Give the national one (070-123 45 67), where it may have been
    sent, as another --number: no country is guessed.
    """
    with store() as inbox:
        found = retention.traces(inbox, numbers)
        if not dry_run:
            retention.erase(inbox, found)
    would = "would be " if dry_run else ""
    click.echo(f"{would}emptied: {_deliveries(found.deliveries)}")
    click.echo(f"{would}deleted: {counted(len(found.refusals), 'refusal')}")


def _deliveries(ids: Sequence[int]) -> str:
    return counted(len(ids), "delivery", "deliveries")
