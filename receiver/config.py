"""Environment -> frozen `Settings`. Every mistake is reported at once, with what to change.

The one list of settings is `_Environment`: `receiver check --list` and docs/settings.md are made from it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, cast

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from receiver import keys, macro, signature, tls, wire
from receiver.errors import ConfigurationError, Problem
from receiver.macro import Macro, MacroError
from receiver.signature import Profile, TrustedKey
from receiver.store import database
from receiver.store.records import JobSettings, RefusalLimits

__all__ = ["RESERVED_PATHS", "Setting", "Settings", "database_url", "listing", "load"]

_PREFIX: Final = "KAISA_"
# How alike (of 1) a name is to a setting's when it is taken for a slip; one that is less alike is the customer's own.
_NEAR: Final = 0.8
_PATIENCE: Final = wire.ATTEMPT_TIMEOUT.total_seconds()

# Paths with a use of their own (app.py).
RESERVED_PATHS: Final = ("/healthz", "/inspect", "/metrics", "/readyz")
_PASSWORD_LENGTH: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the receiver runs with. Secrets stay out of its repr."""

    database_url: str = field(repr=False)
    port: int
    workers: int
    threads: int
    webhook_path: str
    trusted_keys: tuple[TrustedKey, ...]
    profile: Profile
    macro: Macro
    handlers: str
    handler_budget: timedelta
    read_timeout: timedelta
    max_body: int
    refusals: RefusalLimits
    jobs: JobSettings
    trusted_proxies: int
    metrics_token: str = field(repr=False)
    inspect_password: str = field(repr=False)
    tls_cert: Path | None
    tls_key: Path | None


@dataclass(frozen=True, slots=True)
class Setting:
    """A line of the list of settings."""

    name: str
    default: str
    meaning: str


def _one_of(choices: Sequence[str]) -> validate.OneOf:
    return validate.OneOf(choices, error="is none of " + ", ".join(choices))


def _text(default: str, meaning: str, **options: Any) -> fields.String:
    return fields.String(load_default=default, metadata={"meaning": meaning}, **options)


def _whole(default: int, meaning: str, low: int, high: int) -> fields.Integer:
    return fields.Integer(
        load_default=default,
        metadata={"meaning": meaning},
        validate=validate.Range(low, high, error=f"must be from {low} to {high}"),
        error_messages={"invalid": "is not a whole number"},
    )


def _seconds(default: float, meaning: str, *, below: float) -> fields.Float:
    error = f"must be over 0 and under {below:g} seconds"
    return fields.Float(
        load_default=default,
        metadata={"meaning": meaning},
        validate=validate.Range(0, below, min_inclusive=False, max_inclusive=False, error=error),
        error_messages=dict.fromkeys(("invalid", "special", "too_large"), "is not a number of seconds"),
    )


def _flag(meaning: str) -> fields.Boolean:
    return fields.Boolean(
        load_default=False, metadata={"meaning": meaning}, error_messages={"invalid": "is neither true nor false"}
    )


