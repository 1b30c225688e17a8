"""A handler's result -> the body of a 200: `{"append": "..."}` or `{}` (R7)."""

import json
from dataclasses import dataclass
from typing import Final

from receiver import wire

__all__ = ["EMPTY", "Answer", "answer", "fit"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered with 200 and stored with the delivery. `cut` says the handler's text was too long."""

    append: str | None = None
    cut: bool = False

    def body(self) -> str:
        """The JSON text, ASCII only."""
        return json.dumps({} if self.append is None else {wire.APPEND_KEY: self.append})


EMPTY: Final = Answer()


def answer(result: object) -> Answer:
    """Turn what a handler returned, text or None, into an answer. Raises TypeError for anything else."""
    if result is None:
        return EMPTY
    if not isinstance(result, str):
        raise TypeError(f"the handler returned {type(result).__name__}; return text of at most 40 characters, or None")
    append = fit(result)
    return Answer(append, cut=append != result)


def fit(text: str) -> str:
    """The longest start of `text` of at most 40 code points that ends between two graphemes (D)."""
    if len(text) <= wire.APPEND_LIMIT:
        return text
    import regex  # large, and needed by few

    end = 0
    for grapheme in regex.finditer(r"\X", text):
        if grapheme.end() > wire.APPEND_LIMIT:
            break
        end = grapheme.end()
    return text[:end]
