"""Where a request ends in the bytes that have come so far. Nothing else of it is read.

What cannot be framed counts as complete: gunicorn's parser is to say what is wrong with it.
"""

from typing import Final

__all__ = ["Framing"]

# More than gunicorn.conf.py permits of a request line, of the headers, or of the line before a chunk.
_LONGEST_HEAD: Final = 64 * 1024
_LONGEST_LINE: Final = 8 * 1024
# Digits of a length that could be meant.
_DIGITS: Final = 15
_END: Final = b"\r\n\r\n"


class Framing:
    """One request; its bytes are added as they come, and each is looked at once. A body may have `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self.data = bytearray()
        self.complete = False
        self.has_head = False
        self.expects_continue = False
        self._limit = limit
        self._step = self._look_for_head
        self._at = 0  # what is before it needs no second look
        self._body = 0  # bytes in the chunks so far

    def add(self, piece: bytes) -> None:
        """Take what came."""
        self.data += piece
        while not self.complete and self._step():
            pass

    def _look_for_head(self) -> bool:
        """Each step says whether there may be more to see."""
        end = self.data.find(_END, max(0, self._at - len(_END) + 1))
        if end < 0:
            self._at = len(self.data)
            self.complete = len(self.data) > _LONGEST_HEAD
            return False
        self.has_head = True
        self._at = end + len(_END)
        lines = bytes(self.data[:end]).lower().split(b"\r\n")[1:]
        fields = [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
        self.expects_continue = (b"expect", b"100-continue") in fields
        if any(name == b"transfer-encoding" for name, _ in fields):
            self._step = self._look_for_chunk
            return True
        self._expect([value for name, value in fields if name == b"content-length"])
        return True

    def _expect(self, lengths: list[bytes]) -> None:
        known = len(lengths) == 1 and lengths[0].isdigit() and len(lengths[0]) <= _DIGITS
        length = int(lengths[0]) if known else 0
        if length > self._limit:
            length = 0  # it will be refused unread
        self._at += length
        self._step = self._look_for_end

    def _look_for_end(self) -> bool:
        self.complete = len(self.data) >= self._at
        return False

    def _look_for_chunk(self) -> bool:
        if self._at > len(self.data):
            return False
        end = self.data.find(b"\r\n", self._at, self._at + _LONGEST_LINE)
        if end < 0:
            self.complete = len(self.data) > self._at + _LONGEST_LINE
            return False
        size = bytes(self.data[self._at : end]).partition(b";")[0].strip()
        try:
            length = int(size, 16) if len(size) <= _DIGITS else -1
        except ValueError:
            length = -1
        if length <= 0:
            self.complete = length < 0
            self._at = end  # the trailers end with an empty line, which may be the first
            self._step = self._look_for_trailers
            return True
        self._at = end + length + 4
        self._body += length
        if self._body > self._limit:  # refused as soon as one byte over the limit is there
            self._at -= self._body - self._limit + 1
            self._step = self._look_for_end
        return True

    def _look_for_trailers(self) -> bool:
        self.complete = self.data.find(_END, self._at) >= 0 or len(self.data) > self._at + _LONGEST_HEAD
        return False
