"""What a check is given: it makes requests as the integration is set up, sends them, and keeps what came of them."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from receiver import wire
from receiver.macro import Macro
from receiver.wire import EventType
from sender_sim.checks.connections import Connection, connect
from sender_sim.checks.message import Message
from sender_sim.checks.model import NotRun
from sender_sim.core import encode, synthetic
from sender_sim.core.call import Call, Kind, values
from sender_sim.core.delivery import Attempt, Request
from sender_sim.core.exchange import Exchange
from sender_sim.core.integration import Integration
from sender_sim.core.outcome import Answered, Outcome
from sender_sim.core.sign import Signer
from sender_sim.transports import Transport

if TYPE_CHECKING:
    from random import Random

__all__ = ["Probe"]

_SUCCESSES: Final = range(200, 300)
# What the sample call of a test request lacks.
_REST: Final = {"publisher_id": "7", "campaign_id": "12", "referrer": "https://www.example.com/"}


class Shape(TypedDict, total=False):
    """How data differs from what the integration sends.

    `changes` replaces the values of fields, `more` adds wire names to those of the macro, `without` leaves out the
    pairs that carry these fields and no others.
    """

    encoding: str
    macro: Macro
    changes: Mapping[str, str]
    more: Mapping[str, str]
    without: Collection[str]


class Probe:
    """The endpoint under examination.

    `tls` is whom to trust, for connections beneath HTTP; None: the application is called in this process and there are
    none. `random` names the calls, so that no examination meets what an earlier one left behind; `now` is the clock.
    """

    def __init__(
        self,
        integration: Integration,
        transport: Transport,
        *,
        tls: ssl.SSLContext | None,
        random: "Random",
        now: Callable[[], datetime],
    ) -> None:
        self.integration = integration
        self.signer = integration.signer
        self.exchanges: list[Exchange] = []
        self._transport = transport
        self._tls = tls
        self._random = random
        self._now = now
        self._calls = 0
        self._plain: Exchange | None = None
        self._stranger: Signer | None = None

    @property
    def other_encoding(self) -> str:
        """The one the integration is not set to."""
        return wire.JSON if self.integration.encoding == wire.FORM else wire.FORM

    def call(self, kind: Kind = Kind.VOICE, **details: str) -> Call:
        """A call that nobody has heard of, and of which everything is known; each begins in another second."""
        self._calls += 1
        sample = synthetic.sample(self._now() - timedelta(seconds=self._calls))
        name = f"{self._random.getrandbits(64):016x}"
        known = sample.details | _REST
        return replace(sample, id=name, fsid=f"FS-{name}", kind=kind, details=known | details)

    def data(self, call: Call, event_type: EventType = EventType.POST_CALL, **shape: Unpack[Shape]) -> bytes:
        """What is sent of a call."""
        fields = values(call, event_type, recording_id=f"rec-{call.id}") | dict(shape.get("changes", {}))
        macro, left_out = shape.get("macro", self.integration.macro), set(shape.get("without", ()))
        kept = [pair for pair in macro.pairs if not pair.placeholders or not left_out.issuperset(pair.placeholders)]
        pairs = [*encode.expand(replace(macro, pairs=tuple(kept)), fields), *shape.get("more", {}).items()]
        return encode.data(pairs, shape.get("encoding", self.integration.encoding))

    def message(self, data: bytes, *, encoding: str | None = None, by: Signer | None = None) -> Message:
        """Data as it is delivered: signed, by the integration's own key unless `by` is another's, if it has one."""
        signer = by or self.signer
        return Message(encoding or self.integration.encoding, data, signer.sign(data) if signer else None)

    def request(
        self, message: Message, *, body: bytes | None = None, content_type: str | None = None, method: str = "POST"
    ) -> Request:
        """The request that carries a message; `body`, `content_type` (empty: no such header) and `method` alter it."""
        return Request(
            self.integration.url,
            message.content_type if content_type is None else content_type,
            message.body() if body is None else body,
            self.integration.timeout,
            method,
        )

    def delivery(
        self, call: Call | None = None, event_type: EventType = EventType.POST_CALL, **shape: Unpack[Shape]
    ) -> Request:
        """The request that Kaisa sends of a call, a new one unless it is given."""
        data = self.data(call or self.call(), event_type, **shape)
        return self.request(self.message(data, encoding=shape.get("encoding")))

    async def post(self, request: Request) -> Exchange:
        """Send a request once."""
        return self.note(request, await self._send(request))

    async def post_all(self, requests: Iterable[Request]) -> list[Exchange]:
        """Send requests at once."""
        return list(await asyncio.gather(*map(self.post, requests)))

    def note(self, request: Request, outcome: Outcome) -> Exchange:
        """Keep what came of a request that was sent in another way."""
        exchange = self._exchange(request, outcome)
        self.exchanges.append(exchange)
        return exchange

    def _exchange(self, request: Request, outcome: Outcome) -> Exchange:
        return Exchange(request, outcome, self._now() - timedelta(seconds=outcome.seconds))

    async def plain(self) -> Exchange:
        """What came of the plainest delivery there is, which is sent once in an examination: others compare with it."""
        if self._plain is None:
            request = self.delivery()
            self._plain = self._exchange(request, await self._send(request))
        self.exchanges.append(self._plain)
        return self._plain

    def takes(self, exchange: Exchange) -> bool:
        """Whether a request was accepted.

        That is a 200 (R2), or whatever the plain delivery is answered with if that is at least a success of HTTP: what
        is wrong with all answers is one check's to say, not every check's.
        """
        outcome, usual = exchange.outcome, self._plain.outcome if self._plain else None
        if not isinstance(outcome, Answered):
            return False
        as_usual = isinstance(usual, Answered) and outcome.status == usual.status in _SUCCESSES
        return outcome.success or as_usual

    async def _send(self, request: Request) -> Outcome:
        return await self._transport.send(Attempt("check", 1, self._now(), request))

    def stranger(self) -> Signer:
        """One who signs as Kaisa does, with a key of their own."""
        if self.signer is None:
            raise NotRun("no signing key is given")
        if self._stranger is None:
            key = rsa.generate_private_key(public_exponent=65537, key_size=wire.MIN_RSA_BITS)
            pem = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            self._stranger = self.signer.with_key(pem)
        return self._stranger

    def sends(self, *fields: str) -> None:
        """Raises NotRun unless the macro sends each of these fields."""
        missing = [f"{{{field}}}" for field in fields if field not in self.integration.macro.fields]
        if missing:
            raise NotRun(f"the macro does not send {' and '.join(missing)}")

    @property
    def patience(self) -> float:
        """How many seconds an attempt may take (R3)."""
        return self.integration.timeout.total_seconds()

    @asynccontextmanager
    async def connect(self, tls: ssl.SSLContext | None = None, *, plain: bool = False) -> AsyncIterator[Connection]:
        """A connection to the endpoint for the block, `plain`: without TLS; `tls` is another way to speak it.

        Raises NotRun where there is none, and OSError, of which TimeoutError and ssl.SSLError are some.
        """
        own = self.over_network()
        spoken = (tls or own) if self.over_https and not plain else None
        async with connect(self.integration.url, spoken, self.patience) as connection:
            yield connection

    async def handshake(self) -> OSError | None:
        """Connect as a delivery does; what fails in it. Raises NotRun where there is no connection."""
        try:
            async with self.connect():
                return None
        except OSError as error:
            return error

    @property
    def over_https(self) -> bool:
        """Whether there is TLS, if there is a network."""
        return self.integration.url.startswith("https:")

    def over_network(self) -> ssl.SSLContext:
        """Whom to trust. Raises NotRun where the endpoint is called in this process."""
        if self._tls is None:
            raise NotRun("the application is called in this process: there is no connection")
        return self._tls
