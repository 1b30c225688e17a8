"""A delivery in its parts, which a check may alter before they become one body."""

from dataclasses import dataclass

from receiver import wire
from sender_sim.core import encode

__all__ = ["Message"]


@dataclass(frozen=True, slots=True)
class Message:
    """Data in an encoding (wire.FORM or wire.JSON), and the signature that goes with it; None: none does."""

    encoding: str
    data: bytes
    signature: str | None = None

    @property
    def content_type(self) -> str:
        """As Kaisa names it."""
        return wire.CONTENT_TYPES[self.encoding]

    def body(self) -> bytes:
        """The data, or an envelope around it (C7)."""
        if self.signature is None:
            return self.data
        return self.envelope(payload=self.data.decode("utf-8", "surrogatepass"), sign=self.signature)

    def envelope(self, **parts: str) -> bytes:
        """An envelope of these parts, `payload` and `sign` or fewer."""
        return encode.data(list(parts.items()), self.encoding)