class _Environment(Schema):
    """The environment variables, in the order they are listed."""

    class Meta:
        unknown = EXCLUDE

    DATABASE_URL = _text(
        "sqlite:///kaisa-webhook.sqlite3",
        "where deliveries are stored: sqlite:///relative, sqlite:////absolute or postgresql://...",
    )
    KAISA_ALLOW_EPHEMERAL_DISK = _flag("use SQLite on a platform whose disk is known not to outlive a restart")
    PORT = _whole(8000, "the port to listen on", 0, 65_535)
    WEB_CONCURRENCY = _whole(1, "gunicorn workers; SQLite is fastest with one", 1, 64)
    KAISA_THREADS = _whole(16, "threads of each worker: how many requests it has in hand at once", 1, 256)
    KAISA_WEBHOOK_PATH = _text("/webhook", "the path Kaisa posts to")
    KAISA_TRUSTED_KEYS = _text(
        "",
        "Kaisa's public keys: PEM files (public keys, X.509 certificates) or folders of them, separated by commas; "
        "`old.pem;until=2026-02-28` ends the trust in one",
    )
    KAISA_ACCEPT_UNSIGNED = _flag("accept requests without a signature, from anyone; only without trusted keys")
    KAISA_ALLOW_WEAK_KEYS = _flag(f"trust RSA keys of fewer than {wire.MIN_RSA_BITS} bits")
    KAISA_SIGNATURE_DIGEST = _text(
        wire.DIGESTS[0], "digest of the signatures: " + ", ".join(wire.DIGESTS), validate=_one_of(wire.DIGESTS)
    )
    KAISA_SIGNATURE_PADDING = _text(
        wire.PADDINGS[0], "padding of the signatures: " + ", ".join(wire.PADDINGS), validate=_one_of(wire.PADDINGS)
    )
    KAISA_SIGNATURE_ENCODING = _text(
        wire.SIGNATURE_ENCODINGS[0],
        "encoding of the signatures: " + ", ".join(wire.SIGNATURE_ENCODINGS),
        validate=_one_of(wire.SIGNATURE_ENCODINGS),
    )
    KAISA_MACRO = _text("", "the macro as it stands in Kaisa's Setup; empty: Kaisa's default macro")
    KAISA_HANDLERS = _text(
        "receiver.handlers", "the module with your handlers, found from the folder the receiver is started in"
    )
    KAISA_HANDLER_BUDGET = _seconds(15, "seconds a request waits for its handler; under Kaisa's 20", below=_PATIENCE)
    KAISA_READ_TIMEOUT = _seconds(
        10,
        "seconds a client has to send a request: TLS handshake, headers and body together; then it is cut off",
        below=_PATIENCE,
    )
    KAISA_MAX_BODY = _whole(1_048_576, "bytes a request's body may have", 1_024, 64 * 1_048_576)
    KAISA_REFUSALS_KEPT = _whole(1_000, "how many refused requests are kept to look at", 0, 1_000_000)
    KAISA_REFUSALS_BYTES = _whole(16 * 1_048_576, "bytes of refused bodies that are kept", 0, 2**40)
    KAISA_JOB_CONCURRENCY = _whole(16, "background handlers a worker runs at once", 1, 256)
    KAISA_JOB_RETRIES = _whole(20, "how often a background handler that raised is tried again", 0, 1_000)
    KAISA_JOB_BACKOFF = _seconds(
        10,
        "seconds before the first of these; each waits twice as long as the one before, up to an hour",
        below=3600,
    )
    KAISA_TRUSTED_PROXIES = _whole(0, "proxies in front whose X-Forwarded-* headers are believed", 0, 10)
    KAISA_METRICS_TOKEN = _text("", "what `/metrics` asks for, as `Authorization: Bearer ...`; empty: no `/metrics`")
    KAISA_INSPECT_PASSWORD = _text(
        "",
        f"opens the inspector at `/inspect` to whoever knows it: {_PASSWORD_LENGTH} characters or more; "
        "empty: no `/inspect`",
    )
    KAISA_TLS_CERT = _text("", "certificate chain (PEM) to serve TLS with; empty: a proxy in front terminates TLS")
    KAISA_TLS_KEY = _text("", "private key (PEM) of KAISA_TLS_CERT")


_SCHEMA: Final = _Environment()


def listing() -> tuple[Setting, ...]:
    """Every setting with its default and meaning."""
    return tuple(
        Setting(name, _shown(declared.load_default), declared.metadata["meaning"])
        for name, declared in _SCHEMA.load_fields.items()
    )


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)


def load(environ: Mapping[str, str], *, now: datetime) -> Settings:
    """Read settings and the files they name. Raises ConfigurationError with every mistake. `now` is aware."""
    problems: list[Problem] = [*_misspelt(environ)]
    values = _typed(environ, problems)
    profile = Profile(
        values["KAISA_SIGNATURE_DIGEST"], values["KAISA_SIGNATURE_PADDING"], values["KAISA_SIGNATURE_ENCODING"]
    )
    settings = Settings(
        database_url=values["DATABASE_URL"],
        port=values["PORT"],
        workers=values["WEB_CONCURRENCY"],
        threads=values["KAISA_THREADS"],
        webhook_path=values["KAISA_WEBHOOK_PATH"],
        trusted_keys=keys.read_all(
            values["KAISA_TRUSTED_KEYS"], allow_weak=values["KAISA_ALLOW_WEAK_KEYS"], problems=problems
        ),
        profile=profile,
        macro=_macro(values["KAISA_MACRO"], problems),
        handlers=values["KAISA_HANDLERS"],
        handler_budget=timedelta(seconds=values["KAISA_HANDLER_BUDGET"]),
        read_timeout=timedelta(seconds=values["KAISA_READ_TIMEOUT"]),
        max_body=values["KAISA_MAX_BODY"],
        refusals=RefusalLimits(values["KAISA_REFUSALS_KEPT"], values["KAISA_REFUSALS_BYTES"]),
        jobs=JobSettings(
            values["KAISA_JOB_CONCURRENCY"],
            values["KAISA_JOB_RETRIES"],
            timedelta(seconds=values["KAISA_JOB_BACKOFF"]),
        ),
        trusted_proxies=values["KAISA_TRUSTED_PROXIES"],
        metrics_token=values["KAISA_METRICS_TOKEN"],
        inspect_password=values["KAISA_INSPECT_PASSWORD"],
        tls_cert=_path(values["KAISA_TLS_CERT"]),
        tls_key=_path(values["KAISA_TLS_KEY"]),
    )
    problems.extend(database.problems(settings.database_url))
    if not values["KAISA_ALLOW_EPHEMERAL_DISK"]:
        problems.extend(database.ephemeral_problems(settings.database_url, environ))
    problems.extend(_path_problems(settings.webhook_path))
    problems.extend(_password_problems(settings.inspect_password))
    problems.extend(tls.problems(settings.tls_cert, settings.tls_key))
    given = bool(values["KAISA_TRUSTED_KEYS"].replace(",", "").strip())
    problems.extend(_trust_problems(settings, now, given=given, unsigned=values["KAISA_ACCEPT_UNSIGNED"]))
    if problems:
        raise ConfigurationError(problems)
    return settings


