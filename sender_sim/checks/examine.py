"""Runs checks, one after the other, and says what came of each."""

import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace

from sender_sim.checks.groups.connection import reachable
from sender_sim.checks.model import Broken, Check, Finding, NotRun, Verdict
from sender_sim.checks.probe import Probe

__all__ = ["examine"]


async def examine(checks: Iterable[Check], probe: Probe) -> AsyncIterator[Finding]:
    """The findings, as they are made, in the order of the checks.

    Whether the endpoint can be reached is looked at first, asked for or not: if it cannot, that is the first finding,
    and no check is run.
    """
    reached = await _find(reachable, probe)
    if reached.verdict is Verdict.BROKEN:
        yield reached
    for check in checks:
        if reached.verdict is not Verdict.BROKEN:
            yield reached if check is reachable else await _find(check, probe)
        elif check is not reachable:
            yield _not_run(check, f"the endpoint cannot be reached: {reached.happened}")


async def _find(check: Check, probe: Probe) -> Finding:
    probe.exchanges.clear()
    started = time.perf_counter()
    try:
        await _precondition(check, probe)
        await check.run(probe)
        finding = _kept(check, probe)
    except NotRun as reason:
        finding = _not_run(check, str(reason))
    except Broken as broken:
        finding = Finding(
            check=check,
            verdict=Verdict.BROKEN,
            happened=broken.happened,
            cause=broken.cause or check.cause,
            change=broken.change or check.change,
            exchanges=broken.exchanges or tuple(probe.exchanges),
        )
    return replace(finding, seconds=time.perf_counter() - started)


async def _precondition(check: Check, probe: Probe) -> None:
    if check.needs_key and probe.signer is None:
        raise NotRun("no signing key is given (--sign)")
    if check.needs_delivery and not probe.takes(plain := await probe.plain()):
        raise NotRun(f"not even a plain delivery is accepted: {plain.outcome}")
    probe.exchanges.clear()  # the plain delivery is not the check's own


def _kept(check: Check, probe: Probe) -> Finding:
    outcomes = ", ".join(dict.fromkeys(str(exchange.outcome) for exchange in probe.exchanges))
    return Finding(
        check=check,
        verdict=Verdict.KEPT,
        happened=f"answered {outcomes}" if outcomes else "as expected",
        exchanges=tuple(probe.exchanges),
    )


def _not_run(check: Check, reason: str) -> Finding:
    return Finding(check=check, verdict=Verdict.NOT_RUN, happened=reason)
