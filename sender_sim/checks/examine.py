"""Runs checks, one after the other, and says what came of each."""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from sender_sim.checks.catalogue import CHECKS
from sender_sim.checks.groups.connection import reachable
from sender_sim.checks.model import Broken, Check, Finding, NotRun, Verdict
from sender_sim.checks.probe import Probe

__all__ = ["examine"]


async def examine(checks: Sequence[Check], probe: Probe) -> AsyncIterator[Finding]:
    """The findings, as they are made, in the order of the checks.

    Whether the endpoint can be reached and takes a delivery at all is looked at first, asked for or not. What is broken
    there and was not asked for comes before all else; where the endpoint cannot be reached, no other check is run.
    """
    reached = await _find(reachable, probe)
    found = {reachable.id: reached}
    if reached.verdict is not Verdict.BROKEN:
        found |= {
            check.id: await _find(check, probe) for check in CHECKS if check.foundation and check is not reachable
        }
    asked = {check.id for check in checks}
    for finding in found.values():
        if finding.verdict is Verdict.BROKEN and finding.check.id not in asked:
            yield finding
    for check in checks:
        if check.id in found:
            yield found[check.id]
        elif reached.verdict is Verdict.BROKEN:
            yield _not_run(check, f"the endpoint cannot be reached: {reached.happened}")
        else:
            yield await _find(check, probe)


async def _find(check: Check, probe: Probe) -> Finding:
    started = time.perf_counter()
    try:
        await _precondition(check, probe)
        probe.exchanges.clear()
        await check.run(probe)
        finding = _kept(check, probe)
    except NotRun as reason:
        finding = _not_run(check, str(reason))
    except Broken as broken:
        finding = _broken(check, broken, probe)
    return replace(finding, seconds=time.perf_counter() - started)


async def _precondition(check: Check, probe: Probe) -> None:
    if check.needs_key and probe.signer is None:
        raise NotRun("no signing key is given (--sign)")
    if not check.foundation and not probe.takes(plain := await probe.plain()):
        raise NotRun(f"not even a plain delivery is accepted: {plain.outcome}")


def _kept(check: Check, probe: Probe) -> Finding:
    exchanges = tuple(probe.exchanges)
    outcomes = ", ".join(dict.fromkeys(str(exchange.outcome) for exchange in exchanges))
    happened = f"answered {outcomes}" if outcomes else "as expected"
    return Finding(check=check, verdict=Verdict.KEPT, happened=happened, exchanges=exchanges)


def _broken(check: Check, broken: Broken, probe: Probe) -> Finding:
    return Finding(
        check=check,
        verdict=Verdict.BROKEN,
        happened=broken.happened,
        cause=broken.cause or check.cause,
        change=broken.change or check.change,
        exchanges=broken.exchanges or tuple(probe.exchanges),
    )


def _not_run(check: Check, reason: str) -> Finding:
    return Finding(check=check, verdict=Verdict.NOT_RUN, happened=reason)
