"""The pytest plugin, in projects of others: each test of these runs pytest in a process of its own."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree.ElementTree import parse

import pytest
from flask import Response, request

from sender_sim.checks.catalogue import CHECKS
from sender_sim.cli import main
from sender_sim.pytest_plugin import OPTIONS
from tests.checks.endpoint import Endpoint, Values
from tests.checks.servers import Served, over_http, over_https
from tests.openssl import KeyPair

pytest_plugins = "pytester"

Run = Callable[..., pytest.RunResult]

# What is loaded nowhere unless it is used.
HEAVY = ("aiohttp", "cattrs", "click", "cryptography", "flask", "marshmallow", "receiver", "rich", "sender_sim.testing")
# Options of the command that pytest has its own for, or that have no meaning in it.
NOT_HERE = {
    "active", "again", "form", "har", "help", "html", "junit", "listed", "only", "reproduce", "skip",
}  # fmt: skip


class Answers204(Endpoint):
    """Sends no content where an SMS comes in."""

    def answer(self, values: Values) -> Response:
        return Response("", 204) if values["event_type"] == "1" else super().answer(values)


class AnswersGet(Endpoint):
    """Shows a page at the same URL."""

    methods = ("POST", "GET")

    def take(self) -> Response:
        return Response("<b>hello</b> \x1b[31m") if request.method == "GET" else super().take()


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """pytest in a project of its own, where warnings are errors and no other plugin takes its time."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = -p kaisa\n")
    return lambda *arguments: pytester.runpytest_subprocess(*map(str, arguments), timeout=300)


@pytest.fixture(scope="module")
def good() -> Iterator[Served]:
    with over_http(Endpoint()) as served:
        yield served


def at(served: Served) -> tuple[str, ...]:
    return ("--kaisa-url", served.url, "--kaisa-allow-http")


def test_where_it_is_not_used_it_loads_and_changes_nothing(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        f"""
        import sys

        def test_nothing_is_loaded():
            heavy = {HEAVY}
            assert "sender_sim.pytest_plugin" in sys.modules
            assert [name for name in sys.modules if name.startswith(heavy)] == []
        """
    )
    result = run("--strict-markers", "--strict-config")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("kaisa: *")


