"""Who may use the pages: the right host name, the password, a token in every form; and what a page may load."""

import hashlib
import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, abort, current_app, redirect, render_template, request, session, url_for
from flask.sessions import SecureCookieSessionInterface
from werkzeug.wrappers import Response as AnyResponse

__all__ = ["LONGEST_ADDRESS", "Access", "guard", "is_loopback", "names_of", "own"]

# What servers and proxies take as an address; a form that makes a longer one is shown without.
LONGEST_ADDRESS: Final = 8_000
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_OPEN: Final = ("access.login", "static")
# Wrong passwords within a minute: from one address, so that nobody locks the others out, and from all together.
_ATTEMPTS: Final = 10
_TOGETHER: Final = 100
_PER_SECONDS: Final = 60.0
_LONGEST_SESSION: Final = 12 * 60 * 60


@dataclass(frozen=True, slots=True)
class Access:
    """`names` are the hosts it may be called by, beside this machine's own addresses; no password: none is asked for.

    `everywhere` permits every IP address: what is bound to all of them cannot know its own.
    """

    password: str = ""
    names: frozenset[str] = frozenset()
    everywhere: bool = False
    clock: Callable[[], float] = time.time
    failures: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=_TOGETHER))

    def permits(self, host: str) -> bool:
        """Whether a request with this Host header was meant for us: a page elsewhere can point its own name here."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name == "localhost" or name in self.names:
            return True
        # An address cannot be pointed elsewhere as a name can.
        return is_loopback(name) or (self.everywhere and _is_address(name))

    def admits(self, password: str) -> bool:
        """Whether this is the password."""
        return hmac.compare_digest(password.encode("utf-8", "replace"), self.password.encode())

    def stamp(self, secret: str) -> str:
        """What a session holds that knew the password; another password makes another.

        Anybody can read a cookie: without the secret, no password can be tried on it.
        """
        return hmac.new(secret.encode(), self.password.encode(), hashlib.sha256).hexdigest()

    def exhausts(self, address: str) -> bool:
        """Whether too many passwords were wrong within a minute, from this address or from all together."""
        since = self.clock() - _PER_SECONDS
        recent = [who for at, who in tuple(self.failures) if at > since]
        return len(recent) == _TOGETHER or recent.count(address) >= _ATTEMPTS


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can reach this host."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


class _Sessions(SecureCookieSessionInterface):
    """Flask's, whose cookie stays on TLS where a proxy in front speaks it; a lie costs nobody but who tells it."""

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - Flask's signature
        return request.headers.get("X-Forwarded-Proto") == "https"


def guard(app: Flask, access: Access) -> None:
    """Have every request of the application checked, and every answer say what its page may load."""
    app.session_interface = _Sessions()
    pages = Blueprint("access", __name__)
    app.before_request(lambda: _check(access))
    app.after_request(_armour)
    app.context_processor(lambda: {"token": _token(), "logged_in": bool(access.password) and _is_in(access)})

    @pages.route("/login", methods=["GET", "POST"])
    def login() -> AnyResponse | str | tuple[str, int]:
        wrong, address = "", request.remote_addr or ""
        if request.method == "POST":
            if access.exhausts(address):
                wrong = "too many wrong passwords; wait a minute"
            elif access.admits(request.form.get("password", "")):
                session.clear()  # what was known of it before is worth nothing
                session["in"], session["since"] = _stamp(access), access.clock()
                return redirect(own(request.args.get("next", "")))
            else:
                access.failures.append((access.clock(), address))
                wrong = "this is not the password"
        page = render_template("login.html", wrong=wrong)
        return (page, 429 if access.exhausts(address) else 403) if wrong else page

    @pages.post("/logout")
    def logout() -> AnyResponse:
        session.clear()
        return redirect(url_for("access.login"))

    app.register_blueprint(pages)


def _check(access: Access) -> AnyResponse | None:
    if not access.permits(request.host):
        abort(421, "this console does not go by the name it was called; --name NAME permits one")
    if request.headers.get("Sec-Fetch-Site") == "cross-site" and request.headers.get("Sec-Fetch-Mode") != "navigate":
        abort(403, "a page of another site asked for this; a link may lead here, and nothing else")
    if request.method == "POST" and not _has_token():
        abort(403, "the form is from another session or another page: go back, load it again, and send it again")
    if access.password and request.endpoint not in _OPEN and not _is_in(access):
        there = request.full_path.rstrip("?") if request.method == "GET" else ""
        return redirect(url_for("access.login", next=there or None))
    return None


def _is_in(access: Access) -> bool:
    lasts = access.clock() - session.get("since", 0.0) < _LONGEST_SESSION
    return lasts and hmac.compare_digest(str(session.get("in", "")), _stamp(access))


def _stamp(access: Access) -> str:
    return access.stamp(str(current_app.secret_key))


def _token() -> str:
    """This session's token, which every form carries: another site can post a form, but not know it."""
    return str(session.setdefault("token", secrets.token_urlsafe(24)))


def _has_token() -> bool:
    given = request.headers.get("X-CSRF-Token") or request.form.get("token", "")
    return "token" in session and hmac.compare_digest(given.encode("utf-8", "replace"), _token().encode())


def own(address: str) -> str:
    """A page of ours to go on to; anything else is the first page."""
    ours = address.startswith("/") and not address.startswith("//") and "\\" not in address and address.isprintable()
    return address if ours else "/"


def _armour(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers[name] = value
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response


def names_of(hosts: Iterable[str]) -> frozenset[str]:
    """Host names as `permits` compares them."""
    return frozenset(host.strip().lower().rstrip(".") for host in hosts)
