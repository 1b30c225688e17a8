"""Whether Kaisa can reach the endpoint at all, and over what."""

import ssl
from typing import Final

from sender_sim.checks.model import Broken, NotRun
from sender_sim.checks.probe import Probe
from sender_sim.checks.register import Group

__all__ = ["GROUP", "reachable"]

GROUP: Final = Group("connection", "Reachable, over HTTPS")

_MODERN: Final = ("TLSv1.2", "TLSv1.3")


@GROUP.must(
    "reachable",
    rule="R1 S",
    expected="the host of the URL takes connections",
    cause="the endpoint does not run, listens on another port, or a firewall is in between",
    change="start it, and compare host and port of the URL with what it listens on",
    needs_delivery=False,
)
async def reachable(probe: Probe) -> None:
    """A TCP connection, and no more."""
    try:
        async with probe.connect(plain=True):
            return
    except TimeoutError:
        raise Broken(f"no connection within {probe.patience:g} s") from None
    except OSError as error:
        raise Broken(f"no connection: {error.strerror or error}") from None


@GROUP.must(
    "https-certificate",
    rule="C2 S",
    expected="TLS with a certificate that is valid for the host and issued by an authority that is trusted",
    cause="the certificate is self-signed, out of date, for another host name, or its intermediate is not sent",
    change="serve the full chain of a certificate for this host name; --ca FILE trusts an authority of your own",
    needs_delivery=False,
)
async def certificate(probe: Probe) -> None:
    """A handshake with everything verified, as the client of any delivery does it."""
    _https(probe)
    try:
        async with probe.connect():
            return
    except TimeoutError:
        raise Broken(f"the TLS handshake was not over within {probe.patience:g} s") from None
    except ssl.SSLCertVerificationError as error:
        raise Broken(f"the certificate is not trusted: {error.verify_message}") from None
    except OSError as error:
        raise Broken(f"the TLS handshake failed: {error.strerror or error}") from None


@GROUP.must(
    "https-tls-version",
    rule="C2 D",
    expected="TLS 1.2 or later is spoken",
    cause="the server is old, or set up for old clients only",
    change="enable TLS 1.2 and 1.3",
    needs_delivery=False,
)
async def tls_version(probe: Probe) -> None:
    """Whatever the certificate: what version is agreed on with a client that speaks them all."""
    _https(probe)
    try:
        async with probe.connect(_lenient(ssl.TLSVersion.TLSv1, ssl.TLSVersion.MAXIMUM_SUPPORTED)) as connection:
            version = connection.tls_version
    except OSError as error:
        raise NotRun(f"no TLS handshake: {error.strerror or error}") from None
    if version not in _MODERN:
        raise Broken(f"agreed on {version}")


def _https(probe: Probe) -> None:
    probe.over_network()
    if not probe.integration.url.startswith("https:"):
        raise NotRun("the URL is http, to this machine only; Kaisa posts to https")


def _lenient(lowest: ssl.TLSVersion, highest: ssl.TLSVersion) -> ssl.SSLContext:
    """A client that takes whatever certificate and old version there is: it sends nothing, it only looks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = lowest, highest
    return context
