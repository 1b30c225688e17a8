"""What goes into the store, made up."""

from datetime import datetime

from receiver.errors import UnreadableBody
from receiver.store.records import Arrival, Delivery, Stored
from tests.calls import FORM
from tests.clock import NOON


def delivery(content: str = "first", *, key: str = "event:1", at: datetime = NOON) -> Delivery:
    return Delivery(
        arrival=Arrival(FORM, content.encode("utf-8", "surrogatepass"), at, "192.0.2.1"),
        key=key,
        digest=f"digest of {content[:20]}",
        encoding="form",
        signed_by="a" * 64,
        call_id="call-1",
        event_type=0,
        numbers=("+46701234567", "+46812345678"),
        fields={"id": "call-1", "details": content},
        wire_values={"call": "call-1", "text": content},
    )


def refusal(detail: str = "cannot be read") -> UnreadableBody:
    return UnreadableBody(detail, code="malformed-form")


def claim_of(stored: Stored) -> str:
    """The claim that comes with a delivery whose handler is to run."""
    assert stored.claim is not None
    return stored.claim
