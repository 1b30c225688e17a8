"""Whether Kaisa can reach the endpoint at all, and over what."""

import ssl
import warnings
from typing import Final

from sender_sim.checks.model import Broken, NotRun
from sender_sim.checks.probe import Probe
from sender_sim.checks.register import Group
from sender_sim.transports import words

__all__ = ["GROUP", "reachable"]

GROUP: Final = Group("connection", "Reachable, over HTTPS")

_MODERN: Final = ("TLSv1.2", "TLSv1.3")


@GROUP.must(
    "reachable",
    rule="R1 S",
    expected="the host of the URL takes connections",
    cause="the endpoint does not run, listens on another port, or a firewall is in between",
    change="start it, and compare host and port of the URL with what it listens on",
    foundation=True,
)
async def reachable(probe: Probe) -> None:
    """A TCP connection, and no more."""
    try:
        async with probe.connect(plain=True):
            return
    except OSError as error:
        raise Broken(f"no connection: {_words(error, probe)}") from None


@GROUP.must(
    "https-tls",
    rule="C2 S",
    expected="TLS 1.2 or later is spoken (which versions: D)",
    cause="the port speaks plain HTTP, or the server speaks old versions of TLS only",
    change="serve HTTPS on this port, with TLS 1.2 and 1.3",
    foundation=True,
)
async def tls(probe: Probe) -> None:
    """Whatever the certificate: what a client that speaks everything agrees on, and whether one of today's can."""
    _over_https(probe)
    try:
        async with probe.connect(_lenient()) as connection:
            version = connection.tls_version
    except OSError as error:
        raise Broken(f"no TLS handshake: {_words(error, probe)}") from None
    if version not in _MODERN:
        raise Broken(f"agreed on {version}", cause="the server speaks old versions of TLS only")
    failed = await probe.handshake()
    if failed and not isinstance(failed, ssl.SSLCertVerificationError):
        raise Broken(
            f"{version} is spoken, but to no client of today: {_words(failed, probe)}",
            cause="the server offers weak ciphers only, or its key is weak",
            change="set up the server with the ciphers of its defaults",
        )


@GROUP.must(
    "https-certificate",
    rule="C2 S",
    expected="a certificate that is valid, for this host, and issued by an authority that is trusted",
    cause="the certificate is self-signed, out of date, for another host name, or its intermediate is not sent",
    change="serve the full chain of a certificate for this host name; --ca FILE trusts an authority of your own",
    foundation=True,
)
async def certificate(probe: Probe) -> None:
    """A handshake with everything verified, as the client of any delivery does it."""
    _over_https(probe)
    error = await probe.handshake()
    if isinstance(error, ssl.SSLCertVerificationError):
        raise Broken(f"the certificate is not trusted: {error.verify_message}")
    if error:
        raise NotRun(f"no TLS handshake, so no certificate: {_words(error, probe)}")


@GROUP.should(
    "https-old-tls",
    rule="C2 D",
    expected="TLS 1.0 and 1.1 are refused (RFC 8996)",
    cause="the server still takes clients of before 2008",
    change="disable TLS 1.0 and 1.1",
)
async def old_tls(probe: Probe) -> None:
    """A client that speaks nothing newer than TLS 1.1."""
    _over_https(probe)
    try:
        async with probe.connect(_lenient(highest=ssl.TLSVersion.TLSv1_1)) as connection:
            version = connection.tls_version
    except OSError as error:
        if getattr(error, "reason", None) == "NO_PROTOCOLS_AVAILABLE":
            raise NotRun("this machine's OpenSSL does not speak TLS 1.1 itself") from None
        return
    raise Broken(f"agreed on {version}")


def _over_https(probe: Probe) -> None:
    probe.over_network()
    if not probe.over_https:
        raise NotRun("the URL is http, to this machine only; Kaisa posts to https")


def _words(error: OSError, probe: Probe) -> str:
    return f"none within {probe.patience:g} s" if isinstance(error, TimeoutError) else words(error)


def _lenient(*, highest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED) -> ssl.SSLContext:
    """A client that takes whatever certificate and old version there is: it sends nothing, it only looks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are what this is about
        context.maximum_version = highest
    return context
