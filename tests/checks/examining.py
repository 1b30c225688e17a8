"""Examines an endpoint of the tests, in this process or over the network."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

from sender_sim.checks.catalogue import CHECKS
from sender_sim.checks.examine import examine
from sender_sim.checks.model import Check, Finding, Verdict
from sender_sim.checks.probe import Probe
from sender_sim.core.integration import Integration
from sender_sim.transports import HttpsTransport, Transport, WsgiTransport
from tests.checks.servers import Serve

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
INTEGRATION = Integration(url="https://endpoint.example/hook")


def findings_of(
    app: Any,
    serve: Serve | None = None,
    integration: Integration = INTEGRATION,
    checks: Sequence[Check] = CHECKS,
) -> list[Finding]:
    """What an examination finds; `serve` None: of the application called in this process."""
    if serve is None:
        return _found(Probe(integration, WsgiTransport(app), tls=None, random=Random(1), now=_now), checks)
    with serve(app) as served:
        transport: Transport = HttpsTransport(served.trust)
        there = replace(integration, url=served.url)
        return _found(Probe(there, transport, tls=served.trust, random=Random(1), now=_now), checks)


def ids(findings: Sequence[Finding], verdict: Verdict) -> list[str]:
    """The checks with a verdict."""
    return [finding.check.id for finding in findings if finding.verdict is verdict]


def _found(probe: Probe, checks: Sequence[Check]) -> list[Finding]:
    async def collect() -> list[Finding]:
        return [finding async for finding in examine(checks, probe)]

    return asyncio.run(collect())


def _now() -> datetime:
    return NOW
