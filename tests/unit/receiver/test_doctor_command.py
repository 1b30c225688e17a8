"""`receiver doctor`: every input, its exit codes, its words; it never shows a traceback and stores nothing."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receiver import cli
from receiver.errors import SignatureWrong
from receiver.store.records import Arrival
from tests.calls import FORM, JSON, POST_CALL, form, signed_form
from tests.clock import NOON
from tests.openssl import KeyPair
from tests.unit.receiver.conftest import Pipeline, rows
from tests.unit.receiver.test_capture import har, post
from tests.vectors import FOLDER

ROOT = Path(__file__).resolve().parents[3]


def run(environ: dict[str, str], *arguments: str | Path, data: bytes = b"") -> Result:
    """The command in an environment of its own; an exception other than an exit fails the test."""
    cleared = {name: None for name in os.environ if name.startswith("KAISA_") or name == "DATABASE_URL"}
    command = ["doctor", *map(str, arguments)]
    result = CliRunner().invoke(cli.main, command, env={**cleared, **environ}, input=data, prog_name="receiver")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def raw_http(body: bytes, content_type: str = FORM, path: str = "/webhook") -> bytes:
    return f"POST {path} HTTP/1.1\r\nContent-Type: {content_type}\r\n\r\n".encode() + body


@pytest.fixture
def captured(tmp_path: Path, key_pair: KeyPair) -> Path:
    """A good request, as raw HTTP."""
    file = tmp_path / "captured.http"
    file.write_bytes(raw_http(signed_form(POST_CALL, key_pair)))
    return file


@pytest.fixture
def trusting(key_pair: KeyPair) -> dict[str, str]:
    return {"KAISA_TRUSTED_KEYS": str(key_pair.public)}


def test_a_request_that_verifies_ends_with_0(captured: Path, trusting: dict[str, str]) -> None:
    result = run(trusting, captured)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "passed          request: POST /webhook"
    assert [line[:16].strip() for line in lines[:-1]] == ["passed"] * 8
    assert lines[-1] == "A request like this is accepted as configured. Nothing was stored."


def test_a_request_that_does_not_verify_ends_with_1_and_what_to_set(captured: Path, trusting: dict[str, str]) -> None:
    result = run({**trusting, "KAISA_SIGNATURE_DIGEST": "sha512"}, captured)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[6].startswith("FAILED          signature: does not verify as configured (pkcs1v15, sha512, base64). ")
    assert lines[6].endswith(": digest sha256")
    assert lines[7] == "                -> set KAISA_SIGNATURE_DIGEST=sha256"
    assert lines[-1] == "A request like this is refused: 1 step failed (signature)."


def test_keys_on_the_command_line_replace_those_of_the_settings(
    captured: Path, trusting: dict[str, str], key_pair: KeyPair, other_key_pair: KeyPair
) -> None:
    assert run(trusting, captured, "--keys", other_key_pair.public).exit_code == 1
    assert run({"KAISA_ACCEPT_UNSIGNED": "true"}, captured, "--keys", key_pair.public).exit_code == 0
    assert run({}, captured, "--keys", f"{other_key_pair.public},{key_pair.public}").exit_code == 0


def test_standard_input_is_read_too(captured: Path, trusting: dict[str, str]) -> None:
    assert run(trusting, "-", data=captured.read_bytes()).exit_code == 0


def test_a_har_file_is_read_too(tmp_path: Path, trusting: dict[str, str], key_pair: KeyPair) -> None:
    file = tmp_path / "captured.har"
    file.write_bytes(har(post(text="id=1"), post(text=signed_form(POST_CALL, key_pair).decode())))
    assert run(trusting, file).exit_code == 1
    assert run(trusting, file, "--entry", "2").exit_code == 0
    result = run(trusting, file, "--entry", "3")
    assert result.exit_code == 2
    assert "has 2 POST among its 2 entries, so there is no number 3" in result.stderr


def test_notes_of_a_capture_stand_first(tmp_path: Path, trusting: dict[str, str]) -> None:
    file = tmp_path / "captured.har"
    file.write_bytes(har(post(params=[{"name": "id", "value": "1"}])))
    assert run(trusting, file).stdout.startswith("note: the HAR file holds the form's parameters and not its bytes")


def test_a_stored_refusal_is_looked_at_and_left_alone(
    environ: dict[str, str], trusting: dict[str, str], pipeline: Pipeline, database: Path, key_pair: KeyPair
) -> None:
    pipeline.inbox.refuse(Arrival(FORM, signed_form(POST_CALL, key_pair), NOON), SignatureWrong("it is"))
    before = rows(database, "SELECT * FROM refusals")
    result = run({"DATABASE_URL": environ["DATABASE_URL"], **trusting}, "--refusal", "1")
    assert result.exit_code == 0
    assert result.stdout.startswith("not applicable  request: the request line is not known")
    assert rows(database, "SELECT * FROM refusals") == before
    assert rows(database, "SELECT * FROM deliveries") == []


def test_a_refusal_that_is_not_there_is_told(environ: dict[str, str], pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.inbox.check_writable(NOON)
    result = run(environ, "--refusal", "7")
    assert result.exit_code == 2
    assert "there is no refusal 7: `receiver refusals list` lists them" in result.stderr
    assert run({"DATABASE_URL": f"sqlite:///{tmp_path}/none.sqlite3"}, "--refusal", "1").exit_code == 2


def test_unsigned_data_where_anyone_is_accepted_ends_with_0(tmp_path: Path) -> None:
    file = tmp_path / "bare.http"
    file.write_bytes(raw_http(form(POST_CALL)))
    assert run({"KAISA_ACCEPT_UNSIGNED": "true"}, file).exit_code == 0
    result = run({}, file)
    assert result.exit_code == 1
    assert "FAILED          keys: no key is trusted" in result.stdout


def test_a_key_file_that_cannot_be_trusted_is_a_finding(captured: Path, key_pair: KeyPair, tmp_path: Path) -> None:
    result = run({}, captured, "--keys", key_pair.private)
    assert result.exit_code == 1
    assert f"FAILED          keys: KAISA_TRUSTED_KEYS: {key_pair.private} holds a private key" in result.stdout
    assert "does not exist" in run({}, captured, "--keys", tmp_path / "none.pem").stdout


def test_weak_keys_are_tried_where_they_are_trusted(tmp_path: Path, weak_key_pair: KeyPair) -> None:
    file = tmp_path / "weak.http"
    file.write_bytes(raw_http(signed_form(POST_CALL, weak_key_pair)))
    result = run({}, file, "--keys", weak_key_pair.public)
    assert result.exit_code == 1
    assert "or set KAISA_ALLOW_WEAK_KEYS=true" in result.stdout
    assert run({"KAISA_ALLOW_WEAK_KEYS": "true"}, file, "--keys", weak_key_pair.public).exit_code == 0


def test_the_path_and_the_macro_are_those_of_the_settings(trusting: dict[str, str], key_pair: KeyPair) -> None:
    data = raw_http(signed_form({"call": "1"}, key_pair), path="/kaisa")
    configured = {**trusting, "KAISA_WEBHOOK_PATH": "/kaisa", "KAISA_MACRO": "call={id}"}
    assert run(configured, "-", data=data).exit_code == 0
    assert run(trusting, "-", data=data).stdout.count("FAILED") == 2


def test_a_mistake_in_the_settings_it_needs_is_told_and_others_do_not_matter(
    captured: Path, trusting: dict[str, str]
) -> None:
    result = run({**trusting, "KAISA_SIGNATURE_DIGEST": "md5"}, captured)
    assert result.exit_code == 2
    assert "KAISA_SIGNATURE_DIGEST: 'md5' is none of sha256, sha384, sha512, sha1" in result.stderr
    assert run({**trusting, "KAISA_THREADS": "x", "DATABASE_URL": "nonsense"}, captured).exit_code == 0


def test_json_is_one_object(captured: Path, trusting: dict[str, str]) -> None:
    document = json.loads(run(trusting, captured, "--format", "json").stdout)
    assert set(document) == {"notes", "accepted", "steps", "verifies_with"}
    assert (document["notes"], document["accepted"], document["verifies_with"]) == ([], True, None)
    assert [step["state"] for step in document["steps"]] == ["passed"] * 8


def test_phone_numbers_are_masked_unless_asked_for(trusting: dict[str, str], key_pair: KeyPair) -> None:
    data = raw_http(signed_form({**POST_CALL, "duration": "+46701234567"}, key_pair))
    assert "duration: '+46*******67' is not" in run(trusting, "-", data=data).stdout
    assert "duration: '+46701234567' is not" in run(trusting, "-", "--show-numbers", data=data).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give a FILE or --refusal ID, one of them"),
        (["-", "--refusal", "1"], "give a FILE or --refusal ID, one of them"),
        (["--refusal", "1", "--entry", "1"], "--entry is for HAR files"),
        (["--refusal", "x"], "'x' is not a valid integer"),
        (["no-such-file"], "no-such-file cannot be read: No such file or directory"),
        (["."], ". cannot be read: Is a directory"),
        (["a\0b"], r"a\x00b cannot be read: embedded null byte"),
        (["-"], "- is empty"),
        (["-", "--entry", "0"], "0 is not in the range"),
        (["-", "--format", "xml"], "'xml' is not one of"),
    ],
)
def test_misuse_is_told_in_words_and_ends_with_2(arguments: list[str], words: str) -> None:
    result = run({}, *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("data", [b"payload=a&sign=b", b"{}", b"HTTP/1.1 200 OK\r\n\r\n", b"\0\xff"])
def test_what_is_no_capture_ends_with_2(data: bytes) -> None:
    result = run({}, "-", data=data)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error: - " in result.stderr


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(), content_type=st.sampled_from([FORM, JSON, "\xe9"]), whole=st.booleans())
def test_hostile_captures_end_with_words(body: bytes, content_type: str, whole: bool) -> None:
    data = body if whole else raw_http(body, content_type)
    result = run({"KAISA_TRUSTED_KEYS": str(FOLDER / "public.pem")}, "-", data=data)
    assert result.exit_code == (2 if whole else 1)


@pytest.mark.parametrize("text", ["\x1b[2J", "\u202e", "a\nb"])
def test_hostile_text_stays_on_its_line(text: str) -> None:
    data = raw_http(form({**POST_CALL, text: "1", "duration": text}))
    result = run({"KAISA_ACCEPT_UNSIGNED": "true"}, "-", data=data)
    assert result.exit_code == 1
    assert all(line.isprintable() for line in result.stdout.splitlines())
    assert len(result.stdout.splitlines()) == 10


def shown() -> list[tuple[str, str]]:
    """The commands of docs/troubleshooting.md that are shown with their output."""
    text = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    return re.findall(r"```console\n\$ receiver ([^\n]*)\n(.*?)```", text, re.DOTALL)


def options(command: str) -> set[str]:
    return set(re.findall(r"--[a-z-]+", command))


def test_the_commands_of_the_document_exist() -> None:
    text = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    blocks = re.findall(r"```(?:sh|console)\n(.*?)```", text, re.DOTALL)
    commands = [found for block in blocks for found in re.findall(r"^(?:\$ )?receiver (.*)$", block, re.MULTILINE)]
    assert len(commands) == 13
    for command in commands:
        words = [word for word in command.split() if re.fullmatch("[a-z]+", word)]
        found: Any = cli.main
        while words and hasattr(found, "commands"):
            found = found.commands[words.pop(0)]
        known = {name for parameter in found.params for name in parameter.opts}
        assert options(command) - known == set(), command


def as_documented() -> dict[str, bytes]:
    """The captures that the document shows, of the hand-written bodies."""
    bodies = {path.name: path.read_bytes() for path in (FOLDER / "bodies").glob("*.form")}
    return {
        "sha512.http": bodies["profile-sha512.form"],
        "relayed.http": bodies["signed-default.form"].replace(b"%2B", b"%2520", 1),
        "plus.http": bodies["sign-with-plus.form"],
        "altered.http": bodies["altered.form"],
        "stranger.http": bodies["strangers-signature.form"],
    }


def test_each_diagnosis_of_the_document_is_what_the_doctor_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("kaisa.pem").write_bytes((FOLDER / "public.pem").read_bytes())
    for name, body in as_documented().items():
        Path(name).write_bytes(raw_http(body))
    diagnoses = shown()
    assert [command.split()[1] for command, _ in diagnoses] == list(as_documented())
    for command, output in diagnoses:
        result = run({}, *command.split()[1:])
        assert result.exit_code == 1
        assert [line for line in output.splitlines() if line not in result.stdout.splitlines()] == []
