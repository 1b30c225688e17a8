"""Who may look: a session for whoever knows the password, in a signed cookie that is stored nowhere else.

Its key is derived from the password: every worker and machine has the same one without a further setting, and a new
password ends every session. By scrypt, so that a cookie somebody got hold of is a slow way to try passwords.
"""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from typing import Final

from flask import Flask, Request, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

__all__ = [
    "PREFIX",
    "add_sessions",
    "close",
    "csrf_token",
    "hide_numbers",
    "is_forged",
    "is_open",
    "is_password",
    "numbers_shown_until",
    "open_",
    "show_numbers",
]

PREFIX: Final = "/inspect"

_SALT: Final = b"kaisa-webhook-kit: sessions of the inspector"
_LONGEST: Final = timedelta(hours=12)
# Long enough to read a page, short enough for a screen that is left alone.
_NUMBERS_SHOWN: Final = timedelta(minutes=10)
_SINCE: Final = "since"
_CSRF: Final = "csrf"
_NUMBERS: Final = "numbers"


class _Sessions(SecureCookieSessionInterface):
    """Flask's signed cookies, for the inspector's paths alone: a webhook has no session."""

    salt = "inspector"
    digest_method = staticmethod(hashlib.sha256)

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        mine = request.path == PREFIX or request.path.startswith(f"{PREFIX}/")
        return super().open_session(app, request) if mine else None

    def get_cookie_path(self, app: Flask) -> str:  # noqa: ARG002 - Flask's signature
        return f"{request.script_root}{PREFIX}"

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - Flask's signature
        return request.is_secure


def add_sessions(app: Flask, password: str) -> None:
    """Give the application's inspector its sessions."""
    app.secret_key = hashlib.scrypt(_bytes(password), salt=_SALT, n=2**14, r=8, p=1)
    app.session_interface = _Sessions()
    app.config.update(
        SESSION_COOKIE_NAME="kaisa_inspector",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        PERMANENT_SESSION_LIFETIME=_LONGEST,
    )


def is_password(given: str, password: str) -> bool:
    """Whether it is the password, in a time that tells nothing of it, its length included."""
    return hmac.compare_digest(*(hashlib.sha256(_bytes(text)).digest() for text in (given, password)))


def open_(now: datetime) -> None:
    """Begin a session, with a new token: what was known of it before is worth nothing."""
    session.clear()
    session[_SINCE] = int(now.timestamp())
    csrf_token()


def close() -> None:
    """End it in this browser."""
    session.clear()


def is_open(now: datetime) -> bool:
    """Whether the request belongs to a session that was begun not too long ago."""
    return _SINCE in session and now.timestamp() - session[_SINCE] < _LONGEST.total_seconds()


def csrf_token() -> str:
    """What a form of this session carries, so that no other site can send it."""
    if _CSRF not in session:
        session[_CSRF] = secrets.token_urlsafe(18)
    return str(session[_CSRF])


def is_forged(token: str) -> bool:
    """Whether a form does not come from a page of this session."""
    return _CSRF not in session or not hmac.compare_digest(_bytes(token), _bytes(session[_CSRF]))


def show_numbers(page: str, now: datetime) -> None:
    """Show phone numbers on one page, for a while. Not in its address: who is sent that asks for himself."""
    session[_NUMBERS] = [page, int((now + _NUMBERS_SHOWN).timestamp())]


def hide_numbers() -> None:
    """Mask them again."""
    session.pop(_NUMBERS, None)


def numbers_shown_until(page: str, now: datetime) -> datetime | None:
    """Until when a page shows phone numbers; None: it masks them."""
    shown, until = session.get(_NUMBERS, ("", 0))
    return datetime.fromtimestamp(until, UTC) if shown == page and now.timestamp() < until else None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
