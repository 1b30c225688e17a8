"""What works, but should be known: said by `receiver check`, and by the log at each start and once a day."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from receiver import wire
from receiver.config import Settings
from receiver.store import database

__all__ = ["advice"]

_EXPIRES_SOON: Final = timedelta(days=30)


def advice(settings: Settings, now: datetime) -> Iterator[str]:
    """One sentence for each thing that should be known; none where all is as it should be."""
    if not settings.trusted_keys:
        yield "unsigned requests are accepted, from anyone (KAISA_ACCEPT_UNSIGNED)"
    if settings.trusted_keys and settings.profile.digest == "sha1":
        yield "signatures with SHA-1 are accepted (KAISA_SIGNATURE_DIGEST): ask Kaisa for SHA-256"
    for key in settings.trusted_keys:
        if key.public_key.key_size < wire.MIN_RSA_BITS:
            bits = f"{key.public_key.key_size} bits only (KAISA_ALLOW_WEAK_KEYS)"
            yield f"{key.name} has {bits}: ask Kaisa for a longer one"
        if key.not_after and key.not_after < now:
            yield f"{key.name} ({key.fingerprint[:16]}) has not been trusted since {key.not_after:%Y-%m-%d %H:%M}Z"
        elif key.not_after and key.not_after < now + _EXPIRES_SOON:
            ends = f"{key.not_after:%Y-%m-%d %H:%M}Z"
            yield f"{key.name} ({key.fingerprint[:16]}) is trusted until {ends} only: get Kaisa's next key before"
    yield from _inspector_advice(settings)
    if database.normalised(settings.database_url).get_backend_name() == "sqlite":
        yield from _sqlite_advice(settings)


def _inspector_advice(settings: Settings) -> Iterator[str]:
    if settings.inspect_password and not (settings.tls_cert or settings.trusted_proxies):
        yield (
            "the inspector's password is asked for in clear (KAISA_INSPECT_PASSWORD): serve TLS (KAISA_TLS_CERT), or "
            "name the proxies that do (KAISA_TRUSTED_PROXIES)"
        )


def _sqlite_advice(settings: Settings) -> Iterator[str]:
    version = database.sqlite_version()
    if database.has_wal_reset_bug(version):
        shown = ".".join(map(str, version))
        yield (
            f"this machine's SQLite {shown} has the WAL-reset bug (3.7.0 to 3.51.2), which in rare cases corrupts a "
            "database that several connections write: pip install pysqlite3, which brings its own, or use PostgreSQL"
        )
    if settings.workers > 1:
        yield f"WEB_CONCURRENCY={settings.workers} on SQLite is slower than 1: writers wait for each other"
