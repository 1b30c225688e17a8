"""How the characters of a body are written: what is the same text can be other bytes, and a signature is over bytes."""

from collections.abc import Iterable, Iterator

from sender_sim.compare.model import Difference, Piece

__all__ = ["character", "differences"]


def character(char: str, where: str, kaisa: bytes, simulator: bytes) -> Piece:
    """One character, and the kind of difference it would be."""
    if kaisa.lower() == simulator.lower():
        what = "hex digits of escapes"
    elif max(kaisa) > 0x7F:
        what = "characters beyond ASCII"
    else:
        what = f"escaping of {'a space' if char == ' ' else ascii(char)}"
    return Piece(what, where, kaisa, simulator)


def differences(pieces: Iterable[Piece]) -> Iterator[Difference]:
    """What is written differently: each kind once, with its first example and every name it was seen in."""
    kinds: dict[str, list[Piece]] = {}
    for piece in pieces:
        if piece.kaisa != piece.simulator:
            kinds.setdefault(piece.what, []).append(piece)
    for what, found in kinds.items():
        where = tuple(dict.fromkeys(piece.where for piece in found if piece.where))
        yield Difference(what, _shown(found[0].kaisa), _shown(found[0].simulator), where=where)


def _shown(data: bytes) -> str:
    text = data.decode("utf-8", "backslashreplace")
    return repr(text) if text.isspace() else text or "nothing"
