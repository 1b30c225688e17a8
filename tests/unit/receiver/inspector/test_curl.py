"""The command that sends a request again: run by a shell and by curl, it sends the very bytes."""

import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from receiver.inspector import curl
from tests.calls import FORM, JSON, POST_CALL, form, json_text

HOSTILE = b"'; touch /tmp/no; echo '$(id)`id` \\\\ %s %% \\047 -n @/etc/passwd\n\r\x00\x1b[2J caf\xe9 \xf0\x9f\x91\x8d"


def sent(httpserver: HTTPServer, content_type: str | None, body: bytes) -> tuple[str | None, bytes]:
    """What arrives when a shell runs the command."""
    httpserver.clear()
    httpserver.expect_request("/webhook", method="POST").respond_with_data("{}")
    command = curl.command(httpserver.url_for("/webhook"), content_type, body)
    assert command is not None
    assert command.replace("\n", "").isprintable()
    assert command.isascii()
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, b"{}"), done.stderr
    ((request, _),) = httpserver.log
    return request.headers.get("Content-Type"), request.get_data()


REQUESTS = {
    "form": (FORM, form(POST_CALL)),
    "json": (JSON, json_text({**POST_CALL, "details": "it's 100%"})),
    "empty": (FORM, b""),
    "like an option": (FORM, b"-n"),
    "like an option of printf": (FORM, b"-\n"),
    "like a file": (FORM, b"@/etc/hostname"),
    "hostile": (FORM, HOSTILE),
    "every byte": (FORM, bytes(range(256))),
    "quoted type": ("text/plain; charset='x'", b"a"),
    "no type": (None, b"a"),
    "long": (FORM, b"a" * curl.LONGEST),
}


@pytest.mark.parametrize(("content_type", "body"), REQUESTS.values(), ids=REQUESTS)
def test_the_command_sends_the_very_bytes(httpserver: HTTPServer, content_type: str | None, body: bytes) -> None:
    assert sent(httpserver, content_type, body) == (content_type, body)


@settings(max_examples=15)
@given(body=st.binary(min_size=1, max_size=60))
@example(body=b"\\")
@example(body=b"%d%%\\n'")
def test_whatever_they_are(body: bytes) -> None:
    command = curl.command("http://localhost/", FORM, body)
    assert command is not None
    # `curl` as a function of the shell: what it is given is written out, by standard input or as the last argument.
    stub = 'curl() { for last; do :; done; if [ "$last" = @- ]; then cat; else printf %s "$last"; fi; }\n'
    done = subprocess.run(["sh", "-c", stub + command], capture_output=True, check=True, timeout=60)
    assert done.stdout == body


def test_a_header_cannot_be_slipped_in() -> None:
    command = curl.command("http://localhost/", "text/plain\r\nX-Evil: 1", b"a")
    assert command is not None
    assert r"'Content-Type: text/plain\r\nX-Evil: 1'" in command


def test_a_long_body_has_no_command() -> None:
    assert curl.command("http://localhost/", FORM, b"a" * (curl.LONGEST + 1)) is None
