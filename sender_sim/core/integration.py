"""The settings of one integration (C1-C9), as they apply to what is sent from now on."""

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from receiver import macro, wire
from receiver.macro import Macro
from sender_sim.core.sign import Signer

__all__ = ["Integration", "url_problem"]

_DEFAULT_MACRO: Final = macro.parse(wire.DEFAULT_MACRO, recording=False)
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """What is switched on. `encoding` is wire.FORM or wire.JSON; `timeout` is R3's and shortened only for tests."""

    url: str
    active: bool = True
    macro: Macro = _DEFAULT_MACRO
    encoding: str = wire.FORM
    pre_call: bool = False
    after_outbound: bool = False
    signer: Signer | None = None
    retry: bool = True
    wait_for_recording: bool = False
    timeout: timedelta = wire.ATTEMPT_TIMEOUT

    def changed(self, other: "Integration") -> tuple[str, ...]:
        """The names of the settings that differ in `other`."""
        return tuple(each.name for each in fields(self) if getattr(self, each.name) != getattr(other, each.name))


def url_problem(url: str, *, allow_http: bool = False) -> str | None:
    """Why Kaisa would not post to `url` (C2); None if it would."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        # As it is resolved: no empty and no over-long label, the second time once what looks like a dot has become one.
        (host or "").encode("idna").decode("ascii").encode("idna")
    except ValueError as error:
        return f"{url!r} is not a URL: {error}"
    if not host or parts.scheme not in ("http", "https"):
        return f"{url!r} is not a webhook URL; write https://host/path"
    if parts.username or parts.password:
        return "the URL holds a user name or password; Kaisa posts without"
    if parts.scheme == "http" and not (allow_http and host in _LOOPBACK):
        hint = "--allow-http permits http to this machine only"
        if not allow_http:
            hint = f"write https://{parts.netloc}..." + (", or give --allow-http" if host in _LOOPBACK else "")
        return f"{url!r} is http; Kaisa posts to https only ({hint})"
    return None
