"""The options every sending command shares, and what they come to."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from receiver import wire
from sender_sim import settings
from sender_sim.core.integration import Integration
from sender_sim.settings import SettingsError
from sender_sim.transports import trust

__all__ = ["Target", "active", "output_format", "target", "target_options"]

F = TypeVar("F", bound=Callable[..., Any])

_FILE = click.Path(path_type=Path)
# Options named as in a settings file; those given override it.
_OPTIONS = (
    click.argument("url", required=False),
    click.option("--settings", "file", type=_FILE, help="Settings file (TOML); flags override it."),
    click.option("--active/--inactive", default=None, help="Inactive, only test-request sends (C1). Default: active."),
    click.option("--macro", help="Macro text (C3). Default: Kaisa's default macro."),
    click.option("--json/--form", "json", default=None, help="Encoding (C4). Default: form."),
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
    click.option("--wait-for-recording/--no-wait", default=None, help="Hold the post-call for its recording (C9)."),
    click.option("--ca", type=_FILE, help="Trust the certificates in this PEM file instead of the system's."),
    click.option("--allow-http", is_flag=True, help="Permit http, to this machine only."),
    click.option("--timeout", type=float, help="Seconds an attempt may take, for tests. Default: 20 (R3)."),
)
_SIGNATURE_OPTIONS = ("key", "digest", "padding", "encoding", "allow_weak")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send, how, and whom to trust."""

    integration: Integration
    tls: ssl.SSLContext


def target_options(command: F) -> F:
    """Add the shared options; the command gets them as keyword arguments for `target`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def output_format(command: F) -> F:
    """Add `--format`."""
    return click.option(
        "--format", "form", type=click.Choice(["text", "json"]), default="text", help="JSON: for machines."
    )(command)


def target(*, file: Path | None, ca: Path | None, allow_http: bool, **given: Any) -> Target:
    """The target of given options. Raises SettingsError with every mistake."""
    problems: list[str] = []
    values: dict[str, Any] = {}
    integration = tls = None
    try:
        values = settings.read_file(file) if file else {}
        integration = settings.load(_merged(values, given), allow_http=allow_http)
    except SettingsError as error:
        problems.extend(error.problems)
    try:
        tls = trust(ca)
    except OSError as error:  # ssl.SSLError is one
        problems.append(f"--ca: {ca} cannot be used: {error.strerror or error}")
    if integration is None or tls is None:
        raise SettingsError(problems)
    return Target(integration, tls)


def active(sent_to: Target) -> Target:
    """The target, if data flows to it (C1). Raises SettingsError."""
    if not sent_to.integration.active:
        raise SettingsError(["active: is false, so no data flows (C1); only test-request works before activation"])
    return sent_to


def _merged(values: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    flags = {name: value for name, value in given.items() if value is not None}
    signature = {name: flags.pop(name) for name in _SIGNATURE_OPTIONS if name in flags}
    in_file = values.get("signature", {})
    if signature and isinstance(in_file, dict):
        flags["signature"] = in_file | signature
    return values | flags
