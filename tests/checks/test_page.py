"""The page of an examination: whole in one file, inert, and with everything that is to be known."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from sender_sim.checks.model import Examination, Verdict
from sender_sim.reports.finding_words import by_hand
from sender_sim.reports.findings_html import as_page
from tests.checks.told import EVERYTHING, REPRODUCE, examination, exchange, finding


class Read(HTMLParser):
    """What a browser finds on the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.pres: list[str] = []
        self._in_pre = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "pre":
            self.pres.append("")
            self._in_pre = True

    def handle_endtag(self, tag: str) -> None:
        self._in_pre = self._in_pre and tag != "pre"

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self._in_pre:
            self.pres[-1] += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def attributes(self, name: str) -> list[str]:
        return [value for _, attributes in self.tags if (value := attributes.get(name)) is not None]


PAGE = as_page(EVERYTHING, REPRODUCE)
READ = Read(PAGE)


def test_it_loads_nothing_and_runs_nothing() -> None:
    assert {tag for tag, _ in READ.tags} & {"script", "link", "img", "iframe", "object", "form", "base"} == set()
    names = {name for _, attributes in READ.tags for name in attributes}
    assert [name for name in names if name.startswith("on") or name in ("style", "src")] == []
    assert [link for link in READ.attributes("href") if not link.startswith("#")] == []


def test_its_policy_permits_its_own_style_and_nothing_else() -> None:
    [policy] = [attributes["content"] for _, attributes in READ.tags if attributes.get("http-equiv")]
    [style] = re.findall(r"<style>(.*?)</style>", PAGE, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in style
    assert "@import" not in style


def test_hostile_text_is_shown_as_text() -> None:
    assert r"<script>alert('x')</script> ]]> & " in READ.text
    assert r"\x1b[31m \x00 \x85 \ud800 \u202e\u202f" in READ.text
    assert [char for char in PAGE if not char.isprintable() and char not in "\n\t"] == []


def test_every_check_is_on_it_once_and_every_link_leads_to_one() -> None:
    ids = READ.attributes("id")
    assert len(ids) == len(set(ids))
    assert {finding.check.id for finding in EVERYTHING.findings} <= set(ids)
    links = READ.attributes("href")
    assert {link[1:] for link in links} <= set(ids)
    assert len(links) > len(EVERYTHING.findings)


def test_of_what_is_broken_it_tells_all() -> None:
    for words in (
        "answer-200 broken must; rule R2 S",
        "expected a delivery, sent as the integration is set up, is answered exactly 200",
        "happened happened at answer-200",
        "likely cause cause of answer-200",
        "what to change change for answer-200",
        "Accepted: known: <script>",
        "Not run: no signing key is given (--sign)",
        "baseline: <script>",
        "And 2 more: --har FILE keeps them all.",
    ):
        assert words in READ.text


def test_the_worst_comes_first() -> None:
    articles = [attributes["id"] for tag, attributes in READ.tags if tag == "article"]
    assert articles == ["answer-200", "append-length", "method-get", "body-empty"]


def test_the_lines_that_do_it_by_hand_are_whole() -> None:
    lines = {
        command.line
        for found in EVERYTHING.findings
        if found.verdict in (Verdict.BROKEN, Verdict.ACCEPTED)
        for command in by_hand(found, REPRODUCE)
    }
    assert lines
    assert lines <= set(READ.pres)


def test_requests_and_answers_are_shown_with_their_headers() -> None:
    headers = "Accept: */*\nUser-Agent: kaisa-webhook-kit-sender-sim\nContent-Type: application/x-www-form-urlencoded"
    assert f"{headers}\n\nid=1" in READ.pres
    assert any(pre.startswith("Content-Type: application/json\nX-Mark: <script>") for pre in READ.pres)


def test_of_a_long_body_the_beginning_and_the_end_are_shown() -> None:
    made = [exchange(b"begin" + b"x" * 1_000_000 + b"end")]
    page = as_page(examination([finding("body-large", Verdict.BROKEN, made=made)]), REPRODUCE)
    assert len(page) < 40_000
    [shown] = [pre for pre in Read(page).pres if "bytes)" in pre]
    assert shown.endswith("x" * 297 + "end")
    assert "\n\nbeginx" in shown
    assert "x\n... (1,000,008 bytes)\nx" in shown


@pytest.mark.parametrize(
    ("told", "title"),
    [
        (examination([finding("answer-200", Verdict.KEPT)]), "The contract is kept"),
        (examination([finding("body-empty", Verdict.BROKEN)]), "The contract is kept"),
        (examination([finding("answer-200", Verdict.BROKEN)]), "The contract is broken"),
        (examination([finding("reachable", Verdict.BROKEN)]), "The endpoint cannot be reached"),
        (examination([finding("answer-200", Verdict.NOT_RUN)]), "What was asked was not run, so nothing is known"),
    ],
)
def test_the_title_is_the_verdict_and_only_a_kept_contract_is_green(told: Examination, title: str) -> None:
    page = as_page(told, REPRODUCE)
    assert f"<title>{title}: https://endpoint.example/hook?a=1&amp;b=&lt;i&gt;</title>" in page
    assert ('<header class="broken">' in page) == (title != "The contract is kept")
