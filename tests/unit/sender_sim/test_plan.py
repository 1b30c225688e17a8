"""What is left of a plan when a run goes on."""

import random
import ssl
import tracemalloc
from collections import deque

import pytest

from sender_sim.core import synthetic
from sender_sim.core.unfinished import Unfinished
from sender_sim.journal import JournalError
from sender_sim.plan import Plan
from sender_sim.scenarios import situation
from tests.unit.sender_sim.scripted import INTEGRATION, START

CALLS = 5_000


@pytest.fixture
def plan() -> Plan:
    told = situation(INTEGRATION, {}, None, calls=CALLS, faults=[], next_key=None, allow_http=False)
    tls = ssl.create_default_context()
    return Plan(situation=told, tls=tls, begun=START, seed=7, speed=None, concurrency=20, breath=0)


def test_the_calls_that_have_begun_are_passed_over_one_by_one(plan: Plan) -> None:
    [last] = deque(synthetic.calls(random.Random(7), CALLS - 1, START), maxlen=1)
    tracemalloc.start()
    try:
        engine = plan.engine(Unfinished(begun=CALLS - 1, last=last.id))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    due = engine.next_due()
    assert due is not None
    assert due >= last.start
    assert most < 500_000


def test_a_scenario_that_has_lost_changes_since_then_is_told(plan: Plan) -> None:
    words = "settings have changed 1x in the journal, and in the scenario they do so 0x: put its file back as it was"
    with pytest.raises(JournalError, match=words):
        plan.engine(Unfinished(changes=1))
