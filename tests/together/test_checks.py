"""This kit's receiver keeps every check of this kit's sender that can be run, in process and under gunicorn."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest

from receiver import wire
from sender_sim.certs import DevelopmentKeys
from sender_sim.checks.catalogue import CHECKS
from sender_sim.checks.examine import examine
from sender_sim.checks.model import Finding, Verdict
from sender_sim.checks.probe import Probe
from sender_sim.transports import WsgiTransport, trust
from tests.together.conftest import Deploy
from tests.together.deployed import CUSTOM_MACRO, Deployed, Setup

# What only a server, or TLS, can show.
OF_A_SERVER = {
    "reachable",
    "https-tls",
    "https-certificate",
    "https-old-tls",
    "answer-many-at-once",
    "retry-after-lost-answer",
    "connection-drip",
    "connection-slow-others",
    "connection-cut",
}
OF_SIGNATURES = {check.id for check in CHECKS if check.needs_key}
OF_THE_MACRO = {"macro-custom", "value-no-recording"}


def examined(receiver: Deployed, encoding: str, keys: DevelopmentKeys) -> tuple[list[Finding], bool]:
    """What is found, and whether there is a server."""

    async def collect() -> tuple[list[Finding], bool]:
        async with receiver.open() as transport:
            in_process = isinstance(transport, WsgiTransport)
            probe = Probe(
                replace(receiver.integration, encoding=encoding),
                transport,
                tls=None if in_process else trust(keys.ca),
                random=Random(),
                now=lambda: datetime.now(UTC),
            )
            return [finding async for finding in examine(CHECKS, probe)], not in_process

    return asyncio.run(collect())


@pytest.mark.parametrize("encoding", [wire.FORM, wire.JSON])
@pytest.mark.parametrize("setup", [Setup(), Setup(signed=False), Setup(macro=CUSTOM_MACRO)], ids=str)
def test_the_receiver_keeps_every_check(
    deploy: Deploy, setup: Setup, encoding: str, development_keys: DevelopmentKeys
) -> None:
    findings, served = examined(deploy(setup), encoding, development_keys)
    assert [(each.check.id, each.happened) for each in findings if each.verdict is Verdict.BROKEN] == []
    expected = [
        set() if served else OF_A_SERVER,
        set() if setup.signed else OF_SIGNATURES,
        OF_THE_MACRO if setup.macro == wire.DEFAULT_MACRO else set(),
    ]
    assert {each.check.id for each in findings if each.verdict is Verdict.NOT_RUN} == set().union(*expected)
