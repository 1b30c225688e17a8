"""`receiver deliveries replay`: the handlers once more."""

import os
from collections.abc import Sequence

import click

from receiver import build, config, logs
from receiver.commands import counted, on_one_line, stop_at, store
from receiver.commands.options import ID, filtered
from receiver.errors import ConfigurationError
from receiver.replay import look
from receiver.replay import replay as run_again
from receiver.router import Router
from receiver.store import queries
from receiver.store.inbox import Inbox
from receiver.store.queries import Filter

__all__ = ["replay"]


@click.command()
@click.argument("deliveries", metavar="[ID]...", type=ID, nargs=-1)
@filtered
@click.option("--limit", type=click.IntRange(1), help="How many at most.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask where it is more than one.")
def replay(deliveries: Sequence[int], wanted: Filter, limit: int | None, *, dry_run: bool, yes: bool) -> None:
    """Run your handlers again on stored deliveries, the oldest first, and store their answers.

    Kaisa is not told: it has the answer of the last attempt. Exit code 1: at least one was not handled.
    """
    if bool(deliveries) == bool(wanted.conditions):
        raise click.UsageError("name deliveries by ID, or by filters such as --state failed; one of the two")
    logs.configure()
    router = _handlers()
    with store() as inbox:
        ids = tuple(dict.fromkeys(deliveries)) or _matching(inbox, wanted, limit)
        if len(ids) > 1 and not (yes or dry_run):
            click.confirm(f"Run the handlers of {counted(len(ids), 'delivery', 'deliveries')} again?", abort=True)
        do = look if dry_run else run_again
        failed = 0
        for each in ids:
            outcome = do(inbox, router, each, build.utc_now())
            click.echo(f"{outcome.id:>6}  {on_one_line(outcome.text)}")
            failed += not outcome.done
    click.echo(f"{counted(len(ids), 'delivery', 'deliveries')}, {failed} not {'replayable' if dry_run else 'handled'}")
    if failed:
        raise SystemExit(1)


def _handlers() -> Router:
    default = next(setting.default for setting in config.listing() if setting.name == "KAISA_HANDLERS")
    try:
        return build.load_handlers(os.environ.get("KAISA_HANDLERS") or default)
    except ConfigurationError as error:
        stop_at(error.problems)
        raise


def _matching(inbox: Inbox, wanted: Filter, limit: int | None) -> Sequence[int]:
    with inbox.reading() as connection:
        return queries.ids(connection, wanted, limit=limit)
