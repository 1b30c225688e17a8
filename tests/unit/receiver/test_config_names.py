"""Near misses of settings, paths and database URLs that would go wrong later: told at start, and nothing else is."""

from datetime import timedelta

import pytest

from receiver import config
from receiver.errors import ConfigurationError
from tests.calls import FORM, POST_CALL, form
from tests.clock import NOON
from tests.unit.receiver.conftest import client

UNSIGNED = {"KAISA_ACCEPT_UNSIGNED": "true"}


def told(**environ: str) -> str:
    with pytest.raises(ConfigurationError) as raised:
        config.load({**UNSIGNED, **environ}, now=NOON)
    return str(raised.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("KAISA_TRUSTED_KEY", "KAISA_TRUSTED_KEYS"),
        ("KAISA_MACROS", "KAISA_MACRO"),
        ("KAISA_HANDLER", "KAISA_HANDLERS"),
        ("KAISA_TRUSTED_PROXY", "KAISA_TRUSTED_PROXIES"),
        ("KAISA_PORT", "PORT"),
        ("KAISA_DATABASE_URL", "DATABASE_URL"),
    ],
)
def test_a_near_miss_of_a_setting_is_refused(name: str, meant: str) -> None:
    assert told(**{name: "x"}) == f"{name}: is not a setting\n    -> did you mean {meant}?"


@pytest.mark.parametrize(
    "name", ["KAISA_API_TOKEN", "KAISA_API_KEY", "KAISA_CRM_URL", "KAISA_TIMEOUT", "KAISA_CRM_PASSWORD", "KAISA_"]
)
def test_a_variable_of_the_customers_own_is_left_alone(name: str) -> None:
    assert config.load({**UNSIGNED, name: "x"}, now=NOON) == config.load(UNSIGNED, now=NOON)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///x?timeout=abc",
        "sqlite:///x?foo=bar",
        "sqlite:///file:foo?vfs=memdb&uri=true",
        "sqlite:///file:foo",
    ],
)
def test_a_database_with_options_of_its_own_is_refused(url: str) -> None:
    assert told(DATABASE_URL=url) == (
        "DATABASE_URL: has options of its own; how SQLite is used is the receiver's part\n"
        "    -> write sqlite:///relative.sqlite3, sqlite:////absolute/path.sqlite3 or postgresql://user:password@host/name"
    )


def test_a_path_that_would_be_a_host_is_refused() -> None:
    assert told(KAISA_WEBHOOK_PATH="//hook").startswith("KAISA_WEBHOOK_PATH: '//hook' is not a path")


@pytest.mark.parametrize("path", ["/", "/hook", "/hook/", "/a//b", "/a/b//"])
def test_exactly_the_configured_path_is_answered(environ: dict[str, str], path: str) -> None:
    flask = client({**environ, "KAISA_WEBHOOK_PATH": path})
    assert flask.post(path, data=form(POST_CALL), content_type=FORM).status_code == 200


@pytest.mark.parametrize("path", ["/hook", "/hook/", "/a//b", "/a/b", "/a//b/"])
@pytest.mark.parametrize("asked", ["/hook", "/hook/", "/hook//", "/a/b", "/a//b", "/a//b/", "/healthz/", "/a///b"])
def test_no_path_is_redirected(environ: dict[str, str], path: str, asked: str) -> None:
    status = client({**environ, "KAISA_WEBHOOK_PATH": path}).post(asked, data=form(POST_CALL)).status_code
    assert status in (404, 415), "a redirect is a failure to Kaisa"


def test_the_time_a_client_has_can_be_set() -> None:
    settings = config.load({**UNSIGNED, "KAISA_READ_TIMEOUT": "2.5"}, now=NOON)
    assert settings.read_timeout == timedelta(seconds=2.5)
    assert "'20' must be over 0 and under 20 seconds" in told(KAISA_READ_TIMEOUT="20")