def _typed(environ: Mapping[str, str], problems: list[Problem]) -> dict[str, Any]:
    """Values by name; what cannot be read counts as its default, so that the other mistakes are found too."""
    given = {name: value for name, value in environ.items() if value != ""}
    defaults = cast("dict[str, Any]", _SCHEMA.load({}))
    try:
        return defaults | cast("dict[str, Any]", _SCHEMA.load(given))
    except ValidationError as error:
        for name, messages in cast("dict[str, list[str]]", error.messages).items():
            declared = _SCHEMA.load_fields[name]
            remedy = f"meaning: {declared.metadata['meaning']}; default: {_shown(declared.load_default)}"
            problems.append(Problem(name, f"{given[name]!r} {' and '.join(messages)}", remedy))
        return defaults | cast("dict[str, Any]", error.valid_data)


def _misspelt(environ: Mapping[str, str]) -> Iterator[Problem]:
    """Names that are nearly a setting's; handlers may have KAISA_ variables of their own."""
    known = {name.removeprefix(_PREFIX): name for name in _SCHEMA.load_fields}
    for name in environ:
        if name.startswith(_PREFIX) and name not in known.values():
            for near in get_close_matches(name.removeprefix(_PREFIX), known, n=1, cutoff=_NEAR):
                yield Problem(name, "is not a setting", f"did you mean {known[near]}?")


def _macro(text: str, problems: list[Problem]) -> Macro:
    default = macro.parse(wire.DEFAULT_MACRO, recording=False)
    if not text:
        return default
    try:
        return macro.parse(text, recording=True)
    except MacroError as error:
        remedy = "copy the macro from Kaisa's Setup as it stands there"
        problems.extend(Problem("KAISA_MACRO", str(problem), remedy) for problem in error.problems)
        return default


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _path_problems(path: str) -> Iterator[Problem]:
    if not re.fullmatch(r"/(?!/)[A-Za-z0-9._~/-]*", path):  # "//x" would be a host, not a path
        yield Problem("KAISA_WEBHOOK_PATH", f"{path!r} is not a path", "write letters, digits and -._~ after a slash")
    elif path in RESERVED_PATHS or path.startswith("/inspect/"):
        yield Problem("KAISA_WEBHOOK_PATH", f"{path} has another use here", "choose another path, such as /webhook")


def _password_problems(password: str) -> Iterator[Problem]:
    if password and len(password) < _PASSWORD_LENGTH:  # a problem never shows it
        what = f"has {len(password)} characters: so few are guessed"
        remedy = f"use {_PASSWORD_LENGTH} or more, such as `openssl rand -base64 18` makes"
        yield Problem("KAISA_INSPECT_PASSWORD", what, remedy)


def _trust_problems(settings: Settings, now: datetime, *, given: bool, unsigned: bool) -> Iterator[Problem]:
    where = "KAISA_TRUSTED_KEYS"
    if not given and not unsigned:
        yield Problem(
            where,
            "is not set, and unsigned requests are not accepted",
            "name the file with Kaisa's public key; or, to accept anyone's data, set KAISA_ACCEPT_UNSIGNED=true",
        )
    if given and unsigned:
        what = "is set while keys are trusted: an unsigned request would not be accepted anyway"
        yield Problem("KAISA_ACCEPT_UNSIGNED", what, f"unset it, or unset {where}")
    trusted = settings.trusted_keys
    if trusted and not any(key.valid_at(now) for key in trusted):
        spans = ", ".join(f"{key.name} until {key.not_after}" for key in trusted)
        yield Problem(where, f"holds no key that is valid now: {spans}", "add Kaisa's current key or certificate")
    if trusted and not signature.supported(settings.profile, trusted[0]):
        what = f"this host's OpenSSL does not verify {settings.profile}"
        yield Problem("KAISA_SIGNATURE_DIGEST", what, "use another digest, or allow this one in OpenSSL's settings")


def database_url(environ: Mapping[str, str]) -> str:
    """The store's URL alone, for commands that only look at it. Raises ConfigurationError."""
    url = environ.get("DATABASE_URL") or str(_SCHEMA.load_fields["DATABASE_URL"].load_default)
    if problems := tuple(database.problems(url)):
        raise ConfigurationError(problems)
    return url
