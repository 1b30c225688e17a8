"""`send --event` makes up what the event is of: a text message for an SMS, a phone call for the others."""

from random import Random
from urllib.parse import parse_qsl

import pytest
from pytest_httpserver import HTTPServer

from sender_sim.certs import DevelopmentKeys
from sender_sim.core import synthetic
from sender_sim.core.call import Kind
from tests.unit.sender_sim.conftest import Invoke
from tests.unit.sender_sim.scripted import START

SEEDS = range(12)


@pytest.mark.parametrize(
    ("event", "texts"), [("sms", {True}), ("post-call", {False}), ("pre-call", {False})], ids=lambda value: str(value)
)
def test_only_a_text_message_has_its_text_in_details(
    invoke: Invoke, server: HTTPServer, development_keys: DevelopmentKeys, event: str, texts: set[bool]
) -> None:
    server.expect_request("/hook").respond_with_data("")
    for seed in SEEDS:
        sent = invoke("send", server.url_for("/hook"), "--ca", development_keys.ca, "--event", event, "--seed", seed)
        assert sent.exit_code == 0
    forms = [dict(parse_qsl(request.get_data(as_text=True))) for request, _ in server.log]
    assert {"details" in form for form in forms} == texts
    assert {form["answered"] for form in forms} == ({"0", "1"} if event == "post-call" else {"0"})


@pytest.mark.parametrize("kind", Kind)
def test_one_call_is_of_the_kind_asked_for_and_the_same_for_the_same_seed(kind: Kind) -> None:
    made_up = [synthetic.call(Random(seed), kind, START) for seed in SEEDS]
    assert {call.kind for call in made_up} == {kind}
    assert made_up == [synthetic.call(Random(seed), kind, START) for seed in SEEDS]
    assert len({call.id for call in made_up}) == len(SEEDS)
