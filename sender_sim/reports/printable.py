"""Text from outside, safe on a terminal."""

__all__ = ["blotted", "printable"]


def printable(text: str) -> str:
    """The text without what a terminal would obey, such as its escapes and changes of direction."""
    return "".join(char if _shown(char) else ascii(char)[1:-1] for char in text)


def blotted(text: str) -> str:
    """The same with a `?` for each of them: a caret below the text stays where it is."""
    return "".join(char if _shown(char) else "?" for char in text)


def _shown(char: str) -> bool:
    return char.isprintable() or char in "\n\t"
