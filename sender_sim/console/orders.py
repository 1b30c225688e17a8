"""The form that places a call: what was filled in -> a call, or what is wrong beside each field."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sender_sim.console.state import Placed
from sender_sim.console.trouble import TROUBLES, Trouble
from sender_sim.core import synthetic
from sender_sim.core.call import Call, Direction, Kind

__all__ = ["BLANK", "CALLS_AT_ONCE", "KINDS", "OrderError", "made_up", "order"]

KINDS: Final = {"inbound": "Inbound call", "outbound": "Outbound call", "sms": "SMS"}
CALLS_AT_ONCE: Final = 500
# What stands in the form until something else is typed.
BLANK: Final[dict[str, str]] = {
    "kind": "inbound",
    "answered": "on",
    "duration": "95",
    "recording": "never",
    "recording_after": "5",
    "from_nr": "",
    "to_nr": "",
    "channel": "",
    "text": "",
    "trouble": "",
    "trouble_attempts": "1",
}
_LONGEST_CALL: Final = 24 * 60 * 60
_LATEST_RECORDING: Final = 7 * 24 * 60
_LONGEST_TEXT: Final = 2_000


class OrderError(ValueError):
    """A form that cannot be used; `problems` says what is wrong beside each field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {words}" for name, words in problems.items()))
        self.problems = dict(problems)


@dataclass(slots=True)
class _Reader:
    """Reads a form's fields and notes what is wrong with them."""

    form: Mapping[str, str]
    problems: dict[str, str]

    def choice(self, name: str, known: Mapping[str, str]) -> str:
        text = self.form.get(name, "")
        if text not in known:
            self.problems[name] = f"is none of {', '.join(known)}"
        return text

    def number(self, name: str, most: float, unit: str, *, whole: bool = False) -> float:
        text = self.form.get(name, "").strip().replace(",", ".")
        try:
            number = float(int(text) if whole else float(text))
        except (ValueError, OverflowError):
            number = -1.0
        if 0 <= number <= most:
            return number
        self.problems[name] = f"must be {'a whole number' if whole else 'a number'} of {unit} from 0 to {most:g}"
        return 0.0

    def text(self, name: str) -> str:
        text = self.form.get(name, "").replace("\r\n", "\n")
        if len(text) > _LONGEST_TEXT:
            self.problems[name] = f"has {len(text)} characters; {_LONGEST_TEXT} are the most"
        return text


def order(form: Mapping[str, str], now: datetime, chance: random.Random) -> Placed:
    """The call a form asks for, beginning now; what was left empty is made up. Raises OrderError."""
    read = _Reader(form, {})
    kind = Kind.SMS if read.choice("kind", KINDS) == "sms" else Kind.VOICE
    made_up = synthetic.call(chance, kind, now)
    details = {name: read.text(name) for name in ("from_nr", "to_nr", "channel")} | {"details": read.text("text")}
    call = replace(made_up, details=made_up.details | {name: text for name, text in details.items() if text})
    placed = Placed(_voice(call, read) if kind is Kind.VOICE else call, _trouble(read))
    if read.problems:
        raise OrderError(read.problems)
    return placed


def made_up(form: Mapping[str, str], now: datetime, chance: random.Random) -> list[Placed]:
    """As many calls as a form asks for, from now on, with what makes them up. Raises OrderError."""
    read = _Reader(form, {})
    count = int(read.number("count", CALLS_AT_ONCE, "calls", whole=True))
    if read.problems:
        raise OrderError(read.problems)
    return [Placed(call, None) for call in synthetic.calls(chance, count, now)]


def _voice(call: Call, read: _Reader) -> Call:
    seconds = read.number("duration", _LONGEST_CALL, "seconds", whole=True)
    after = None
    if read.form.get("recording") == "after":
        after = timedelta(minutes=read.number("recording_after", _LATEST_RECORDING, "minutes"))
    return replace(
        call,
        direction=Direction.OUTBOUND if read.form.get("kind") == "outbound" else Direction.INBOUND,
        answered="answered" in read.form,
        duration=timedelta(seconds=seconds),
        recording_after=after,
    )


def _trouble(read: _Reader) -> Trouble | None:
    if not read.form.get("trouble"):
        return None
    fault = read.choice("trouble", TROUBLES)
    return Trouble(fault, int(read.number("trouble_attempts", 337, "attempts", whole=True)))
