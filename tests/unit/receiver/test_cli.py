"""The `receiver` command: it says what is wrong and never shows a traceback."""

import json
import os
from pathlib import Path
from typing import cast

import pytest
from click.testing import CliRunner, Result

from receiver import cli, config
from receiver.errors import HandlerFailed, UnreadableBody
from receiver.event import CallEvent
from receiver.store.records import Arrival
from tests.calls import FORM, POST_CALL, form
from tests.clock import NOON
from tests.openssl import KeyPair
from tests.unit.receiver.conftest import Pipeline, drop


def run(environ: dict[str, str], *arguments: str) -> Result:
    """The command in an environment of its own; an exception other than an exit fails the test."""
    cleared = {name: None for name in os.environ if name.startswith("KAISA_") or name in ("DATABASE_URL", "PORT")}
    result = CliRunner().invoke(cli.main, arguments, env={**cleared, **environ}, prog_name="receiver")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


_STORE_REMEDY = (
    "check that the database is up and that the receiver may write to it; for SQLite, that its folder exists"
)


@pytest.fixture(autouse=True)
def good_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("receiver.store.database.sqlite_version", lambda: (3, 51, 3))


def test_a_good_configuration_that_accepts_anyone_is_warned_of(environ: dict[str, str]) -> None:
    result = run(environ, "check")
    assert result.exit_code == 0
    assert result.stdout == (
        "The configuration is good.\n"
        f"store: {environ['DATABASE_URL']}, in {Path.cwd()}\n"
        "SQLite library: 3.51.3\n"
        "WARNING: unsigned requests are accepted, from anyone (KAISA_ACCEPT_UNSIGNED)\n"
    )


def test_a_good_configuration_names_its_trusted_keys(signed_environ: dict[str, str], key_pair: KeyPair) -> None:
    result = run(signed_environ, "check")
    (key,) = config.load(signed_environ, now=NOON).trusted_keys
    assert result.exit_code == 0
    assert result.stdout == (
        "The configuration is good.\n"
        f"store: {signed_environ['DATABASE_URL']}, in {Path.cwd()}\n"
        f"trusted key: {key_pair.public} ({key.fingerprint[:16]})\n"
        "SQLite library: 3.51.3\n"
    )


def test_every_mistake_is_told_at_once_and_the_exit_code_is_2(tmp_path: Path) -> None:
    environ = {
        "PORT": "x",
        "KAISA_HANDLERS": "no_such_module",
        "DATABASE_URL": f"sqlite:///{tmp_path}/missing/db.sqlite3",
        "KAISA_ACCEPT_UNSIGNED": "true",
    }
    result = run(environ, "check")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "PORT: 'x' is not a whole number",
        "    -> meaning: the port to listen on; default: 8000",
        "KAISA_HANDLERS=no_such_module: cannot be imported: ModuleNotFoundError: No module named 'no_such_module'",
        "    -> mend the module, or name another one",
        f"DATABASE_URL: sqlite:///{tmp_path}/missing/db.sqlite3 cannot be used: unable to open database file",
        f"    -> {_STORE_REMEDY}",
        "3 mistakes in the configuration",
    ]


def test_a_mistake_that_two_checks_find_is_told_once(environ: dict[str, str]) -> None:
    result = run({**environ, "DATABASE_URL": "sqlite://"}, "check")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "DATABASE_URL: names a database in memory: what was answered 200 would be lost",
        "    -> write sqlite:///relative.sqlite3, sqlite:////absolute/path.sqlite3 or postgresql://user:password@host/name",
        "1 mistake in the configuration",
    ]


def test_the_list_of_settings_shows_each_with_meaning_and_default() -> None:
    result = run({"PORT": "wrong"}, "check", "--list")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0::3] == [setting.name for setting in config.listing()]
    assert lines[1::3] == [f"    {setting.meaning}" for setting in config.listing()]
    assert lines[2::3] == [f"    default: {setting.default or '(empty)'}" for setting in config.listing()]