def test_pytest_finds_it_by_itself_where_the_kit_is_installed(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    pytester.makepyfile("def test_it(kaisa_sender): pass")
    pytester.runpytest_subprocess("-W", "error", timeout=300).assert_outcomes(passed=1)


def test_a_project_with_a_flask_app_is_sent_what_kaisa_sends(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        app="""
        from flask import Flask, request

        app = Flask(__name__)
        booked = []

        @app.post("/hooks/kaisa")
        def take():
            if request.form["id"] not in booked:
                booked.append(request.form["id"])
            return {"append": "missed" if request.form["answered"] == "0" else "booked"}
        """,
        test_hook="""
        from app import app, booked

        def test_a_missed_call(kaisa_sender):
            result = kaisa_sender(app, path="/hooks/kaisa").post_call(from_nr="+46701740605", answered=False)
            assert result.delivered
            assert result.append == "missed"
            assert not result.violations

        def test_a_lost_answer_books_once(kaisa_sender):
            result = kaisa_sender(app, path="/hooks/kaisa").post_call(lose_answer=1)
            assert len(result.attempts) == 2
            assert booked.count(result.id) == 1
        """,
    )
    run().assert_outcomes(passed=2)


def test_a_project_with_a_plain_wsgi_function_verifies_what_the_sessions_key_signs(
    pytester: pytest.Pytester, run: Run
) -> None:
    pytester.makepyfile(
        """
        import base64
        from urllib.parse import parse_qs

        import pytest
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        @pytest.fixture
        def app(kaisa_keys):
            key = x509.load_pem_x509_certificate(kaisa_keys.signing_certificate.read_bytes()).public_key()

            def take(environ, start_response):
                form = parse_qs(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
                sign = base64.b64decode(form["sign"][0])
                key.verify(sign, form["payload"][0].encode(), padding.PKCS1v15(), hashes.SHA256())
                start_response("200 OK", [])
                return [b"OK"]

            return take

        def test_signed(kaisa_sender, app):
            assert kaisa_sender(app, signed=True).sms(details="\\u00e5").delivered

        def test_tampered(kaisa_sender, app):
            result = kaisa_sender(app, signed=True).post_call(faults=["tampered:attempts=1"])
            assert [attempt.status for attempt in result.attempts] == [500, 200]

        def test_the_key_is_the_sessions(kaisa_keys, request):
            assert request.session.config.stash.setdefault("keys", kaisa_keys) is kaisa_keys
        """
    )
    run().assert_outcomes(passed=3)


def test_where_an_assertion_fails_the_result_is_told(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        def app(environ, start_response):
            start_response("500 Oh", [])
            return [b"why"]

        def test_it(kaisa_sender):
            assert kaisa_sender(app).post_call(id="x").delivered
        """
    )
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*<post-call of x: attempts 1-5 -> 500 Internal Server Error; NOT DELIVERED, answered b'why'>*"]
    )


@pytest.mark.parametrize("missing", ["aiohttp", "trustme"])
def test_without_the_extras_what_is_used_says_what_to_install_and_the_rest_goes_on(
    pytester: pytest.Pytester, run: Run, missing: str
) -> None:
    pytester.makepyfile(
        without=f"""
        import sys

        class NotInstalled:
            def find_spec(self, name, path=None, target=None):
                if name == {missing!r}:
                    raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

        sys.meta_path.insert(0, NotInstalled())
        """,
        test_it="""
        def test_of_ones_own():
            pass

        def test_that_uses_it(kaisa_sender, kaisa_keys):
            pass
        """,
    )
    words = rf".* needs {missing}, which is not installed: pip install 'kaisa-webhook-kit\[sim\]'"
    result = run("-p", "without")
    result.assert_outcomes(passed=1, errors=1)
    assert re.search(rf"(?m)^(kaisa_sender|kaisa_keys){words}$", result.stdout.str())
    assert "Traceback" not in result.stdout.str()
    if missing == "aiohttp":
        used = run("-p", "without", "--kaisa-url", "https://localhost/")
        assert used.ret == pytest.ExitCode.USAGE_ERROR
        assert re.search(rf"ERROR: --kaisa-url{words}", used.stderr.str())


def test_the_checks_are_tests_beside_ones_own(pytester: pytest.Pytester, run: Run, key_pair: KeyPair) -> None:
    pytester.makepyfile("def test_of_ones_own(): pass")
    ca = pytester.path / "ca.pem"
    with over_https(Endpoint(key_pair.public.read_bytes())) as served:
        ca.write_text(served.ca, "ascii")
        result = run(
            "-v", "--kaisa-url", served.url, "--kaisa-ca", ca, "--kaisa-sign", key_pair.private,
            "--junitxml", "found.xml", "-o", "junit_family=xunit1",
        )  # fmt: skip
    not_run = {"macro-custom", "value-no-recording"}
    result.assert_outcomes(passed=1 + len(CHECKS) - len(not_run), skipped=len(not_run))
    total = f"collecting ... collected {1 + len(CHECKS)} items"
    result.stdout.fnmatch_lines([f"kaisa: {served.url}, form, signed", total, "kaisa::reachable PASSED*"])
    cases = {case.get("name"): case for case in parse(pytester.path / "found.xml").iter("testcase")}  # noqa: S314 - our own
    assert set(cases) == {check.id for check in CHECKS} | {"test_of_ones_own"}
    assert {each.get("name"): each.get("value") for each in cases["answer-200"].iter("property")} == {
        "kaisa-rule": "R2 S",
        "kaisa-severity": "must",
    }


def test_a_broken_must_fails_with_all_there_is_to_know(run: Run) -> None:
    with over_http(Answers204()) as served:
        result = run(*at(served), "-k", "event")
    result.assert_outcomes(passed=2, failed=1, deselected=len(CHECKS) - 3)
    result.stdout.fnmatch_lines(
        [
            "*_ kaisa::event-sms _*",
            "happened  answered 204 No Content; Kaisa takes it for a failure *",
            "rule      R1 S, must",
            "expected  an SMS (event_type 1) is accepted",
            "likely    an empty answer becomes 204 in many frameworks",
            "change    answer 200 once the delivery is safe*",
            "sent      POST http://127.0.0.1:* application/x-www-form-urlencoded",
            "answered  204 No Content (*",
            "# send the same request again:",
            "curl *",
            "FAILED kaisa::event-sms - answered 204 No Content; *",
        ]
    )
    assert "Traceback" not in result.stdout.str()


def test_a_broken_should_is_told_and_fails_only_if_that_is_asked_for(run: Run) -> None:
    with over_http(AnswersGet()) as served:
        result = run(*at(served), "-m", "kaisa", "-k", "refusals and should")
        strict = run(*at(served), "-k", "method-get", "--runxfail")
    result.assert_outcomes(passed=4, xfailed=1, deselected=len(CHECKS) - 5)
    result.stdout.fnmatch_lines(
        [
            "*= Kaisa: broken, and no failure (--runxfail makes it one) =*",
            "kaisa::method-get: a should, no must: accepted: 200 OK",
            "change    let the route take POST alone",
            r"          <b>hello</b> \x1b[[]31m",
        ]
    )
    strict.assert_outcomes(failed=1, deselected=len(CHECKS) - 1)
    told = ["change    let the route take POST alone", "FAILED kaisa::method-get - accepted: 200 OK"]
    strict.stdout.fnmatch_lines(told)


def test_what_is_not_run_is_skipped_with_the_reason_in_terms_of_the_plugin(good: Served, run: Run) -> None:
    result = run(*at(good), "-rs", "-k", "signed")
    result.assert_outcomes(skipped=10, deselected=len(CHECKS) - 10)
    result.stdout.fnmatch_lines(["SKIPPED [[]10[]] *: no signing key is given (--kaisa-sign)"])


def test_what_a_baseline_accepts_is_no_failure(pytester: pytest.Pytester, run: Run) -> None:
    baseline = pytester.makefile(".toml", accepted='[accepted.event-sms]\nreason = "We get none"\n')
    with over_http(Answers204()) as served:
        result = run(*at(served), "-k", "event-sms", "--kaisa-baseline", baseline)
    result.assert_outcomes(xfailed=1, deselected=len(CHECKS) - 1)
    result.stdout.fnmatch_lines(["kaisa::event-sms: accepted: We get none", "happened  answered 204 No Content*"])


def test_an_endpoint_that_cannot_be_reached_is_one_failure(run: Run, closed_port: int) -> None:
    result = run("--kaisa-url", f"https://127.0.0.1:{closed_port}/hook")
    result.assert_outcomes(failed=1, skipped=len(CHECKS) - 1)
    result.stdout.fnmatch_lines(["FAILED kaisa::reachable - no connection: *"])


def test_the_checks_can_be_spread_over_several_processes(good: Served, run: Run) -> None:
    result = run(*at(good), "-p", "xdist", "-n", "2", "-k", "encodings")
    result.assert_outcomes(passed=3)


def test_they_are_listed_like_other_tests(good: Served, run: Run) -> None:
    result = run(*at(good), "--collect-only", "-q")
    listed = [line for line in result.stdout.lines if line.startswith("kaisa::")]
    assert listed == [f"kaisa::{check.id}" for check in CHECKS]


def test_what_failed_last_is_run_alone_with_pytests_own_option(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile("def test_of_ones_own(): pass")
    with over_http(Answers204()) as served:
        run(*at(served), "-k", "event or own")
        result = run(*at(served), "--lf")
    result.assert_outcomes(failed=1, deselected=len(CHECKS))


def test_settings_come_from_a_file_and_flags_stand_over_them(pytester: pytest.Pytester, good: Served, run: Run) -> None:
    settings = pytester.makefile(".toml", kaisa=f'url = "{good.url}"\njson = true\ntimeout = 5\n')
    file = run("--kaisa-settings", settings, "--kaisa-allow-http", "-k", "encoding-as-set")
    file.stdout.fnmatch_lines(["kaisa: http://127.0.0.1:*/hook, json, not signed"])
    file.assert_outcomes(passed=1, deselected=len(CHECKS) - 1)
    flag = run("--kaisa-settings", settings, "--kaisa-allow-http", "--kaisa-form", "--collect-only")
    flag.stdout.fnmatch_lines(["kaisa: http://127.0.0.1:*/hook, form, not signed"])


def test_every_mistake_is_told_before_anything_runs(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile("def test_of_ones_own(): pass")
    result = run(
        "--kaisa-url", "http://localhost/hook", "--kaisa-ca", "none.pem", "--kaisa-macro", "id={di}",
        "--kaisa-baseline", "none.toml", "--kaisa-sign", "none.key",
    )  # fmt: skip
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = result.stderr.str()
    for words in (
        "url: 'http://localhost/hook' is http",
        "or give --kaisa-allow-http)",
        "--kaisa-ca: none.pem cannot be used",
        "{di}",
        "none.toml cannot be read",
        "none.key cannot be read",
    ):
        assert words in told
    assert "Traceback" not in told
    assert "test_of_ones_own" not in result.stdout.str()


def test_its_options_are_those_of_the_command() -> None:
    theirs = {
        parameter.name: {*parameter.opts, *parameter.secondary_opts}
        for parameter in main.commands["check"].params
        if parameter.name not in NOT_HERE
    }
    assert {name for _, name, *_ in OPTIONS} == set(theirs)
    for flag, name, *_ in OPTIONS:
        assert {flag, f"--{flag}"} & theirs[name]


def test_the_plugin_is_what_an_installed_kit_registers() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8")
    assert '[project.entry-points.pytest11]\nkaisa = "sender_sim.pytest_plugin"\n' in text
