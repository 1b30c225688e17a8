"""Runs checks, one after the other, and says what came of each."""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from sender_sim.checks.catalogue import CHECKS
from sender_sim.checks.groups.connection import reachable
from sender_sim.checks.groups.refusals import still_answering
from sender_sim.checks.model import Broken, Check, Finding, NotRun, Verdict
from sender_sim.checks.probe import Probe
from sender_sim.core.outcome import Failed
from sender_sim.transports import words

__all__ = ["Examiner", "examine"]


class Examiner:
    """Finds what comes of one check after the other, at one endpoint.

    Whether the endpoint can be reached and takes a delivery at all is looked at first, and once; where it cannot be
    reached, no other check is run, and none while it is down because of a check: what is seen then says nothing of the
    check that sees it. That it is down is what the last delivery asks.
    """

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._foundations: dict[str, Finding] = {}
        self._suspect: str | None = None  # the check in which an attempt failed, after which nobody may listen any more

    async def foundations(self) -> dict[str, Finding]:
        """What came of the checks that all others rest on, by id."""
        if not self._foundations:
            self._foundations = {reachable.id: await _find(reachable, self._probe)}
            if not self._unreachable:
                self._foundations |= {
                    check.id: await _find(check, self._probe)
                    for check in CHECKS
                    if check.foundation and check is not reachable
                }
        return self._foundations

    async def find(self, check: Check) -> Finding:
        """What comes of a check."""
        found = await self.foundations()
        if check.id in found:
            return found[check.id]
        if self._unreachable:
            return _not_run(check, f"the endpoint cannot be reached: {found[reachable.id].happened}")
        if self._suspect and check is not still_answering and not _lacks_its_key(check, self._probe):
            if await _takes_no_connection(self._probe):
                return _not_run(check, f"the endpoint takes no connections any more, which {self._suspect} is about")
            self._suspect = None
        finding = await _find(check, self._probe)
        if _failed(finding):
            self._suspect = self._suspect or check.id
            if await _takes_no_connection(self._probe):
                return _ended(finding, self._suspect)
        return finding

    @property
    def _unreachable(self) -> bool:
        return self._foundations[reachable.id].verdict is Verdict.BROKEN


async def examine(checks: Sequence[Check], probe: Probe) -> AsyncIterator[Finding]:
    """The findings, as they are made, in the order of the checks.

    What is broken among the foundations and was not asked for comes before all else.
    """
    examiner = Examiner(probe)
    asked = {check.id for check in checks}
    for finding in (await examiner.foundations()).values():
        if finding.verdict is Verdict.BROKEN and finding.check.id not in asked:
            yield finding
    for check in checks:
        yield await examiner.find(check)


async def _find(check: Check, probe: Probe) -> Finding:
    started = time.perf_counter()
    probe.exchanges.clear()
    try:
        await _precondition(check, probe)
        probe.exchanges.clear()  # the plain delivery is no check's own
        await check.run(probe)
        finding = _kept(check, probe)
    except NotRun as reason:
        finding = _not_run(check, str(reason))
    except Broken as broken:
        finding = _broken(check, broken, probe)
    except OSError as error:  # of a connection beneath HTTP
        finding = _broken(check, Broken(f"the connection failed: {words(error)}"), probe)
    return replace(finding, made=tuple(probe.exchanges), seconds=time.perf_counter() - started)


async def _precondition(check: Check, probe: Probe) -> None:
    if _lacks_its_key(check, probe):
        raise NotRun("no signing key is given (--sign)")
    if not check.foundation and not probe.takes(plain := await probe.plain()):
        raise NotRun(f"not even a plain delivery is accepted: {plain.outcome}")


def _lacks_its_key(check: Check, probe: Probe) -> bool:
    return check.needs_key and probe.signer is None


def _failed(finding: Finding) -> bool:
    return finding.verdict is Verdict.BROKEN or any(isinstance(each.outcome, Failed) for each in finding.made)


async def _takes_no_connection(probe: Probe) -> bool:
    """One that takes long is busy, which is something else."""
    try:
        async with probe.connect(plain=True):
            return False
    except (NotRun, TimeoutError):
        return False
    except OSError:
        return True


def _ended(finding: Finding, by: str) -> Finding:
    """What is said of a check after which nobody listens, whatever it asks itself; `by` is the first of them."""
    before = f"{finding.happened}; " if finding.verdict is Verdict.BROKEN else ""
    return replace(
        finding,
        verdict=Verdict.BROKEN,
        happened=f"{before}the endpoint takes no connections any more",
        cause=f"a request of {by} ended it: an error that nothing catches ends the whole process, in Node.js for one",
        change=f"look into its log for that error, catch errors for each request, start it again, and --only {by}",
        exchanges=finding.exchanges or finding.made,
    )


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