def test_deliveries_are_listed_newest_first_with_numbers_masked(environ: dict[str, str], pipeline: Pipeline) -> None:
    pipeline.router.post_call(lambda _: "noted")
    pipeline.receive(form(POST_CALL))
    pipeline.receive(form(POST_CALL))
    pipeline.receive(form({**POST_CALL, "id": "call-2", "event_type": ""}))
    result = run(environ, "deliveries", "list")
    assert result.exit_code == 0
    start, caller = "2026-03-01 12:00:00Z  handled ", "from +46*******67, revision 1,"
    assert result.stdout.splitlines() == [
        f"     3  {start} -         call call-2 {caller} 1 attempt, answered {{}}",
        f"     1  {start} post-call call call-1 {caller} 2 attempts, answered {{'append': 'noted'}}".replace("'", '"'),
    ]
    assert run(environ, "deliveries", "list", "--limit", "1").stdout.splitlines() == result.stdout.splitlines()[:1]


def test_deliveries_as_json_are_one_object_a_line(environ: dict[str, str], pipeline: Pipeline) -> None:
    pipeline.router.post_call(lambda _: "noted")
    receipt = pipeline.receive(form(POST_CALL))
    (line,) = run(environ, "deliveries", "list", "--format", "json").stdout.splitlines()
    assert json.loads(line) == {
        "id": 1,
        "state": "handled",
        "revision": 1,
        "attempts": 1,
        "encoding": "form",
        "signed_by": None,
        "call_id": "call-1",
        "event_type": 0,
        "key": receipt.event.key,
        "first_seen": "2026-03-01T12:00:00+00:00",
        "last_seen": "2026-03-01T12:00:00+00:00",
        "error": None,
        "answer": {"append": "noted"},
        "fields": POST_CALL,
    }


def test_a_failed_delivery_is_listed_with_the_last_line_of_its_error(
    environ: dict[str, str], pipeline: Pipeline
) -> None:
    def broken(event: CallEvent) -> str:
        raise LookupError(f"no customer\n{event.from_nr} \x1b[2J\n\n")

    pipeline.router.any(broken)
    with pytest.raises(HandlerFailed):
        pipeline.receive(form(POST_CALL))
    caller = "from +46*******67, revision 1,"
    assert run(environ, "deliveries", "list").stdout.splitlines() == [
        f"     1  2026-03-01 12:00:00Z  failed   post-call call call-1 {caller} 1 attempt, not answered with 200 yet",
        r"        -> +46*******67 \x1b[2J",
    ]
    listed = json.loads(CliRunner().invoke(cli.main, ["deliveries", "list", "--format", "json"], env=environ).stdout)
    assert (listed["state"], listed["answer"]) == ("failed", None)
    assert listed["error"].startswith("Traceback (most recent call last):\n")
    assert listed["error"].endswith("LookupError: no customer\n+46701234567 \x1b[2J\n\n\n")


def test_a_delivery_that_was_handled_after_all_is_listed_without_its_error(
    environ: dict[str, str], pipeline: Pipeline
) -> None:
    answers = iter([7, "noted"])
    pipeline.router.any(lambda _: cast("str", next(answers)))
    with pytest.raises(HandlerFailed):
        pipeline.receive(form(POST_CALL))
    pipeline.receive(form(POST_CALL))
    (line,) = run(environ, "deliveries", "list").stdout.splitlines()
    assert line.endswith('2 attempts, answered {"append": "noted"}')
    (line,) = run(environ, "deliveries", "list", "--format", "json").stdout.splitlines()
    assert json.loads(line)["error"] is None


def test_a_delivery_without_a_caller_is_from_nobody_named(environ: dict[str, str], pipeline: Pipeline) -> None:
    pipeline.receive(form({"id": "call-1", "event_type": "0", "from_nr": ""}))
    (line,) = run(environ, "deliveries", "list").stdout.splitlines()
    assert line.endswith("call call-1 from nobody named, revision 1, 1 attempt, answered {}")


@pytest.mark.parametrize("text", ["\ud800", "\0", "a\nb", "\x1b[2J", "\u202e"], ids=ascii)
def test_hostile_text_in_a_delivery_stays_on_its_line(environ: dict[str, str], pipeline: Pipeline, text: str) -> None:
    pipeline.receive(form({**POST_CALL, "id": text, "from_nr": text}))
    (line,) = run(environ, "deliveries", "list").stdout.splitlines()
    shown = {"\ud800": r"\ud800", "\0": r"\x00", "a\nb": r"a\nb", "\x1b[2J": r"\x1b[2J", "\u202e": r"\u202e"}[text]
    assert f" call {shown} from *" in line
    (line,) = run(environ, "deliveries", "list", "--format", "json").stdout.splitlines()
    assert json.loads(line)["fields"]["id"] == text


