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

import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, cast

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from receiver import macro, wire
from receiver.macro import Macro, MacroError
from sender_sim.core.integration import Integration, url_problem
from sender_sim.core.sign import KeyRejected, Profile, Signer

__all__ = ["SettingsError", "load", "load_profile", "load_signer", "read_file"]


class SettingsError(ValueError):
    """Settings that cannot be used; `problems` holds every mistake, each with its place and remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def _one_of(choices: tuple[str, ...]) -> fields.String:
    return fields.String(
        load_default=choices[0], validate=validate.OneOf(choices, error="is none of " + ", ".join(choices))
    )


def _switch(*, default: bool) -> fields.Boolean:
    return fields.Boolean(load_default=default, pre_load=_true_or_false)


def _true_or_false(value: object) -> object:
    if not isinstance(value, bool):
        raise ValidationError("is neither true nor false")
    return value


class _Signature(Schema):
    class Meta:
        unknown = EXCLUDE

    key = fields.String(load_default=None, error_messages={"invalid": "is not text"})
    digest = _one_of(wire.DIGESTS)
    padding = _one_of(wire.PADDINGS)
    encoding = _one_of(wire.SIGNATURE_ENCODINGS)
    allow_weak = _switch(default=False)


class _File(Schema):
    class Meta:
        unknown = EXCLUDE

    url = fields.String(load_default=None, error_messages={"invalid": "is not text"})
    active = _switch(default=True)
    macro = fields.String(load_default=None, error_messages={"invalid": "is not text"})
    json = _switch(default=False)
    pre_call = _switch(default=False)
    after_outbound = _switch(default=False)
    retry = _switch(default=True)
    wait_for_recording = _switch(default=False)
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


def read_file(path: Path) -> dict[str, Any]:
    """The values of a settings file; its key's path is made relative to the file. Raises SettingsError."""
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError([f"{path} cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path} is not TOML: {error}"]) from None
    signature = values.get("signature")
    if isinstance(signature, dict) and isinstance(signature.get("key"), str):
        signature["key"] = str(path.parent / signature["key"])
    return values


def load(values: Mapping[str, Any], *, allow_http: bool = False) -> Integration:
    """An integration from values named as in a settings file. Raises SettingsError with every mistake."""
    problems: list[str] = []
    settings = _typed(_FILE, values, "", problems)
    signature = _typed(_SIGNATURE, settings["signature"], "signature.", problems)
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
        signer=_signer(signature, given=isinstance(values.get("signature"), Mapping), problems=problems),
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
    signer = _signer(_typed(_SIGNATURE, signature, "signature.", problems), given=True, problems=problems)
    if problems:
        raise SettingsError(problems)
    return signer


def load_profile(signature: Mapping[str, Any]) -> Profile:
    """How values named as in a file's [signature] sign, with whatever key. Raises SettingsError with every mistake."""
    problems: list[str] = []
    values = _typed(_SIGNATURE, signature, "signature.", problems)
    if problems:
        raise SettingsError(problems)
    return Profile(values["digest"], values["padding"], values["encoding"])


def _typed(schema: Schema, values: Mapping[str, Any], prefix: str, problems: list[str]) -> dict[str, Any]:
    """Values by name; what cannot be read counts as its default, so that the other mistakes are found too."""
    problems.extend(_misspelt(values, tuple(schema.load_fields), prefix))
    defaults = cast("dict[str, Any]", schema.load({}))
    try:
        return defaults | cast("dict[str, Any]", schema.load(values))
    except ValidationError as error:
        for name, messages in cast("dict[str, list[str]]", error.messages).items():
            problems.append(f"{prefix}{name}: {values[name]!r} {' and '.join(messages)}")
        return defaults | cast("dict[str, Any]", error.valid_data)


def _misspelt(values: Mapping[str, Any], known: tuple[str, ...], prefix: str) -> Iterator[str]:
    for name in values:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {prefix}{near[0]}?" if near else "known: " + ", ".join(known)
            yield f"{prefix}{name}: is not a setting; {hint}"


def _macro(text: str | None, *, recording: bool, problems: list[str]) -> Macro:
    try:
        return macro.parse(text or wire.DEFAULT_MACRO, recording=recording)
    except MacroError as error:
        problems.extend(f"macro: {problem}" for problem in error.problems)
        return macro.parse(wire.DEFAULT_MACRO, recording=False)


def _signer(signature: Mapping[str, Any], *, given: bool, problems: list[str]) -> Signer | None:
    if not given:
        return None
    if signature["key"] is None:
        problems.append("signature.key: is not set; name the private key (PEM) to sign with")
        return None
    try:
        return Signer(
            Path(signature["key"]).read_bytes(),
            digest=signature["digest"],
            padding_scheme=signature["padding"],
            encoding=signature["encoding"],
            allow_weak=signature["allow_weak"],
        )
    except OSError as error:
        problems.append(f"signature.key: {signature['key']} cannot be read: {error.strerror}")
    except KeyRejected as error:
        problems.append(f"signature.key: {signature['key']} {error}")
    return None
