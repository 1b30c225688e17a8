"""Made-up calls: the same seed gives the same calls. Phone numbers are from ranges reserved for fiction."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sender_sim.core.call import Call, Direction, Kind

if TYPE_CHECKING:
    from random import Random

__all__ = ["call", "calls", "sample"]

_AREAS: Final = ("Stockholm", "Göteborg", "Malmö", "Umeå", "London", "")
_CHANNELS: Final = ("Google SEM", "Google organic", "Bing Ads", "Direct", "Facebook", "Newsletter åäö")
_TEXTS: Final = ("Call me back, please", "Är ni öppna på lördag?", "Tack! 👍", "50% off & more?")
_MEAN_GAP: Final = timedelta(minutes=2)
_MEAN_DURATION: Final = timedelta(minutes=3)
_MEAN_RECORDING: Final = timedelta(minutes=6)


def calls(random: "Random", count: int, start: datetime) -> Iterator[Call]:
    """`count` calls from `start` on: inbound, outbound and SMS; answered or not; recordings soon, late or never."""
    at = start
    for _ in range(count):
        kind = random.choices((Kind.VOICE, Kind.SMS), (85, 15))[0]
        yield call(random, kind, at)
        at += timedelta(seconds=round(random.expovariate(1 / _MEAN_GAP.total_seconds())))


def call(random: "Random", kind: Kind, start: datetime) -> Call:
    """One call or text message."""
    direction = random.choices((Direction.INBOUND, Direction.OUTBOUND), (80, 20))[0]
    answered = kind is Kind.VOICE and random.random() < 0.8
    seconds = round(random.expovariate(1 / _MEAN_DURATION.total_seconds())) + 1
    call_id = f"{random.getrandbits(64):016x}"
    return Call(
        id=call_id,
        fsid=f"FS-{random.getrandbits(32):08x}",
        start=start,
        kind=kind,
        direction=direction if kind is Kind.VOICE else Direction.INBOUND,
        duration=timedelta(seconds=seconds if answered else 0),
        answered=answered,
        recording_after=_recording(random) if answered else None,
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


def _recording(random: "Random") -> timedelta | None:
    """Nine in ten calls are recorded; the odd recording is found only after Kaisa has stopped waiting."""
    after = timedelta(seconds=round(random.expovariate(1 / _MEAN_RECORDING.total_seconds())))
    return after if random.random() < 0.9 else None


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
