"""Load with Locust (docs/load.md): what the simulator sends, as fast as it is answered, judged by the contract's rules.

Locust replaces parts of the standard library when it is imported, so no other module of this package imports this one.
"""

import random
import ssl
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

import gevent
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError
from geventhttpclient.useragent import ConnectionError as ClientError
from locust import FastHttpUser, events, task
from locust.argument_parser import LocustArgumentParser
from locust.contrib.fasthttp import FastResponse
from locust.env import Environment
from locust.exception import StopTest
from locust.runners import MasterRunner

from receiver import wire
from receiver.wire import EventType
from sender_sim.core import rules, synthetic
from sender_sim.core.call import Call, Kind
from sender_sim.core.delivery import Request
from sender_sim.core.engine import request_for
from sender_sim.core.integration import Integration, url_problem
from sender_sim.core.outcome import Answered, Failed, Failure, Outcome, timed_out
from sender_sim.core.violations import broken
from sender_sim.options import Target, active, target
from sender_sim.settings import SettingsError
from sender_sim.transports import Body

__all__ = ["ContractBroken", "KaisaUser"]

_CHUNK: Final = 65_536
_FAILURES: Final = (gevent.Timeout, OSError, HTTPParseError, ClientError)
# No status is an error to Locust's client, which would read the answer's body as UTF-8 and fail where it is none.
_EVERY_STATUS: Final = frozenset(range(100, 1000))
# What its parser says where the connection, not the answer, is at fault.
_ENDED_EARLY: Final = ("Incomplete response.", "Invalid EOF state")


class ContractBroken(Exception):
    """A failure as Locust counts it: under one name with all of its kind."""

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, slots=True)
class _Load:
    """Where to send and how, and what share of deliveries is sent again."""

    sent_to: Target
    allow_http: bool
    everything: bool
    duplicates: float

    def integrations(self, url: str) -> tuple[Integration, ...]:
        """The settings that calls are sent with, by turns."""
        integration = replace(self.sent_to.integration, url=url)
        if not self.everything:
            return (integration,)
        wide = replace(integration, pre_call=True, after_outbound=True)
        return tuple(replace(wide, encoding=encoding) for encoding in wire.CONTENT_TYPES)


class KaisaUser(FastHttpUser):
    """Has one call after another and reports each as Kaisa does. A subclass may set `wait_time`; unset, it never waits.

    As in a run, each attempt has a connection of its own and one deadline for all of it; other than in a run, none is
    tried again.
    """

    insecure = False
    # Each wait in an attempt is shorter than the attempt's deadline.
    network_timeout = connection_timeout = 2 * wire.ATTEMPT_TIMEOUT.total_seconds()

    def __init__(self, environment: Environment) -> None:
        self._load = _load_of(environment)
        self.host = self._url = self.host or self._load.sent_to.integration.url
        if problem := url_problem(self._url, allow_http=self._load.allow_http):
            raise StopTest(problem)
        self.ssl_context_factory = lambda **_: self._load.sent_to.tls
        super().__init__(environment)
        self.client.cookiejar.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self.client.client.valid_response_codes = _EVERY_STATUS  # type: ignore[misc]  # Locust does it with redirects, too
        self._random = random.Random()  # noqa: S311 - made-up calls are no secret

    @task
    def have_a_call(self) -> None:
        """One call or text message; one in each encoding if everything is to be sent."""
        for integration in self._load.integrations(self._url):
            [call] = synthetic.calls(self._random, 1, datetime.now(UTC))
            for event_type, request in _requests(call, integration):
                self._deliver(event_type.label, request)

    def _deliver(self, name: str, request: Request) -> None:
        """Send a delivery. Of those that get their 200 a share is sent again, and must be answered as before."""
        outcome = self._post(name, request)
        if outcome.success and self._random.random() < self._load.duplicates:
            self._post(f"{name} again", request, before=outcome)

    def _post(self, name: str, request: Request, *, before: Outcome | None = None) -> Outcome:
        started = time.perf_counter()
        with (
            closing(self.client.client),  # the connection is not used again
            closing(gevent.Timeout.start_new(request.timeout.total_seconds())) as deadline,
            self.client.post(
                request.url,
                data=request.body.decode("ascii"),  # the encoders leave nothing else
                headers=request.headers | {"Accept-Encoding": "identity"},
                name=name,
                allow_redirects=False,
                stream=True,
                catch_response=True,
            ) as response,
        ):
            outcome = _outcome(response, request, started)
            deadline.close()
            response.request_meta["response_time"] = outcome.seconds * 1000
            response.request_meta["response_length"] = len(outcome.body) if isinstance(outcome, Answered) else 0
            if wrong := broken(outcome) or _changed(before, outcome):
                response.failure(ContractBroken(wrong))
            else:
                response.success()
        return outcome


