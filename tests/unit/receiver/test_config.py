"""Environment -> settings: what is read, and every mistake with its place and its remedy."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from receiver import config, signature, wire
from receiver.config import Settings
from receiver.errors import ConfigurationError
from receiver.signature import Profile
from receiver.store.records import RefusalLimits
from tests.clock import NOON
from tests.openssl import KeyPair

UNSIGNED = {"KAISA_ACCEPT_UNSIGNED": "true"}


def load(environ: Mapping[str, str], *, now: datetime = NOON) -> Settings:
    return config.load(environ, now=now)


def told(environ: Mapping[str, str], *, now: datetime = NOON) -> str:
    """The text of the error."""
    with pytest.raises(ConfigurationError) as raised:
        load(environ, now=now)
    return str(raised.value)


def places(environ: Mapping[str, str]) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        load(environ)
    return [problem.where for problem in raised.value.problems]


def test_the_defaults_are_the_documented_ones() -> None:
    settings = load(UNSIGNED)
    assert settings.database_url == "sqlite:///kaisa-webhook.sqlite3"
    assert (settings.port, settings.workers, settings.threads) == (8000, 1, 16)
    assert settings.webhook_path == "/webhook"
    assert settings.trusted_keys == ()
    assert settings.profile == Profile("sha256", "pkcs1v15", "base64")
    assert settings.macro.text == wire.DEFAULT_MACRO
    assert settings.handlers == "receiver.handlers"
    assert settings.handler_budget == timedelta(seconds=15)
    assert settings.read_timeout == timedelta(seconds=10)
    assert settings.max_body == 1_048_576
    assert settings.refusals == RefusalLimits(1_000, 16 * 1_048_576)
    assert settings.trusted_proxies == 0
    assert (settings.tls_cert, settings.tls_key) == (None, None)


def test_every_setting_can_be_set(key_pair: KeyPair, tmp_path: Path) -> None:
    certificate = key_pair.certificate(tmp_path / "server.crt")
    settings = load(
        {
            "DATABASE_URL": "sqlite:////var/lib/kaisa.sqlite3",
            "PORT": "0",
            "WEB_CONCURRENCY": "2",
            "KAISA_THREADS": "256",
            "KAISA_WEBHOOK_PATH": "/kaisa/v1.0/~hook_-",
            "KAISA_TRUSTED_KEYS": str(key_pair.public),
            "KAISA_SIGNATURE_DIGEST": "sha512",
            "KAISA_SIGNATURE_PADDING": "pss",
            "KAISA_SIGNATURE_ENCODING": "hex",
            "KAISA_MACRO": "call={id}&rec={recording_id}",
            "KAISA_HANDLERS": "my.handlers",
            "KAISA_HANDLER_BUDGET": "0.5",
            "KAISA_MAX_BODY": "1024",
            "KAISA_REFUSALS_KEPT": "0",
            "KAISA_REFUSALS_BYTES": "0",
            "KAISA_TRUSTED_PROXIES": "1",
            "KAISA_INSPECT_PASSWORD": "correct horse battery",
            "KAISA_TLS_CERT": str(certificate),
            "KAISA_TLS_KEY": str(key_pair.private),
            "UNRELATED": "left alone",
        }
    )
    assert settings.database_url == "sqlite:////var/lib/kaisa.sqlite3"
    assert (settings.port, settings.workers, settings.threads) == (0, 2, 256)
    assert settings.webhook_path == "/kaisa/v1.0/~hook_-"
    assert [key.name for key in settings.trusted_keys] == [str(key_pair.public)]
    assert settings.profile == Profile("sha512", "pss", "hex")
    assert settings.macro.fields == {"id", "recording_id"}
    assert settings.handlers == "my.handlers"
    assert settings.handler_budget == timedelta(seconds=0.5)
    assert settings.max_body == 1024
    assert settings.refusals == RefusalLimits(0, 0)
    assert settings.trusted_proxies == 1
    assert (settings.tls_cert, settings.tls_key) == (certificate, key_pair.private)


def test_the_inspectors_password_is_long_enough_and_shown_nowhere() -> None:
    assert load(UNSIGNED).inspect_password == ""
    long_enough = load({**UNSIGNED, "KAISA_INSPECT_PASSWORD": "hunter2hunte"})
    assert long_enough.inspect_password == "hunter2hunte"  # noqa: S105 - of this test alone
    assert "hunter2" not in repr(long_enough)
    problem = told({**UNSIGNED, "KAISA_INSPECT_PASSWORD": "hunter2hunt"})
    assert problem.startswith("KAISA_INSPECT_PASSWORD: has 11 characters: so few are guessed\n    -> use 12 or more")
    assert "hunter2" not in problem


@pytest.mark.parametrize("path", ["/inspect", "/inspect/", "/inspect/hook"])
def test_the_inspectors_paths_are_taken(path: str) -> None:
    assert f"{path} has another use here" in told({**UNSIGNED, "KAISA_WEBHOOK_PATH": path})
    assert load({**UNSIGNED, "KAISA_WEBHOOK_PATH": "/inspector"}).webhook_path == "/inspector"


def test_an_empty_setting_counts_as_not_set() -> None:
    assert load({**dict.fromkeys((setting.name for setting in config.listing()), ""), **UNSIGNED}) == load(UNSIGNED)


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("PORT", "web", "'web' is not a whole number"),
        ("PORT", "80.5", "'80.5' is not a whole number"),
        ("PORT", "65536", "'65536' must be from 0 to 65535"),
        ("WEB_CONCURRENCY", "0", "'0' must be from 1 to 64"),
        ("KAISA_THREADS", "257", "'257' must be from 1 to 256"),
        ("KAISA_ACCEPT_UNSIGNED", "perhaps", "'perhaps' is neither true nor false"),
        ("KAISA_ALLOW_WEAK_KEYS", "2", "'2' is neither true nor false"),
        ("KAISA_SIGNATURE_DIGEST", "md5", "'md5' is none of sha256, sha384, sha512, sha1"),
        ("KAISA_SIGNATURE_PADDING", "PSS", "'PSS' is none of pkcs1v15, pss"),
        ("KAISA_SIGNATURE_ENCODING", "b64", "'b64' is none of base64, base64url, hex"),
        ("KAISA_HANDLER_BUDGET", "0", "'0' must be over 0 and under 20 seconds"),
        ("KAISA_HANDLER_BUDGET", "20", "'20' must be over 0 and under 20 seconds"),
        ("KAISA_HANDLER_BUDGET", "long", "'long' is not a number of seconds"),
        ("KAISA_HANDLER_BUDGET", "nan", "'nan' is not a number of seconds"),
        ("KAISA_HANDLER_BUDGET", "1e999", "'1e999' is not a number of seconds"),
        ("KAISA_MAX_BODY", "1023", "'1023' must be from 1024 to 67108864"),
        ("KAISA_REFUSALS_KEPT", "-1", "'-1' must be from 0 to 1000000"),
        ("KAISA_REFUSALS_BYTES", "many", "'many' is not a whole number"),
        ("KAISA_TRUSTED_PROXIES", "11", "'11' must be from 0 to 10"),
    ],
)
def test_a_value_that_cannot_be_is_told_with_its_meaning_and_default(name: str, value: str, what: str) -> None:
    setting = {setting.name: setting for setting in config.listing()}[name]
    remedy = f"meaning: {setting.meaning}; default: {setting.default}"
    assert f"{name}: {what}\n    -> {remedy}" in told({**UNSIGNED, name: value})


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("kaisa.sqlite3", "is not a database URL"),
        ("postgresql://kaisa@db:port/kaisa", "is not a database URL"),
        ("mysql://kaisa@db/kaisa", "mysql is neither SQLite nor PostgreSQL through psycopg"),
        ("sqlite+aiosqlite:///kaisa.sqlite3", "names a driver or a host, which a file has no use for"),
        ("sqlite+typo:///kaisa.sqlite3", "names a driver or a host, which a file has no use for"),
        ("sqlite://kaisa.sqlite3/x", "names a driver or a host, which a file has no use for"),
        ("sqlite://", "names a database in memory: what was answered 200 would be lost"),
        ("sqlite:///", "names a database in memory: what was answered 200 would be lost"),
        ("sqlite:///:memory:", "names a database in memory: what was answered 200 would be lost"),
        ("sqlite:///file::memory:?uri=true", "names a database in memory: what was answered 200 would be lost"),
        ("sqlite:///file:x?mode=memory&uri=true", "names a database in memory: what was answered 200 would be lost"),
    ],
)
def test_a_database_that_cannot_hold_deliveries_is_refused(url: str, what: str) -> None:
    remedy = (
        "write sqlite:///relative.sqlite3, sqlite:////absolute/path.sqlite3 or postgresql://user:password@host/name"
    )
    assert told({**UNSIGNED, "DATABASE_URL": url}) == f"DATABASE_URL: {what}\n    -> {remedy}"
    with pytest.raises(ConfigurationError, match=r"^DATABASE_URL: "):
        config.database_url({"DATABASE_URL": url})


def test_the_database_alone_can_be_asked_for() -> None:
    assert config.database_url({}) == "sqlite:///kaisa-webhook.sqlite3"
    assert config.database_url({"DATABASE_URL": ""}) == "sqlite:///kaisa-webhook.sqlite3"
    assert config.database_url({"DATABASE_URL": "sqlite:///x.db", "PORT": "wrong"}) == "sqlite:///x.db"


@pytest.mark.parametrize("path", ["webhook", "/a b", "/<id>", "/ä", "/a?b"])
def test_a_webhook_path_that_is_no_path_is_refused(path: str) -> None:
    assert told({**UNSIGNED, "KAISA_WEBHOOK_PATH": path}) == (
        f"KAISA_WEBHOOK_PATH: {path!r} is not a path\n    -> write letters, digits and -._~ after a slash"
    )


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_webhook_path_with_another_use_is_refused(path: str) -> None:
    assert told({**UNSIGNED, "KAISA_WEBHOOK_PATH": path}) == (
        f"KAISA_WEBHOOK_PATH: {path} has another use here\n    -> choose another path, such as /webhook"
    )


def test_a_macro_mistake_shows_its_place() -> None:
    assert told({**UNSIGNED, "KAISA_MACRO": "id={id}&x={chanel}"}) == (
        "KAISA_MACRO: line 1, column 11: unknown macro {chanel}; did you mean {channel}?\n"
        "  id={id}&x={chanel}\n"
        "            ^^^^^^^^\n"
        "    -> copy the macro from Kaisa's Setup as it stands there"
    )


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("KAISA_TRUSTED_KEY", "did you mean KAISA_TRUSTED_KEYS?"),
        ("KAISA_ACCEPT_UNSINGED", "did you mean KAISA_ACCEPT_UNSIGNED?"),
    ],
)
def test_a_misspelt_name_is_told_with_the_nearest_one(name: str, remedy: str) -> None:
    assert told({**UNSIGNED, name: ""}) == f"{name}: is not a setting\n    -> {remedy}"


def test_neither_keys_nor_consent_is_refused() -> None:
    assert told({}) == (
        "KAISA_TRUSTED_KEYS: is not set, and unsigned requests are not accepted\n"
        "    -> name the file with Kaisa's public key; or, to accept anyone's data, set KAISA_ACCEPT_UNSIGNED=true"
    )


@pytest.mark.parametrize("value", [",", " , ", " ", ",,\n,\t", "\v,\u2003"])
def test_a_list_of_keys_that_names_none_is_no_list_of_keys(value: str) -> None:
    assert told({"KAISA_TRUSTED_KEYS": value}) == told({})
    assert load({**UNSIGNED, "KAISA_TRUSTED_KEYS": value}).trusted_keys == ()


def test_keys_and_consent_together_are_refused(key_pair: KeyPair) -> None:
    assert told({**UNSIGNED, "KAISA_TRUSTED_KEYS": str(key_pair.public)}) == (
        "KAISA_ACCEPT_UNSIGNED: is set while keys are trusted: an unsigned request would not be accepted anyway\n"
        "    -> unset it, or unset KAISA_TRUSTED_KEYS"
    )


def test_keys_that_are_all_outside_their_validity_are_refused(key_pair: KeyPair, tmp_path: Path) -> None:
    path = key_pair.certificate(tmp_path / "old.crt", days=1)
    after = datetime(2200, 1, 1, tzinfo=UTC)
    (key,) = signature.read_pem(str(path), path.read_bytes())
    assert told({"KAISA_TRUSTED_KEYS": str(path)}, now=after) == (
        f"KAISA_TRUSTED_KEYS: holds no key that is valid now: {path} until {key.not_after}\n"
        "    -> add Kaisa's current key or certificate"
    )
    both = load({"KAISA_TRUSTED_KEYS": f"{path},{key_pair.public}"}, now=after)
    assert [trusted.name for trusted in both.trusted_keys] == [str(path), str(key_pair.public)]


def test_a_digest_that_this_host_forbids_is_refused(key_pair: KeyPair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signature, "supported", lambda profile, _: profile.digest != "sha1")
    environ = {"KAISA_TRUSTED_KEYS": str(key_pair.public)}
    assert told({**environ, "KAISA_SIGNATURE_DIGEST": "sha1"}) == (
        "KAISA_SIGNATURE_DIGEST: this host's OpenSSL does not verify pkcs1v15, sha1, base64\n"
        "    -> use another digest, or allow this one in OpenSSL's settings"
    )
    assert load(environ).profile.digest == "sha256"


def test_tls_files_that_cannot_be_used_are_mistakes_of_the_configuration(key_pair: KeyPair, tmp_path: Path) -> None:
    certificate = key_pair.certificate(tmp_path / "server.crt")
    environ = {**UNSIGNED, "KAISA_TLS_CERT": str(certificate), "KAISA_TLS_KEY": str(key_pair.public)}
    assert told(environ) == (
        f"KAISA_TLS_KEY: {key_pair.public} is not an unencrypted PEM private key\n"
        "    -> name a file with an unencrypted PEM private key"
    )


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    environ = {
        "KAISA_PORT": "1",
        "PORT": "x",
        "KAISA_SIGNATURE_DIGEST": "md5",
        "KAISA_TRUSTED_KEYS": str(tmp_path / "none.pem"),
        "KAISA_MACRO": "x={y}&z",
        "DATABASE_URL": "sqlite://",
        "KAISA_WEBHOOK_PATH": "/healthz",
        "KAISA_TLS_KEY": "x",
        "KAISA_ACCEPT_UNSIGNED": "true",
    }
    assert places(environ) == [
        *("KAISA_PORT", "PORT", "KAISA_SIGNATURE_DIGEST", "KAISA_TRUSTED_KEYS", "KAISA_MACRO", "KAISA_MACRO"),
        *("DATABASE_URL", "KAISA_WEBHOOK_PATH", "KAISA_TLS_CERT", "KAISA_ACCEPT_UNSIGNED"),
    ]


def test_the_list_of_settings_has_a_default_and_a_meaning_for_each() -> None:
    listed = config.listing()
    defaults = {setting.name: setting.default for setting in listed}
    assert defaults["PORT"] == "8000"
    assert defaults["KAISA_ACCEPT_UNSIGNED"] == "false"
    assert defaults["KAISA_HANDLER_BUDGET"] == "15"
    assert defaults["KAISA_TRUSTED_KEYS"] == ""
    assert len(defaults) == len(listed) == 27
    assert all(setting.meaning for setting in listed)
    assert load(UNSIGNED) == load({**defaults, **UNSIGNED}), "the defaults that are listed are the ones that count"


def test_the_settings_hide_the_database_and_its_password_from_their_repr() -> None:
    assert "sqlite" not in repr(load(UNSIGNED))
