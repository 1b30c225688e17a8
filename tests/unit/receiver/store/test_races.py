"""Two receivers on one database, each with an engine and a writer of its own, in many threads at once."""

import os
import subprocess
import sys
from functools import partial

from receiver.store.records import Stored
from tests.unit.receiver.samples import delivery
from tests.unit.receiver.store.conftest import Store, at_once

EACH = 12


def test_of_duplicates_at_once_exactly_one_is_claimed(store: Store) -> None:
    inboxes = [store.open(), store.open()]
    results = at_once([partial(inbox.accept, delivery()) for inbox in inboxes for _ in range(EACH)])
    assert [result.claim is not None for result in results].count(True) == 1
    assert {(result.id, result.revision, result.state) for result in results} == {(1, 1, "handling")}
    assert sorted(result.attempts for result in results) == list(range(1, 2 * EACH + 1))
    assert store.rows("SELECT count(*), max(attempts) FROM deliveries") == [(1, 2 * EACH)]


def test_a_failed_delivery_is_claimed_by_exactly_one_of_many_attempts(store: Store) -> None:
    inboxes = [store.open(), store.open()]
    first = inboxes[0].accept(delivery())
    inboxes[0].fail(first.id, first.claim or "", "Traceback")
    results = at_once([partial(inbox.accept, delivery()) for inbox in inboxes for _ in range(EACH)])
    (claimed,) = [result for result in results if result.claim]
    assert store.rows("SELECT claim FROM deliveries") == [(claimed.claim,)]


def test_revisions_that_arrive_at_once_are_numbered_without_gaps(store: Store) -> None:
    inboxes = [store.open() for _ in range(4)]
    work = [partial(inboxes[number % 4].accept, delivery(str(number))) for number in range(32)]
    results = at_once(work)
    assert sorted(result.revision for result in results) == list(range(1, 33))
    assert all(result.claim and result.attempts == 1 for result in results)


def test_many_calls_and_their_duplicates_at_once_are_each_claimed_once(store: Store) -> None:
    inboxes, keys = [store.open(), store.open()], [f"event:{number}" for number in range(EACH)]

    def attempt(number: int) -> list[Stored]:
        inbox = inboxes[number % 2]
        # The second receiver's batches touch the rows in the opposite order.
        return [inbox.accept(delivery(key=key)) for key in (keys if number % 2 else reversed(keys))]

    results = [stored for several in at_once([partial(attempt, number) for number in range(6)]) for stored in several]
    assert len([stored for stored in results if stored.claim]) == len(keys)
    assert store.rows("SELECT DISTINCT attempts, revision FROM deliveries") == [(6, 1)]
    assert store.rows("SELECT count(*) FROM deliveries") == [(len(keys),)]


FORKED = """
import os, sys, threading
from receiver import build
from tests.unit.receiver.samples import delivery

inbox = build.open_inbox(sys.argv[1], connections=2)
assert [thread.name for thread in threading.enumerate()] == ["MainThread"]
assert inbox.engine.pool.checkedin() == 0
children = []
for number in range(2):
    child = os.fork()
    if not child:
        stored = inbox.accept(delivery(key=f"event:{number}"))
        inbox.close()
        os._exit(0 if stored.claim else 1)
    children.append(child)
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
"""


def test_a_server_may_fork_its_workers_from_a_process_that_opened_the_store(store: Store) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKED, store.url],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.stdout, done.stderr) == ("[0, 0]\n", "")
    assert store.rows("SELECT key FROM deliveries ORDER BY key") == [("event:0",), ("event:1",)]