def _requests(call: Call, integration: Integration) -> Iterator[tuple[EventType, Request]]:
    """What is sent of a call, in order. Nothing waits: a recording that is found in time is there at once (R6)."""
    for event_type in rules.events_at_start(call, integration):
        yield event_type, request_for(call, event_type, integration)
    if call.kind is Kind.VOICE and not rules.silence(call, integration):
        found = integration.wait_for_recording and call.recording_after and call.recording_after <= wire.RECORDING_WAIT
        recording_id = call.recording_id if found else ""
        yield EventType.POST_CALL, request_for(call, EventType.POST_CALL, integration, recording_id=recording_id)


def _changed(before: Outcome | None, outcome: Outcome) -> str | None:
    """Whether a duplicate was accepted with another append than the delivery before it."""
    same = before is None or rules.read_append(before) == rules.read_append(outcome)
    return None if same else "duplicate: answered with another append than before"


def _outcome(response: FastResponse, request: Request, started: float) -> Outcome:
    body = Body()
    try:
        response.raise_for_status()  # type: ignore[no-untyped-call]  # what kept it from being answered, not its status
        while chunk := response.read(_CHUNK):
            body.add(chunk)
    except _FAILURES as error:
        cause, seconds = getattr(error, "original", error), time.perf_counter() - started  # without the client's frame
        if isinstance(cause, gevent.Timeout | TimeoutError):
            return timed_out(request.timeout, seconds)
        return Failed(*_failure(cause), seconds)
    return body.answer(response.status_code, (), time.perf_counter() - started)


def _failure(error: BaseException) -> tuple[Failure, str]:
    match error:
        case ssl.SSLCertVerificationError():
            return Failure.TLS, f"the certificate is not trusted: {error.verify_message}"
        case ssl.SSLError():
            return Failure.TLS, str(error.reason)
        case ConnectionResetError() | BrokenPipeError() | HTTPConnectionClosed():
            return Failure.RESET, "the connection was closed before there was an answer"
        case OSError():
            return Failure.CONNECT, str(error.strerror).lower()
        case HTTPParseError(args=(reason, *_)) if reason in _ENDED_EARLY:
            return Failure.RESET, "the connection was closed in mid-answer"
        case HTTPParseError(args=(reason, *_)):
            return Failure.PROTOCOL, str(reason).lower()
        case _:
            return Failure.PROTOCOL, str(error)


_LOADS: Final[WeakKeyDictionary[Environment, _Load]] = WeakKeyDictionary()


def _load_of(environment: Environment) -> _Load:
    """What this process was told to send. Raises SettingsError with every mistake.

    It is read once, before a master's options are written over a worker's: the files they name are the worker's own.
    """
    if environment not in _LOADS:
        given: Any = environment.parsed_options
        sent_to = target(
            file=Path(given.kaisa_settings) if given.kaisa_settings else None,
            ca=Path(given.kaisa_ca) if given.kaisa_ca else None,
            allow_http=given.kaisa_allow_http,
            url=environment.host,
            key=given.kaisa_sign,
        )
        load = _Load(active(sent_to), given.kaisa_allow_http, given.kaisa_everything, given.kaisa_duplicates)
        _LOADS[environment] = load
    return _LOADS[environment]


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:  # not a number is neither
        raise ArgumentTypeError(f"{text!r} must be from 0 to 1")
    return share


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]  # Locust leaves it untyped
def _add_options(parser: LocustArgumentParser) -> None:
    options = parser.add_argument_group("Kaisa", "What is sent. The URL is Locust's --host, or stands in the settings.")

    # Plain text and numbers: a master sends all its options to its workers, and can send no other types.
    def add(name: str, help_text: str, **how: Any) -> None:
        variable = name.upper().replace("-", "_")
        options.add_argument(f"--kaisa-{name}", env_var=f"KAISA_{variable}", help=help_text, **how)

    add("settings", "Settings file (TOML) of the integration.", metavar="FILE")
    add("sign", "Sign with this private key, PEM (C7).", metavar="FILE")
    add("ca", "Trust the certificates in this PEM file instead of the system's.", metavar="FILE")
    add("allow-http", "Permit http, to this machine only.", action="store_true")
    add("duplicates", "Share of accepted deliveries that is sent again.", metavar="SHARE", type=_share, default=0.05)
    add("everything", "Pre-calls, outbound calls and both encodings, whatever the settings.", action="store_true")


@events.init.add_listener  # type: ignore[untyped-decorator]  # Locust leaves it untyped
def _check_options(environment: Environment, **_: Any) -> None:
    """Say what is wrong with the options before there is a user. A master sends nothing."""
    if isinstance(environment.runner, MasterRunner):
        return
    try:
        _load_of(environment)
    except SettingsError as error:
        sys.stderr.writelines(f"{problem}\n" for problem in error.problems)
        sys.exit(2)
