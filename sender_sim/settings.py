"""A settings file (TOML) and flags -> an Integration. Every mistake is reported at once.

```toml
url = "https://example.com/webhook"
macro = "caller={from_nr}&id={id}"   # unset: Kaisa's default macro
json = false                         # C4
pre_call = false                     # C5
after_outbound = false               # C6
retry = true                         # C8
wait_for_recording = false           # C9
active = true                        # C1

[signature]                          # C7; without it nothing is signed
key = "kaisa-signing.key"            # relative to this file
digest = "sha256"
padding = "pkcs1v15"
encoding = "base64"
allow_weak = false                   # keys under 2048 bits
```
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from marshmallow import EXCLUDE, Schema, fields, validate

from receiver import macro, wire
from receiver.macro import Macro, MacroError
from sender_sim.core.integration import Integration, url_problem
from sender_sim.core.sign import KeyRejected, Profile, Signer
from sender_sim.reading import SettingsError, flag, one_of, text, toml, typed

__all__ = ["SWITCHES", "SettingsError", "load", "load_profile", "load_signer", "read_file"]


class _Signature(Schema):
    class Meta:
        unknown = EXCLUDE

    key = text()
    digest = one_of(wire.DIGESTS, default=wire.DIGESTS[0])
    padding = one_of(wire.PADDINGS, default=wire.PADDINGS[0])
    encoding = one_of(wire.SIGNATURE_ENCODINGS, default=wire.SIGNATURE_ENCODINGS[0])
    allow_weak = flag(default=False)


class _File(Schema):
    class Meta:
        unknown = EXCLUDE

    url = text()
    active = flag(default=True)
    macro = text()
    json = flag(default=False)
    pre_call = flag(default=False)
    after_outbound = flag(default=False)
    retry = flag(default=True)
    wait_for_recording = flag(default=False)
    timeout = fields.Float(
        load_default=wire.ATTEMPT_TIMEOUT.total_seconds(),
        validate=validate.Range(
            0,
            wire.ATTEMPT_TIMEOUT.total_seconds(),
            min_inclusive=False,
            error=f"must be over 0 and at most {wire.ATTEMPT_TIMEOUT.total_seconds():g} (R3)",
        ),
        error_messages={"invalid": "is not a number of seconds", "special": "is not a number of seconds"},
    )
    signature = fields.Dict(
        load_default=dict, error_messages={"invalid": "is not a table; write [signature] and `key = ...` below it"}
    )


_FILE: Final = _File()
_SIGNATURE: Final = _Signature()
# The settings that say how it is sent, not where to, by whom, or whether.
SWITCHES: Final = {name: field for name, field in _FILE.fields.items() if name not in ("url", "active", "signature")}


def read_file(path: Path) -> dict[str, Any]:
    """The values of a settings file; its key's path is made relative to the file. Raises SettingsError."""
    values = toml(path)
    signature = values.get("signature")
    if isinstance(signature, dict) and isinstance(signature.get("key"), str):
        signature["key"] = str(path.parent / signature["key"])
    return values


def load(
    values: Mapping[str, Any], *, allow_http: bool = False, read_key: Callable[[Path], bytes] = Path.read_bytes
) -> Integration:
    """An integration from values named as in a settings file. Raises SettingsError with every mistake.

    `read_key` reads the file that holds the private key; it may raise OSError and KeyRejected.
    """
    problems: list[str] = []
    settings = typed(_FILE, values, "", problems)
    signature = typed(_SIGNATURE, settings["signature"], "signature.", problems)
    if settings["url"] is None:
        problems.append("url: is not set; give the endpoint's https URL")
    elif problem := url_problem(settings["url"], allow_http=allow_http):
        problems.append(f"url: {problem}")
    integration = Integration(
        url=settings["url"] or "",
        active=settings["active"],
        macro=_macro(settings["macro"], recording=settings["wait_for_recording"], problems=problems),
        encoding=wire.JSON if settings["json"] else wire.FORM,
        pre_call=settings["pre_call"],
        after_outbound=settings["after_outbound"],
        signer=_signer(
            signature,
            given=isinstance(values.get("signature"), Mapping),
            problems=problems,
            read_key=read_key,
        ),
        retry=settings["retry"],
        wait_for_recording=settings["wait_for_recording"],
        timeout=timedelta(seconds=settings["timeout"]),
    )
    if problems:
        raise SettingsError(problems)
    return integration


def load_signer(signature: Mapping[str, Any]) -> Signer | None:
    """The signer of values named as in a file's [signature]. Raises SettingsError with every mistake."""
    problems: list[str] = []
    signer = _signer(typed(_SIGNATURE, signature, "signature.", problems), given=True, problems=problems)
    if problems:
        raise SettingsError(problems)
    return signer


def load_profile(signature: Mapping[str, Any]) -> Profile:
    """How values named as in a file's [signature] sign, with whatever key. Raises SettingsError with every mistake."""
    problems: list[str] = []
    values = typed(_SIGNATURE, signature, "signature.", problems)
    if problems:
        raise SettingsError(problems)
    return Profile(values["digest"], values["padding"], values["encoding"])


def _macro(text: str | None, *, recording: bool, problems: list[str]) -> Macro:
    try:
        return macro.parse(text or wire.DEFAULT_MACRO, recording=recording)
    except MacroError as error:
        problems.extend(f"macro: {problem}" for problem in error.problems)
        return macro.parse(wire.DEFAULT_MACRO, recording=False)


def _signer(
    signature: Mapping[str, Any],
    *,
    given: bool,
    problems: list[str],
    read_key: Callable[[Path], bytes] = Path.read_bytes,
) -> Signer | None:
    if not given:
        return None
    if signature["key"] is None:
        problems.append("signature.key: is not set; name the private key (PEM) to sign with")
        return None
    try:
        return Signer(
            read_key(Path(signature["key"])),
            digest=signature["digest"],
            padding_scheme=signature["padding"],
            encoding=signature["encoding"],
            allow_weak=signature["allow_weak"],
        )
    except OSError as error:
        remedy = "name the private key (PEM) to sign with, or mint one with `sender-sim certs`"
        problems.append(f"signature.key: {signature['key']} cannot be read: {error.strerror}; {remedy}")
    except KeyRejected as error:
        problems.append(f"signature.key: {signature['key']} {error}")
    return None
