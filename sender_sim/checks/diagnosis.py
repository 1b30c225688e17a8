"""Whose fault it is that a plain delivery is not accepted: the check that says so, and what is known of the cause."""

import ssl
from dataclasses import dataclass
from typing import Final

from receiver import macro, wire
from sender_sim.checks.judging import explain
from sender_sim.checks.model import Broken, NotRun
from sender_sim.checks.probe import Probe
from sender_sim.core.outcome import Answered, Failed, Failure

__all__ = ["blame"]

_BELOW_HTTP: Final = (Failure.CONNECT, Failure.TLS)
_REFUSED: Final = 400
_UNAUTHORISED: Final = (401, 403)
# One signature in 200 has no `+`, and each takes half a millisecond.
_TRIES: Final = 2_000


@dataclass(frozen=True, slots=True)
class _Blame:
    """The check that is broken; what is known of the cause, beyond what the check says itself."""

    check: str
    cause: str | None = None
    change: str | None = None


async def blame(probe: Probe, check: str) -> None:
    """Judge the plain delivery as far as it is this check's matter.

    Raises Broken if it was not accepted for a reason of this check, NotRun if for another.
    """
    plain = await probe.plain()
    if probe.takes(plain) and (plain.outcome.success or check != "answer-200"):
        return
    found = await _diagnose(probe)
    if found is None:
        raise NotRun(f"no delivery gets through ({plain.outcome}), which the checks of the connection are about")
    if found.check != check:
        raise NotRun(f"a plain delivery is not accepted ({plain.outcome}), which {found.check} is about")
    raise Broken(explain(plain.outcome).happened, plain, cause=found.cause, change=found.change)


async def _diagnose(probe: Probe) -> _Blame | None:
    """None: TLS is not spoken as it should be, which is for the checks of the connection."""
    outcome = (await probe.plain()).outcome
    if isinstance(outcome, Failed):
        if outcome.failure is Failure.TIMEOUT:
            return _Blame("answer-in-time")
        return await _of_the_connection(probe) if outcome.failure in _BELOW_HTTP else _Blame("answer-200")
    if outcome.status < _REFUSED:
        return _of_the_answer(outcome)
    return await _of_the_data(probe, outcome) or await _of_the_signature(probe, outcome) or _of_the_answer(outcome)


async def _of_the_connection(probe: Probe) -> _Blame | None:
    """What fails after a handshake that succeeds is not the handshake's fault."""
    error = await probe.handshake()
    if isinstance(error, ssl.SSLError):
        return None
    if error or not probe.over_https:
        return _Blame("answer-200")
    return _Blame(
        "answer-200",
        "the endpoint asks for a client certificate, which Kaisa does not have",
        "let Kaisa in without one: its signature says who it is",
    )


def _of_the_answer(outcome: Answered) -> _Blame:
    why = explain(outcome)
    return _Blame("answer-200", why.cause, why.change)


async def _of_the_data(probe: Probe, outcome: Answered) -> _Blame | None:
    """The other encoding and the default macro are tried: what is accepted then says what the endpoint reads."""
    if outcome.status in _UNAUTHORISED:
        return None
    other = probe.other_encoding
    if probe.takes(await probe.post(probe.delivery(encoding=other))):
        return _Blame("encoding-as-set", f"the endpoint reads {other} only: the same data in {other} is accepted")
    if probe.integration.macro.text != wire.DEFAULT_MACRO:
        default = macro.parse(wire.DEFAULT_MACRO, recording=False)
        if probe.takes(await probe.post(probe.delivery(macro=default))):
            return _Blame("macro-custom")
    return None


async def _of_the_signature(probe: Probe, outcome: Answered) -> _Blame | None:
    """Another signature is tried, too: one that is decoded twice fails in whatever way the library has for it."""
    if probe.signer is None:
        return None
    if probe.integration.encoding == wire.FORM and await _loses_plus(probe):
        return _Blame(
            "signed-accepted",
            "the form is decoded twice: the same delivery is accepted when its signature happens to have no '+'",
            "take 'sign' (and 'payload') as the form parser gives them; a second decoding turns '+' into a space",
        )
    return _Blame("signed-accepted") if outcome.status in _UNAUTHORISED else None


async def _loses_plus(probe: Probe) -> bool:
    """Whether a signature without a `+` is accepted, where one with it was not."""
    for _ in range(_TRIES):
        message = probe.message(probe.data(probe.call()))
        if "+" not in (message.signature or "+"):
            return probe.takes(await probe.post(probe.request(message)))
    return False
