"""What can go wrong, as one tree. Each error says what happened and what to change.

A `Refusal` becomes an answer other than 200, as `application/problem+json` (RFC 9457); Kaisa then tries again, so
refusing loses nothing. A `ConfigurationError` holds every mistake of the settings and stops the receiver at start.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

__all__ = [
    "BadRequest",
    "BodyTooLarge",
    "ConfigurationError",
    "HandlerFailed",
    "HandlerRunning",
    "InternalError",
    "InvalidFields",
    "KitError",
    "MethodNotAllowed",
    "NotFound",
    "NotReplayable",
    "Problem",
    "Refusal",
    "SignatureMissing",
    "SignatureWrong",
    "StoreUnavailable",
    "UnreadableBody",
    "UnsupportedContentType",
    "shortened",
    "shown",
]

_SHOWN: Final = 40


class KitError(Exception):
    """Anything this package raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it stands, what it is, what to change."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}\n    -> {self.remedy}"


class ConfigurationError(KitError):
    """Settings the receiver cannot start with."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class NotReplayable(KitError):
    """A stored delivery whose handler cannot be run again (now)."""


class Refusal(KitError):
    """A request that is not answered 200. `code` is stable: programs may compare it.

    `kept` says whether the request is stored for the operator to look at. `evidence` is for the operator alone: it may
    name paths, hosts and keys, which a stranger must not learn from the answer.
    """

    status: ClassVar[int]
    title: ClassVar[str]
    code: str
    remedy: str
    codes: ClassVar[tuple[str, ...]] = ()
    kept: ClassVar[bool] = True

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        remedy: str | None = None,
        problems: Sequence[Problem] = (),
        evidence: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.evidence = evidence
        self.code = code or self.code
        self.remedy = remedy or self.remedy
        self.problems = tuple(problems)

    def document(self) -> dict[str, object]:
        """The RFC 9457 problem document."""
        document: dict[str, object] = {
            "type": f"urn:kaisa-webhook-kit:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "remedy": self.remedy,
        }
        if self.problems:
            document["errors"] = [
                {"field": problem.where, "detail": problem.what, "remedy": problem.remedy} for problem in self.problems
            ]
        return document


class BadRequest(Refusal):
    """A request that is wrong before anyone looks at its body."""

    status = 400
    title = "The request cannot be understood"
    code = "bad-request"
    remedy = "send the data as Kaisa does: POST to the path in KAISA_WEBHOOK_PATH"
    kept = False


class UnreadableBody(Refusal):
    """The body is not what its content type says, or says one thing twice."""

    status = 400
    title = "The body cannot be read"
    code = "unreadable-body"
    codes = (
        "malformed-form",
        "malformed-json",
        "duplicate-field",
        "not-utf-8",
        "empty-body",
        "truncated-body",
        "malformed-chunks",
    )
    remedy = "send what the content type promises, in UTF-8, each name once"


class SignatureMissing(Refusal):
    """Signatures are required and the body carries none."""

    status = 401
    title = "The request is not signed"
    code = "signature-missing"
    remedy = (
        "switch on 'Include SSL signature with all requests' in Kaisa's Setup; "
        "to accept unsigned data instead, unset KAISA_TRUSTED_KEYS and set KAISA_ACCEPT_UNSIGNED=true"
    )


class SignatureWrong(Refusal):
    """No trusted key made this signature over these bytes."""

    status = 403
    title = "The signature does not verify"
    code = "signature-wrong"
    codes = ("signature-malformed", "signature-wrong")
    remedy = (
        "check that KAISA_TRUSTED_KEYS holds Kaisa's current key and that KAISA_SIGNATURE_DIGEST, _PADDING and "
        "_ENCODING are what Kaisa uses; if they are, the request was altered or is not from Kaisa"
    )


class NotFound(Refusal):
    """No page at this path."""

    status = 404
    title = "Nothing is here"
    code = "not-found"
    remedy = "send webhooks to the path in KAISA_WEBHOOK_PATH"
    kept = False


class MethodNotAllowed(Refusal):
    """The path is right, the method is not: the webhook takes POST and nothing else."""

    status = 405
    title = "The method is not answered here"
    code = "method-not-allowed"
    remedy = "send the data with POST"
    kept = False


class BodyTooLarge(Refusal):
    """The body is over KAISA_MAX_BODY."""

    status = 413
    title = "The body is too large"
    code = "body-too-large"
    remedy = "shorten the macro in Kaisa's Setup, or raise KAISA_MAX_BODY"
    kept = False


class UnsupportedContentType(Refusal):
    """Neither form nor JSON."""

    status = 415
    title = "The content type is not one Kaisa sends"
    code = "unsupported-content-type"
    remedy = "send application/x-www-form-urlencoded or application/json, in UTF-8"


class InvalidFields(Refusal):
    """The body reads well, but a field holds what it cannot."""

    status = 422
    title = "Fields do not hold what they should"
    code = "invalid-fields"
    codes = ("invalid-fields", "macro-mismatch")
    remedy = "compare KAISA_MACRO with the macro in Kaisa's Setup: the two must be the same text"


class HandlerFailed(Refusal):
    """A handler raised; the delivery is stored and the next attempt runs it again."""

    status = 500
    title = "The handler failed"
    code = "handler-failed"
    remedy = (
        "mend the handler: `receiver deliveries list --format json` has the traceback; the next attempt runs it again"
    )
    kept = False


class InternalError(Refusal):
    """A bug of the receiver; its traceback is in the log."""

    status = 500
    title = "The receiver failed"
    code = "internal-error"
    remedy = 'look for "internal error" in the receiver\'s log and report it; the next attempt may succeed'
    kept = False


class HandlerRunning(Refusal):
    """A handler has not finished yet; the delivery is stored and the next attempt gets its answer."""

    status = 503
    title = "The handler is still running"
    code = "handler-running"
    remedy = "nothing: the next attempt gets the stored answer. If it happens often, make the handler faster"
    kept = False


class StoreUnavailable(Refusal):
    """The database cannot be written, so nothing may be acknowledged."""

    status = 503
    title = "The store cannot be written"
    code = "store-unavailable"
    remedy = "check the database in DATABASE_URL: that it is up, writable and has room"
    kept = False

    def __init__(self, detail: str, *, cause: str) -> None:
        super().__init__(detail, evidence=cause)
        self.cause = cause


def shown(value: object) -> str:
    """A value from outside, for a message: escaped and cut, because messages are answered, logged and stored."""
    return shortened(ascii(value))


def shortened(text: str) -> str:
    """Text from outside in at most 40 characters."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
