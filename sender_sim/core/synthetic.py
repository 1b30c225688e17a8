"""Made-up calls: the same seed gives the same calls. Phone numbers are from ranges reserved for fiction."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import cycle
from typing import TYPE_CHECKING, Final

from sender_sim.core import hostile
from sender_sim.core.call import Call, Direction, Kind
from sender_sim.core.spread import About, Spread

if TYPE_CHECKING:
    from random import Random

__all__ = ["EVERYDAY", "Profile", "call", "calls", "sample"]

_AREAS: Final = ("Stockholm", "Göteborg", "Malmö", "Umeå", "London", "")
_CHANNELS: Final = ("Google SEM", "Google organic", "Bing Ads", "Direct", "Facebook", "Newsletter åäö")
_TEXTS: Final = ("Call me back, please", "Är ni öppna på lördag?", "Tack! 👍", "50% off & more?")
_NUMBERS: Final = ("from_nr", "to_nr", "end_nr")
_TALK: Final = About(timedelta(minutes=3))
_RECORDING: Final = About(timedelta(minutes=6))


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What calls are like. Shares are from 0 to 1.

    They come `every` so often on average, or are spread evenly `over` a time. `sms` is the share of text messages;
    `outbound` and `answered` are shares of the calls, `recorded` of the answered ones. `recording` is how long after
    the end of a call its recording exists. `hostile`: texts and numbers are from `core.hostile`.
    """

    every: timedelta = timedelta(minutes=2)
    over: timedelta | None = None
    sms: float = 0.15
    outbound: float = 0.2
    answered: float = 0.8
    duration: Spread = _TALK
    recorded: float = 0.9
    recording: Spread = _RECORDING
    hostile: bool = False


EVERYDAY: Final = Profile()


def calls(random: "Random", count: int, start: datetime, profile: Profile = EVERYDAY) -> Iterator[Call]:
    """`count` calls from `start` on, in the order of their starts; made when they are asked for."""
    texts = cycle(hostile.TEXTS.items())
    for at in _starts(random, count, profile):
        kind = random.choices((Kind.VOICE, Kind.SMS), (1 - profile.sms, profile.sms))[0]
        made = call(random, kind, start + timedelta(seconds=int(at)), profile)
        yield _made_hostile(random, made, *next(texts)) if profile.hostile else made


def call(random: "Random", kind: Kind, start: datetime, profile: Profile = EVERYDAY) -> Call:
    """One call or text message, with plain text."""
    direction = random.choices((Direction.INBOUND, Direction.OUTBOUND), (1 - profile.outbound, profile.outbound))[0]
    answered = kind is Kind.VOICE and random.random() < profile.answered
    duration = max(timedelta(seconds=1), profile.duration.draw(random))
    call_id = f"{random.getrandbits(64):016x}"
    return Call(
        id=call_id,
        fsid=f"FS-{random.getrandbits(32):08x}",
        start=start,
        kind=kind,
        direction=direction if kind is Kind.VOICE else Direction.INBOUND,
        duration=duration if answered else timedelta(0),
        answered=answered,
        recording_after=_recording(random, profile) if answered else None,
        recording_id=f"rec-{call_id}",
        details=_details(random, kind),
    )


def sample(start: datetime) -> Call:
    """The sample data of a test request (C10)."""
    return Call(
        id="test-request",
        fsid="FS-test-request",
        start=start,
        duration=timedelta(seconds=63),
        answered=True,
        details={
            "from_nr": "+46701740605",
            "from_nr_area": "Stockholm",
            "to_nr": "+46701740633",
            "end_nr": "+46701740699",
            "channel": "Google SEM",
            "url": "https://www.example.com/?q=a&b=c",
            "details": "Test request",
            "custnr": "1000",
        },
    )


def _starts(random: "Random", count: int, profile: Profile) -> Iterator[float]:
    """When calls begin, in order, in seconds from the start."""
    at = 0.0
    for left in range(count, 0, -1):
        if profile.over is not None:
            # The least of `left` numbers drawn from 0 to 1 is distributed like this: so all come in order, unsorted.
            at += (profile.over.total_seconds() - at) * (1 - random.random() ** (1 / left))
        yield at
        if profile.over is None:
            at += random.expovariate(1 / profile.every.total_seconds())


def _made_hostile(random: "Random", call: Call, name: str, text: str) -> Call:
    """The call with this text in every field of text, and its name at the end of the `fsid`."""
    details = {field: random.choice(hostile.NUMBERS) if field in _NUMBERS else text for field in call.details}
    return replace(call, fsid=f"{call.fsid}-{name}", details=details)


def _recording(random: "Random", profile: Profile) -> timedelta | None:
    after = profile.recording.draw(random)
    return after if random.random() < profile.recorded else None


def _details(random: "Random", kind: Kind) -> dict[str, str]:
    visitor = f"https://www.example.com/?utm_source={random.randrange(100)}&q=ö"
    online = random.random() < 0.5
    return {
        "from_nr": _number(random),
        "from_nr_area": random.choice(_AREAS),
        "to_nr": _number(random),
        "end_nr": _number(random),
        "channel": random.choice(_CHANNELS),
        "publisher_id": str(random.randrange(1000)) if random.random() < 0.3 else "",
        "campaign_id": str(random.randrange(1000)) if random.random() < 0.3 else "",
        "referrer": "https://www.example.com/" if online else "",
        "url": visitor if online else "",
        "details": random.choice(_TEXTS) if kind is Kind.SMS else "",
        "custnr": str(random.randrange(1000, 9999)),
    }


def _number(random: "Random") -> str:
    """A Swedish or British mobile number that no one has."""
    if random.random() < 0.8:
        return f"+46701740{random.randrange(605, 700)}"
    return f"+447700900{random.randrange(1000):03d}"
