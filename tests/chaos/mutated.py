"""Mutated requests through the decoder and through the application: nothing but a 200 or a refusal below 500.

And never a 200 for what was not signed: of a signed pipeline's deliveries every payload is, byte for byte, one that the
key has signed.
"""

import hashlib
import io
import json
import os
import re
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final, cast

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Flask
from werkzeug.test import Client

from receiver import build, config, logs, macro, signature, wire
from receiver.answer import EMPTY
from receiver.app import create_app
from receiver.errors import Refusal
from receiver.receive import Receiver
from receiver.router import Router
from receiver.signature import Profile
from receiver.store.inbox import Inbox
from receiver.store.records import Arrival, Delivery, State, Stored
from tests.acceptance.deployment import Deployment
from tests.chaos.mutations import Corpus, Signing
from tests.chaos.outcome import Outcome
from tests.clock import NOON
from tests.openssl import KeyPair
from tests.unit.receiver.inspector.conftest import PASSWORD, Visitor

__all__ = ["Books", "decoders", "in_the_application", "in_the_decoder", "over_the_wire", "signing"]

# So many are shown of what went wrong.
_SHOWN: Final = 5
# What a process that has answered a tenth of them may still grow by.
_GROWTH: Final = 16 * 2**20
_SIGNED_PAYLOADS: Final = 2000
# What HTTP has for a transfer encoding that nobody knows (RFC 9112, 6.1): nothing of the receiver has failed.
_UNKNOWN_ENCODING: Final = "not implemented (501)"


def signing(pair: KeyPair) -> Signing:
    """Signs as Kaisa is assumed to, without the simulator's code."""
    key = cast("rsa.RSAPrivateKey", serialization.load_pem_private_key(pair.private.read_bytes(), None))
    return lambda payload: key.sign(payload, padding.PKCS1v15(), hashes.SHA256())


@dataclass
class _Account:
    """What came of them."""

    signed: set[str]
    answers: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def forged(self, digest: str, body: bytes) -> None:
        if digest not in self.signed:
            self.found(f"accepted without a signature over it: {body!r}")

    def found(self, sentence: str) -> None:
        if len(self.findings) < _SHOWN:
            self.findings.append(sentence[:2000])


@dataclass
class Books:
    """Takes the place of the inbox: makes of each delivery what the store would write, and keeps nothing."""

    last: Delivery | None = None

    def accept(self, delivery: Delivery, *, settled: str | None, **_: object) -> Stored:
        json.dumps([delivery.fields, delivery.wire_values, delivery.numbers]).encode()
        self.last = delivery
        return Stored(1, 1, 1, State.HANDLED, None, settled)


def decoders(public: Path, books: Books) -> Iterator[Receiver]:
    """The pipeline without a store: one that wants signatures, one that takes anything."""
    for keys in (signature.read_pem("kaisa", public.read_bytes()), ()):
        yield Receiver(
            macro=macro.parse(wire.DEFAULT_MACRO, recording=False),
            keys=keys,
            profile=Profile(),
            inbox=cast("Inbox", books),
            router=Router(),
            handling=cast("Any", None),  # no handlers
        )


def in_the_decoder(pair: KeyPair, *, seed: int, requests: int) -> Outcome:
    """Content type and bytes -> a delivery or a refusal, as the receiver does it but for its store."""
    random, books = Random(seed), Books()
    corpus = Corpus(random, signing(pair), signed_payloads=_SIGNED_PAYLOADS)
    account = _Account({hashlib.sha256(payload).hexdigest() for payload in corpus.payloads})
    strict, lenient = decoders(pair.public, books)

    def send(content_type: str | None, body: bytes) -> str:
        receiver = random.choice((strict, lenient))
        try:
            receipt = receiver.receive(Arrival(content_type, body, NOON))
        except Refusal as refusal:
            logs.mask(json.dumps(refusal.document()))
            return str(refusal.status)
        assert receipt.answer == EMPTY.body()
        if receiver is strict and books.last:
            account.forged(books.last.digest, body)
        return "200"

    return _run("mutated requests in the decoder", corpus.request, account, send, seed=seed, requests=requests)


