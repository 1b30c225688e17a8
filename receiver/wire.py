"""The contract of the wire, stated once, as data: names, limits, defaults.

Rule numbers (C1-C11, R1-R7) are those of docs/contract.md. "S" is published by Kaisa, "D" is decided by this project.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Final

__all__ = [
    "APPEND_KEY",
    "APPEND_LIMIT",
    "ATTEMPT_TIMEOUT",
    "CONTENT_TYPES",
    "DEFAULT_MACRO",
    "DIGESTS",
    "FIELDS",
    "FORM",
    "JSON",
    "MIN_RSA_BITS",
    "PADDINGS",
    "PAYLOAD",
    "RECORDING_FIELD",
    "RECORDING_WAIT",
    "RETRY_INTERVAL",
    "RETRY_WINDOW",
    "SIGN",
    "SIGNATURE_ENCODINGS",
    "START_FORMAT",
    "SUCCESS",
    "EventType",
    "Field",
]


class EventType(IntEnum):
    """What a delivery reports (S): the values of `event_type`."""

    POST_CALL = 0
    SMS = 1
    PRE_CALL = 2

    @property
    def label(self) -> str:
        """The name people use: `post-call`, `sms`, `pre-call`."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Field:
    """One value Kaisa knows of a call, written `{name}` in a macro."""

    name: str
    meaning: str


RECORDING_FIELD: Final = "recording_id"

FIELDS: Final = (
    Field("start", "start time of the call, UTC, YYYY-MM-DD HH:MM:SS"),
    Field("duration", "duration of the call in seconds"),
    Field("from_nr", "the caller's phone number"),
    Field("from_nr_area", "the caller's geographical area"),
    Field("to_nr", "the tracking phone number"),
    Field("end_nr", "the destination phone number"),
    Field("channel", "channel, for example Google SEM"),
    Field("answered", "1 if the call was answered, else 0"),
    Field("publisher_id", "publisher id, if one exists"),
    Field("campaign_id", "campaign id, if one exists"),
    Field("referrer", "the visitor's referrer URL, if one exists"),
    Field("url", "the visitor's URL, if one exists"),
    Field("details", "additional details; the text of an SMS"),
    Field("custnr", "unique customer id"),
    Field("event_type", "0 post-call, 1 SMS, 2 pre-call"),
    Field("id", "unique call id"),
    Field("fsid", "unique Kaisa call id"),
    Field(RECORDING_FIELD, "id of the recording; only while the post-call waits for recordings (C9)"),
)

DEFAULT_MACRO: Final = "&".join(f"{field.name}={{{field.name}}}" for field in FIELDS if field.name != RECORDING_FIELD)

START_FORMAT: Final = "%Y-%m-%d %H:%M:%S"

# C4: the two encodings and their content types.
FORM: Final = "form"
JSON: Final = "json"
CONTENT_TYPES: Final = {FORM: "application/x-www-form-urlencoded", JSON: "application/json"}

# C7: the two names of a signed body, and the signature profiles both sides can be set to (D). The first is the default.
PAYLOAD: Final = "payload"
SIGN: Final = "sign"
DIGESTS: Final = ("sha256", "sha384", "sha512", "sha1")
PADDINGS: Final = ("pkcs1v15", "pss")
SIGNATURE_ENCODINGS: Final = ("base64", "base64url", "hex")
MIN_RSA_BITS: Final = 2048

# R2-R4: what success is, how long an attempt may take, when the next one comes and when there is none.
SUCCESS: Final = 200
ATTEMPT_TIMEOUT: Final = timedelta(seconds=20)
RETRY_INTERVAL: Final = timedelta(minutes=30)
RETRY_WINDOW: Final = timedelta(days=7)

# R6: how long a post-call waits for its recording, from the end of the call.
RECORDING_WAIT: Final = timedelta(minutes=30)

# R7: the answer that is saved with the call, counted in Unicode code points.
APPEND_KEY: Final = "append"
APPEND_LIMIT: Final = 40
