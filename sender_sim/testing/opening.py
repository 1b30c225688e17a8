"""Makes senders: to a URL, or to an application in this process."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Unpack

from sender_sim.core.integration import Integration
from sender_sim.options import target
from sender_sim.reading import SettingsError
from sender_sim.settings import load
from sender_sim.testing.fields import Options, aware
from sender_sim.testing.sender import Sender
from sender_sim.transports import HttpsTransport, Transport, WsgiTransport

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

__all__ = ["OpenSender", "open_sender"]

_HOST: Final = "https://endpoint.example"
_ATTEMPTS: Final = 5
_OF_A_SIGNATURE: Final = ("key", "digest", "padding", "encoding")
# What messages call by the command's flags, as it is called here.
_ARGUMENTS: Final = {"--allow-http": "allow_http=True", "--ca:": "ca:", "--ca ": "ca="}


class OpenSender:
    """Makes senders; those that are `signed` sign with the key, a private one in PEM."""

    def __init__(self, key: Callable[[], Path]) -> None:
        self._key = key

    def __call__(
        self, endpoint: "str | WSGIApplication", *, signed: bool = False, **options: Unpack[Options]
    ) -> Sender:
        """A sender to a URL or an application. Raises SettingsError with every mistake."""
        return open_sender(endpoint, key=self._key() if signed else None, **options)


def open_sender(endpoint: "str | WSGIApplication", *, key: Path | None = None, **options: Unpack[Options]) -> Sender:
    """A sender to a URL or an application; `key` (PEM) signs (C7). Raises SettingsError with every mistake."""
    given: dict[str, Any] = {**options, **({"key": str(key)} if key else {})}
    now = given.pop("start", None) or datetime.now(UTC).replace(microsecond=0)
    attempts = given.pop("attempts", _ATTEMPTS)
    try:
        integration, transport = _to(endpoint, **given)
    except SettingsError as error:
        raise SettingsError(map(_as_arguments, error.problems)) from None
    return Sender(integration, transport, now=aware(now), attempts=attempts)


def _to(
    endpoint: "str | WSGIApplication",
    *,
    path: str = "/webhook",
    ca: Path | None = None,
    allow_http: bool = False,
    **given: Any,
) -> tuple[Integration, Transport]:
    if isinstance(endpoint, str):
        sent_to = target(file=None, ca=ca, allow_http=allow_http, url=endpoint, **given)
        return sent_to.integration, HttpsTransport(sent_to.tls)
    if not path.startswith("/"):
        raise SettingsError([f"path: {path!r} must begin with '/'"])
    signature = {name: given.pop(name) for name in _OF_A_SIGNATURE if name in given}
    values = {"url": f"{_HOST}{path}", **given} | ({"signature": signature} if signature else {})
    return load(values), WsgiTransport(endpoint, here=True)


def _as_arguments(problem: str) -> str:
    for flag, argument in _ARGUMENTS.items():
        problem = problem.replace(flag, argument)
    return problem