def in_the_application(pair: KeyPair, folder: Path, *, seed: int, requests: int, pages: int) -> Outcome:
    """The same through Flask and the store, on SQLite, with handlers and a log.

    Then up to `pages` of what was stored and as many of what was refused are looked at in the inspector.
    """
    random = Random(seed)
    corpus = Corpus(random, signing(pair), signed_payloads=_SIGNED_PAYLOADS // 10)
    account = _Account(set())
    apps = [
        _application({"DATABASE_URL": f"sqlite:///{folder / name}.sqlite3", **trust})
        for name, trust in (
            ("strict", {"KAISA_TRUSTED_KEYS": str(pair.public)}),
            ("lenient", {"KAISA_ACCEPT_UNSIGNED": "true"}),
        )
    ]

    def send(content_type: str | None, body: bytes) -> str:
        environ = {
            "wsgi.input": io.BytesIO(body),
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": content_type or "",
        }
        # Past the test client's own encoder: the bytes arrive as they are.
        answer = Client(random.choice(apps)).open("/webhook", method="POST", environ_overrides=environ)
        document = json.loads(answer.get_data())
        assert answer.status_code == 200 or document["code"]
        return str(answer.status_code)

    outcome = _run("mutated requests in the application", corpus.request, account, send, seed=seed, requests=requests)
    looked = _Looking(account)
    for app in apps:
        looked.at_everything_in(app, pages=pages)
    figures = {**outcome.figures, "pages of the inspector about them": looked.pages}
    return replace(outcome, figures=figures, findings=tuple(account.findings))


@dataclass
class _Looking:
    """Somebody who looks at all of it in the inspector."""

    account: _Account
    pages: int = 0

    def at_everything_in(self, app: Flask, *, pages: int) -> None:
        visitor = Visitor(app)
        assert visitor.log_in().status == 303
        for path in ("/inspect", "/inspect?text=%00%ff", "/inspect?number=%2B46701234567"):
            self._look(visitor, path)
        inbox = build.open_inbox(app.config["DATABASE_URL"])
        for table, query in (
            ("deliveries", ""),
            ("deliveries", "?view=hex"),
            ("refusals", ""),
            ("refusals", "?diagnosis=run"),
        ):
            for row in inbox.recent(table, pages // 2):
                self._look(visitor, f"/inspect/{table}/{row['id']}{query}")
        inbox.close()

    def _look(self, visitor: Visitor, path: str) -> None:
        page = visitor.get(path)
        self.pages += 1
        if page.status != 200:
            self.account.found(f"{page.status} for {path}")


def over_the_wire(pair: KeyPair, deployment: Deployment, *, seed: int, requests: int) -> Outcome:
    """Whole HTTP requests, mutated too, to the receiver as it is deployed; between them a good one is answered."""
    corpus = Corpus(Random(seed), signing(pair), signed_payloads=_SIGNED_PAYLOADS // 10)
    account, before = _Account(set()), deployment.workers()

    def send(_: str | None, body: bytes) -> str:
        status = _exchange(deployment.port, body)
        return _UNKNOWN_ENCODING if status == "501" else status

    outcome = _run(
        "mutated requests over HTTP",
        lambda: (None, corpus.raw(b"POST /webhook HTTP/1.1")),
        account,
        send,
        seed=seed,
        requests=requests,
    )
    deployment.request("/readyz")
    findings = [*outcome.findings]
    if deployment.workers() != before:
        findings.append("a worker died")
    findings += [f"{word!r} is in the log" for word in ("internal error", "Traceback") if word in deployment.output]
    return replace(outcome, findings=tuple(findings))


def _exchange(port: int, request: bytes) -> str:
    """Send, say that nothing more comes, read to the end; the status, or `nothing` where the connection was cut."""
    with suppress(ConnectionError), socket.create_connection(("localhost", port), timeout=30) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
        if found := re.match(rb"HTTP/1\.1 (\d{3}) ", answer):
            return found[1].decode()
    return "nothing"


def _application(settings: dict[str, str]) -> Flask:
    app = create_app(config.load({**settings, "KAISA_INSPECT_PASSWORD": PASSWORD}, now=datetime.now(UTC)))
    app.config["DATABASE_URL"] = settings["DATABASE_URL"]
    return app


def _run(
    what: str,
    draw: Callable[[], tuple[str | None, bytes]],
    account: _Account,
    send: Callable[[str | None, bytes], str],
    *,
    seed: int,
    requests: int,
) -> Outcome:
    began, warm = time.process_time(), 0
    for number in range(requests):
        if number == requests // 10:
            warm = _resident()
        content_type, body = draw()
        try:
            status = send(content_type, body)
        except Exception as error:  # noqa: BLE001 - anything that comes through is what is looked for
            status = type(error).__name__
            account.found(f"{error!r} for {content_type!r} {body!r}")
        account.answers[status] += 1
        if status.startswith("5"):
            account.found(f"{status} for {content_type!r} {body!r}")
    seconds, grown = time.process_time() - began, _resident() - warm
    if grown > _GROWTH:
        account.found(f"memory has grown by {grown / 2**20:.1f} MiB")
    figures = {
        "requests": requests,
        **{f"answered {status}": number for status, number in sorted(account.answers.items())},
        "requests per CPU second": round(requests / seconds),
        "MiB grown after the first tenth": round(grown / 2**20, 1),
    }
    return Outcome(what=what, seed=seed, figures=figures, findings=tuple(account.findings))


def _resident() -> int:
    """Bytes of memory this process has."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
