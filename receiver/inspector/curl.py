"""A stored request as a command that sends exactly its bytes again, whatever they are and whatever shell reads it."""

from typing import Final

__all__ = ["LONGEST", "command"]

# Systems take no longer argument than 128 KiB, and nobody copies more than a screen of it.
LONGEST: Final = 16_384

_PRINTABLE: Final = range(0x20, 0x7F)
# What means something to the shell or to printf.
_PIECES: Final = {ord("'"): r"\047", ord("%"): "%%", ord("\\"): r"\\"}


def command(url: str, content_type: str | None, body: bytes) -> str | None:
    """The command, printable ASCII only: no byte of a request acts on a terminal. None: the body is too long for one.

    `printf` and its octal escapes are POSIX's; `--data-raw` takes text as it stands.
    """
    if len(body) > LONGEST:
        return None
    # Without a value curl leaves the header out; it would send one of its own.
    header = f"Content-Type: {content_type}" if content_type else "Content-Type:"
    send = f"curl {_quoted(url)} \\\n  --header {_quoted(header)} \\\n"
    if all(byte in _PRINTABLE for byte in body):
        return f"{send}  --data-raw {_quoted(body.decode('ascii'))}"
    return f"printf '{_escaped(body)}' |\n{send}  --data-binary @-"


def _quoted(text: str) -> str:
    """One argument; what does not print in ASCII is escaped, which no header of HTTP needs."""
    plain = "".join(each if ord(each) in _PRINTABLE else ascii(each)[1:-1] for each in text)
    return "'" + plain.replace("'", "'\\''") + "'"


def _escaped(body: bytes) -> str:
    """The format that makes `printf` write a body; one that began with `-` would be an option."""
    pieces = [_PIECES.get(byte, chr(byte) if byte in _PRINTABLE else f"\\{byte:03o}") for byte in body]
    return "".join([f"\\{body[0]:03o}", *pieces[1:]])