def test_refusals_are_listed_with_what_to_change(environ: dict[str, str], pipeline: Pipeline) -> None:
    refusal = UnreadableBody("'+46701234567' is wrong", code="malformed-form", remedy="mend it")
    for _ in range(2):
        pipeline.inbox.refuse(Arrival(FORM, b"\xe9\0", NOON, "192.0.2.1"), refusal)
    result = run(environ, "refusals", "list")
    assert result.exit_code == 0
    assert result.stdout == (
        "     1  2026-03-01 12:00:00Z  400 malformed-form, 2 times: '+46*******67' is wrong\n        -> mend it\n"
    )
    (line,) = run(environ, "refusals", "list", "--format", "json").stdout.splitlines()
    assert json.loads(line) == {
        "id": 1,
        "count": 2,
        "status": 400,
        "code": "malformed-form",
        "detail": "'+46701234567' is wrong",
        "remedy": "mend it",
        "remote": "192.0.2.1",
        "content_type": FORM,
        "first_seen": "2026-03-01T12:00:00+00:00",
        "last_seen": "2026-03-01T12:00:00+00:00",
        "body": "\\xe9\0",
    }


def test_what_was_refused_once_is_listed_as_one_time(environ: dict[str, str], pipeline: Pipeline) -> None:
    refusal = UnreadableBody("it is wrong", code="malformed-form", remedy="mend it")
    pipeline.inbox.refuse(Arrival(FORM, b"x", NOON, None), refusal)
    (first, _) = run(environ, "refusals", "list").stdout.splitlines()
    assert first == "     1  2026-03-01 12:00:00Z  400 malformed-form, 1 time: it is wrong"


@pytest.mark.parametrize("command", ["deliveries", "refusals"])
def test_listing_needs_the_database_and_no_other_setting(
    environ: dict[str, str], pipeline: Pipeline, command: str
) -> None:
    assert pipeline.inbox.recent(command, 1) == []
    result = run({"DATABASE_URL": environ["DATABASE_URL"], "PORT": "wrong"}, command, "list")
    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize("command", ["deliveries", "refusals"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_looking_at_a_database_that_is_not_there_says_so_and_makes_none(
    environ: dict[str, str], database: Path, command: str, form: str
) -> None:
    result = run(environ, command, "list", "--format", form)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        f"DATABASE_URL: there is no database at {database}",
        "    -> go to the folder the receiver runs in, or set DATABASE_URL as it is set there",
        "1 mistake in the configuration",
    ]
    assert list(database.parent.iterdir()) == []


def test_the_database_that_is_not_in_this_folder_is_told_with_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run({}, "deliveries", "list")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"DATABASE_URL: there is no database at {tmp_path}/kaisa-webhook.sqlite3\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["deliveries", "refusals"])
def test_a_database_that_cannot_be_opened_is_told_in_words(
    environ: dict[str, str], database: Path, command: str
) -> None:
    database.write_bytes(b"not a database" * 100)
    result = run(environ, command, "list")
    assert result.exit_code == 2
    assert f"DATABASE_URL: sqlite:///{database} cannot be used: file is not a database" in result.stderr
    assert run({"DATABASE_URL": "nonsense"}, command, "list").exit_code == 2


def test_a_table_that_is_gone_is_told_in_words(environ: dict[str, str], pipeline: Pipeline, database: Path) -> None:
    pipeline.receive(form(POST_CALL))
    drop(database, "refusals")
    result = run(environ, "refusals", "list")
    assert result.exit_code == 1
    assert result.stderr == "Error: the database did not take it: no such table: refusals\n"


@pytest.mark.parametrize("arguments", [["--limit", "0"], ["--format", "xml"], ["--limit", "x"]])
def test_an_option_that_cannot_be_is_a_usage_error(environ: dict[str, str], arguments: list[str]) -> None:
    assert run(environ, "deliveries", "list", *arguments).exit_code == 2


def test_help_and_version_are_answered() -> None:
    assert "serve" in run({}, "-h").stdout
    assert run({}, "--version").stdout.startswith("receiver, version ")
