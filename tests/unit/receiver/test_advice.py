"""What works but should be known: keys about to expire, SQLite with a bug, disks that do not last, anyone's data."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from receiver import app, config
from receiver.advice import advice
from receiver.errors import ConfigurationError, Problem
from receiver.signature import TrustedKey
from receiver.store import database
from tests.clock import NOON
from tests.openssl import KeyPair
from tests.unit.receiver.conftest import client

FIXED = (3, 51, 3)


@pytest.fixture(autouse=True)
def good_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "sqlite_version", lambda: FIXED)


def sentences(environ: Mapping[str, str], *keys: TrustedKey, now: datetime = NOON) -> list[str]:
    settings = config.load(environ, now=NOON)
    return list(advice(replace(settings, trusted_keys=keys) if keys else settings, now))


def problems(environ: Mapping[str, str]) -> list[Problem]:
    with pytest.raises(ConfigurationError) as error:
        config.load(environ, now=NOON)
    return list(error.value.problems)


def test_a_configuration_as_it_should_be_needs_no_advice(signed_environ: dict[str, str]) -> None:
    assert sentences(signed_environ) == []


def test_the_log_says_it_at_the_start_and_once_a_day_while_the_receiver_runs(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [NOON]
    monkeypatch.setattr(app, "utc_now", lambda: now[0])

    def told() -> int:
        return capsys.readouterr().err.count("unsigned requests are accepted")

    flask = client(environ)
    assert told() == 1
    for days, said in ((0, 0), (0.99, 0), (1, 1), (1.5, 0), (2.5, 1)):
        now[0] = NOON + timedelta(days=days)
        for _ in range(2):
            assert flask.get("/healthz").status_code == 200
        assert told() == said


def test_accepting_anyone_is_said(environ: dict[str, str]) -> None:
    assert sentences(environ) == ["unsigned requests are accepted, from anyone (KAISA_ACCEPT_UNSIGNED)"]


def test_a_key_is_warned_of_thirty_days_before_its_end_and_after(
    signed_environ: dict[str, str], trusted: tuple[TrustedKey, ...]
) -> None:
    end = NOON + timedelta(days=30)
    key = replace(trusted[0], name="kaisa.pem", not_after=end)
    named = f"kaisa.pem ({key.fingerprint[:16]})"
    assert sentences(signed_environ, key, now=NOON) == []
    assert sentences(signed_environ, key, now=NOON + timedelta(seconds=1)) == [
        f"{named} is trusted until {end:%Y-%m-%d %H:%M}Z only: get Kaisa's next key before"
    ]
    assert sentences(signed_environ, key, now=end + timedelta(seconds=1)) == [
        f"{named} has not been trusted since {end:%Y-%m-%d %H:%M}Z"
    ]


def test_what_was_weakened_on_purpose_is_said(signed_environ: dict[str, str], weak_key_pair: KeyPair) -> None:
    assert sentences(signed_environ | {"KAISA_SIGNATURE_DIGEST": "sha1"}) == [
        "signatures with SHA-1 are accepted (KAISA_SIGNATURE_DIGEST): ask Kaisa for SHA-256"
    ]
    weak = {"KAISA_TRUSTED_KEYS": str(weak_key_pair.public), "KAISA_ALLOW_WEAK_KEYS": "true"}
    assert sentences(signed_environ | weak) == [
        f"{weak_key_pair.public} has 1024 bits only (KAISA_ALLOW_WEAK_KEYS): ask Kaisa for a longer one"
    ]


@pytest.mark.parametrize(
    ("version", "bug"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 0), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 0), False),
    ],
)
def test_the_wal_reset_bug_is_known_by_version(version: tuple[int, int, int], bug: bool) -> None:
    assert database.has_wal_reset_bug(version) is bug


def test_an_sqlite_with_the_bug_is_said_with_the_way_out(
    signed_environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "sqlite_version", lambda: (3, 40, 1))
    (sentence,) = sentences(signed_environ)
    assert sentence.startswith("this machine's SQLite 3.40.1 has the WAL-reset bug")
    assert sentence.endswith("pip install pysqlite3, which brings its own, or use PostgreSQL")
    assert sentences(signed_environ | {"DATABASE_URL": "postgresql://host/name"}) == []


def test_a_password_that_crosses_the_network_in_clear_is_said(signed_environ: dict[str, str]) -> None:
    open_to_it = signed_environ | {"KAISA_INSPECT_PASSWORD": "correct horse battery"}
    (sentence,) = sentences(open_to_it)
    assert sentence.startswith("the inspector's password is asked for in clear (KAISA_INSPECT_PASSWORD)")
    assert sentences(open_to_it | {"KAISA_TRUSTED_PROXIES": "1"}) == []


def test_several_workers_on_sqlite_are_said_to_be_slower(signed_environ: dict[str, str]) -> None:
    assert sentences(signed_environ | {"WEB_CONCURRENCY": "2"}) == [
        "WEB_CONCURRENCY=2 on SQLite is slower than 1: writers wait for each other"
    ]


PLATFORMS = [
    "DYNO",
    "K_SERVICE",
    "VERCEL",
    "AWS_LAMBDA_FUNCTION_NAME",
    "RENDER",
    "FLY_APP_NAME",
    "RAILWAY_PROJECT_ID",
    "VCAP_APPLICATION",
]


@pytest.mark.parametrize("mark", PLATFORMS)
def test_a_file_on_a_disk_that_does_not_last_is_refused_unless_told_otherwise(
    environ: dict[str, str], mark: str
) -> None:
    (problem,) = problems(environ | {mark: "web.1"})
    assert problem.where == "DATABASE_URL"
    assert "does not outlive a restart" in problem.what
    assert problem.remedy.startswith("attach a PostgreSQL")
    config.load(environ | {mark: "web.1", "KAISA_ALLOW_EPHEMERAL_DISK": "true"}, now=NOON)
    config.load(environ | {mark: "web.1", "DATABASE_URL": "postgres://u:p@host/name"}, now=NOON)


@pytest.mark.parametrize(
    "url", ["postgres://u:p@host/name", "postgresql://u:p@host/name", "postgresql+psycopg://u:p@host/name"]
)
def test_postgresql_is_spelt_as_platforms_do(url: str) -> None:
    assert list(database.problems(url)) == []
    assert database.normalised(url).render_as_string(hide_password=False) == "postgresql+psycopg://u:p@host/name"


@pytest.mark.parametrize("url", ["mysql://host/name", "postgresql+psycopg2://host/name"])
def test_another_database_is_refused_by_name(url: str) -> None:
    (problem,) = database.problems(url)
    assert problem.what == f"{url.partition(':')[0]} is neither SQLite nor PostgreSQL through psycopg"


def test_trust_in_a_key_can_be_limited_in_time(environ: dict[str, str], key_pair: KeyPair) -> None:
    del environ["KAISA_ACCEPT_UNSIGNED"]
    until = NOON + timedelta(days=1)
    place = f"{key_pair.public};from=2020-01-01;until={until:%Y-%m-%dT%H:%M}"
    (key,) = config.load(environ | {"KAISA_TRUSTED_KEYS": place}, now=NOON).trusted_keys
    assert key.not_before is not None
    assert key.not_before.isoformat() == "2020-01-01T00:00:00+00:00"
    assert key.valid_at(until)
    assert not key.valid_at(until + timedelta(seconds=1))


def test_a_limit_does_not_outlive_the_certificate(
    environ: dict[str, str], key_pair: KeyPair, tmp_path_factory: pytest.TempPathFactory
) -> None:
    del environ["KAISA_ACCEPT_UNSIGNED"]
    certificate = key_pair.certificate(tmp_path_factory.mktemp("cert") / "kaisa.pem", days=3)
    now = datetime.now(NOON.tzinfo)
    place = f"{certificate};from=2020-01-01;until=2999-01-01"
    (limited,) = config.load(environ | {"KAISA_TRUSTED_KEYS": place}, now=now).trusted_keys
    (bare,) = config.load(environ | {"KAISA_TRUSTED_KEYS": str(certificate)}, now=now).trusted_keys
    assert (limited.not_before, limited.not_after) == (bare.not_before, bare.not_after)


@pytest.mark.parametrize("option", ["until=tomorrow", "till=2026-01-01", "until", ""])
def test_a_limit_that_cannot_be_read_is_told(environ: dict[str, str], key_pair: KeyPair, option: str) -> None:
    del environ["KAISA_ACCEPT_UNSIGNED"]
    (problem,) = problems(environ | {"KAISA_TRUSTED_KEYS": f"{key_pair.public};{option}"})
    assert problem.what == f"{option!r} in {f'{key_pair.public};{option}'!r} is no limit in time"
    assert problem.remedy == "write FILE;from=2026-01-31;until=2026-02-28T12:00, times in UTC"
