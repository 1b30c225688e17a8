"""The options every sending command shares, and what they come to."""

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import click

from receiver import wire
from sender_sim import settings
from sender_sim.core.integration import Integration
from sender_sim.core.sign import Profile, Signer
from sender_sim.reports.reproduce import Signing
from sender_sim.settings import SettingsError
from sender_sim.transports import trust

__all__ = [
    "ClockType",
    "Target",
    "active",
    "output_format",
    "recording_option",
    "reproduce_option",
    "signature_options",
    "signer",
    "target",
    "target_options",
    "unsigned",
    "what_is_sent_options",
]

F = TypeVar("F", bound=Callable[..., Any])

_FILE = click.Path(path_type=Path)
# Eleven days in a second; much more, and time runs out of what a date can hold.
_FASTEST = 1_000_000
# Options named as in a settings file; those given override it.
_SIGNATURE = (
    click.option("--sign", "key", type=click.Path(), help="Sign with this private key, PEM (C7)."),
    click.option("--digest", type=click.Choice(wire.DIGESTS), help=f"Signature digest. Default: {wire.DIGESTS[0]}."),
    click.option(
        "--padding", type=click.Choice(wire.PADDINGS), help=f"Signature padding. Default: {wire.PADDINGS[0]}."
    ),
    click.option(
        "--encoding",
        type=click.Choice(wire.SIGNATURE_ENCODINGS),
        help=f"Signature encoding. Default: {wire.SIGNATURE_ENCODINGS[0]}.",
    ),
    click.option("--allow-weak-key", "allow_weak", is_flag=True, default=None, help="Sign even with under 2048 bits."),
)
recording_option = click.option(
    "--wait-for-recording/--no-wait", default=None, help="Hold the post-call for its recording (C9)."
)
reproduce_option = click.option(
    "--reproduce", is_flag=True, help="Print the curl and openssl lines that do the same by hand, too."
)
_WHAT_IS_SENT = (
    click.argument("url", required=False),
    click.option("--settings", "file", type=_FILE, help="Settings file (TOML); flags override it."),
    click.option("--macro", help="Macro text (C3). Default: Kaisa's default macro."),
    click.option("--json/--form", "json", default=None, help="Encoding (C4). Default: form."),
    *_SIGNATURE,
    recording_option,
)
_HOW_IT_IS_SENT = (
    click.option("--active/--inactive", default=None, help="Inactive, only test-request sends (C1). Default: active."),
    click.option("--ca", type=_FILE, help="Trust the certificates in this PEM file instead of the system's."),
    click.option("--allow-http", is_flag=True, help="Permit http, to this machine only."),
    click.option("--timeout", type=float, help="Seconds an attempt may take, for tests. Default: 20 (R3)."),
)
_ANY_URL = "https://localhost/"
_SIGNATURE_NAMES = ("key", "digest", "padding", "encoding", "allow_weak")


class ClockType(click.ParamType[float | None]):
    """`virtual`, `real` or `xN` -> how many times as fast as real time it runs; None: it jumps."""

    name = "virtual|real|xN"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        """Read the text. Whatever is not a clock is told with what to write instead."""
        if value == "virtual":
            return None
        speed = "1" if value == "real" else value.removeprefix("x") if value.startswith("x") else ""
        try:
            factor = float(speed)
        except ValueError:
            factor = 0.0
        if not 0 < factor <= _FASTEST:
            self.fail(f"{value!r} is no clock; write virtual, real, or for example x1800", param, ctx)
        return factor


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send, how, and whom to trust; the files that were given for it, and the values of the settings."""

    integration: Integration
    tls: ssl.SSLContext
    ca: Path | None
    signing: Signing | None
    values: Mapping[str, Any]
    allow_http: bool


def target_options(command: F) -> F:
    """Add the shared options; the command gets them as keyword arguments for `target`."""
    return _add((*_WHAT_IS_SENT, *_HOW_IT_IS_SENT), command)


def what_is_sent_options(command: F) -> F:
    """Add those that decide what is sent; the command gets them as keyword arguments for `unsigned`."""
    return _add(_WHAT_IS_SENT, command)


def signature_options(command: F) -> F:
    """Add those of a signature alone; the command gets them as keyword arguments for `signer`."""
    return _add(_SIGNATURE, command)


def output_format(command: F) -> F:
    """Add `--format`."""
    return click.option(
        "--format", "form", type=click.Choice(["text", "json"]), default="text", help="JSON: for machines."
    )(command)


def signer(**given: Any) -> Signer | None:
    """The signer of given options; None: there are none. Raises SettingsError with every mistake."""
    signature = _merged({}, given).get("signature")
    return settings.load_signer(signature) if signature else None


def unsigned(*, file: Path | None, **given: Any) -> tuple[Integration, Profile | None]:
    """The integration of given options without its key, and how it signs; None: not at all. Without a URL, it is empty.

    Raises SettingsError with every mistake.
    """
    values = _merged(settings.read_file(file) if file else {}, given)
    signature = values.pop("signature") if isinstance(values.get("signature"), dict) else None
    problems: list[str] = []
    integration = profile = None
    try:
        integration = settings.load({"url": _ANY_URL} | values, allow_http=True)
    except SettingsError as error:
        problems.extend(error.problems)
    try:
        profile = None if signature is None else settings.load_profile(signature)
    except SettingsError as error:
        problems.extend(error.problems)
    if integration is None or problems:
        raise SettingsError(problems)
    return (integration if "url" in values else replace(integration, url="")), profile


def target(
    *,
    file: Path | None,
    ca: Path | None,
    allow_http: bool,
    scenario: Mapping[str, Any] = MappingProxyType({}),
    **given: Any,
) -> Target:
    """The target of given options; the settings of a scenario stand over the file's and under the flags.

    Only a macro of one's own stands over the scenario's: it is what the endpoint reads. Raises SettingsError with every
    mistake.
    """
    problems: list[str] = []
    values: dict[str, Any] = {}
    integration = tls = None
    try:
        in_file = settings.read_file(file) if file else {}
        own_macro = {"macro": in_file["macro"]} if "macro" in in_file else {}
        values = _merged({**in_file, **scenario, **own_macro}, given)
        integration = settings.load(values, allow_http=allow_http)
    except SettingsError as error:
        problems.extend(error.problems)
    try:
        tls = trust(ca)
    except OSError as error:  # ssl.SSLError is one
        problems.append(f"--ca: {ca} cannot be used: {_cause(error)}; name a PEM file of certificates to trust")
    if integration is None or tls is None:
        raise SettingsError(problems)
    signs = integration.signer
    signing = Signing(Path(values["signature"]["key"]), signs.profile) if signs else None
    return Target(integration, tls, ca, signing, values, allow_http)


def _add(options: Sequence[Callable[[F], F]], command: F) -> F:
    for option in reversed(options):
        command = option(command)
    return command


def _cause(error: OSError) -> str:
    """Why. OpenSSL's own words for a file without a certificate are no help to anyone."""
    return "it holds no certificate" if isinstance(error, ssl.SSLError) else str(error.strerror or error)


def active(sent_to: Target) -> Target:
    """The target, if data flows to it (C1). Raises SettingsError."""
    if not sent_to.integration.active:
        raise SettingsError(["active: is false, so no data flows (C1); only test-request works before activation"])
    return sent_to


def _merged(values: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    flags = {name: value for name, value in given.items() if value is not None}
    signature = {name: flags.pop(name) for name in _SIGNATURE_NAMES if name in flags}
    in_file = values.get("signature", {})
    if signature and isinstance(in_file, dict):
        flags["signature"] = in_file | signature
    return values | flags
