"""The sender behind the pages: where the integration stands, its calls and its clock. Restored from the state."""

import asyncio
import random
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from receiver.wire import EventType
from sender_sim.console.book import Book
from sender_sim.console.draft import Draft
from sender_sim.console.kept import Kept
from sender_sim.console.state import Placed, Saved, State, Taken
from sender_sim.console.travel import Itinerary, OpenTransport, Sink, Travel
from sender_sim.console.trouble import Trouble, plan
from sender_sim.core import lifecycle, rules, synthetic
from sender_sim.core.call import Call
from sender_sim.core.delivery import Attempt
from sender_sim.core.engine import Engine, request_for
from sender_sim.core.events import Event
from sender_sim.core.integration import Integration
from sender_sim.core.lifecycle import OutOfOrder, Stage, Step
from sender_sim.core.outcome import Outcome
from sender_sim.core.unfinished import Unfinished
from sender_sim.faults import Faulty
from sender_sim.settings import SettingsError
from sender_sim.transports import Breathing, Transport

__all__ = ["Busy", "Goal", "Options", "Simulation"]

# How long a page waits for what it asked for; what takes longer is shown as it comes.
_PATIENCE_SECONDS: Final = 1.0
_NOTHING: Final = Integration(url="", active=False)
_SAVES: Final = (Step.SAVE, Step.SAVE_AND_ACTIVATE)


class Goal(StrEnum):
    """Where a journey through time goes."""

    NEXT = "next"
    HALF_HOUR = "30m"
    DAY = "1d"
    END = "end"


class Busy(Exception):
    """Time is passing, and what was asked for needs it to stand still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How it sends; `ca` is the file with the CA that is trusted.

    `first` stands in the settings form until anything is saved. `timeout` and `breath` are seconds of real time.
    """

    open_transport: OpenTransport
    ca: Path | None = None
    allow_http: bool = False
    timeout: float | None = None
    breath: float = 0.0
    first: Draft = field(default_factory=Draft)


class Simulation:
    """One integration. Every method can be called from any thread."""

    def __init__(self, state: State, options: Options) -> None:
        self.state = state
        self.options = options
        self.book = Book()
        self.travel: Travel | None = None
        self.problem: str | None = None
        self._turn = threading.RLock()
        self._random = random.Random()  # noqa: S311 - made-up calls are no secret
        self._troubles: dict[str, Trouble] = {}
        self._integration, self._engine, self._now = _NOTHING, Engine(_NOTHING), state.start
        self._closed = False
        self._restore()

    @contextmanager
    def still(self) -> Iterator[None]:
        """Nothing changes in the block."""
        with self._turn:
            yield

    @property
    def now(self) -> datetime:
        """The simulated time."""
        return self._now

    @property
    def saved(self) -> Saved | None:
        """The settings in force; None: none were ever saved."""
        settings = self.state.settings()
        return settings[-1] if settings else None

    @property
    def travelling(self) -> bool:
        """Whether time passes towards a goal, rather than live or not at all."""
        return self.travel is not None and self.travel.itinerary.speed is None

    def silence(self, call: Call) -> str | None:
        """Why nothing is sent at the end of a call if the settings in force stay as they are; None: something is."""
        return rules.silence(call, self._integration)

    def trouble(self, call: str) -> Trouble | None:
        """What goes wrong with a call."""
        return self._troubles.get(call)

    def take(self, step: Step, draft: Draft | None = None) -> Stage:
        """Take a step of the life cycle; one that saves is given what the form holds.

        Raises OutOfOrder, SettingsError and Busy; then nothing has changed.
        """
        with self._turn:
            stage = lifecycle.after(self.state.stage, step)
            self._expect_stillness()
            active, saved = stage is Stage.ACTIVE, None
            if step in _SAVES:
                integration = self._load(draft or Draft(), active=active)
                saved = Saved(self._now, active, draft or Draft())
            elif step is Step.DEACTIVATE and (before := self.saved):
                integration = replace(self._integration, active=False)
                saved = Saved(self._now, active, before.draft)
            self.state.take(Taken(self._now, step, stage), saved)
            if saved:
                self._integration = integration
                self._engine.set_up(self._now, integration)
        if saved:
            self._play_out()
        return stage

    def problems_of(self, draft: Draft) -> tuple[str, ...]:
        """What is wrong with what the form holds."""
        try:
            self._load(draft, active=False)
        except SettingsError as error:
            return error.problems
        return ()

    def test(self) -> int:
        """Send a test request with the saved settings, once, and keep what came of it (C10); returns its number."""
        with self._turn:
            if not self.state.stage.has_settings:
                raise OutOfOrder("a test request needs a saved webhook URL: press SAVE first")
            request = request_for(synthetic.sample(self._now), EventType.POST_CALL, self._integration)
            attempt = Attempt("test-request", 1, self._now, request)

        async def send() -> Outcome:
            async with self.options.open_transport() as transport:
                return await transport.send(attempt)

        return self.state.test(attempt.at, request, asyncio.run(send()))

    def place(self, placed: Sequence[Placed]) -> None:
        """Let calls happen, from now on. Raises Busy."""
        with self._turn:
            self._expect_stillness()
            self.state.place(placed)
            for each in placed:
                self._expect(each)
                self._engine.place(each.call)
        self._play_out()

    def go(self, goal: Goal) -> None:
        """Let time pass. Raises Busy while it does."""
        with self._turn:
            coming = self.book.coming()
            until = {
                Goal.NEXT: coming[0].due if coming else self._now,
                Goal.HALF_HOUR: self._now + timedelta(minutes=30),
                Goal.DAY: self._now + timedelta(days=1),
                Goal.END: None,
            }[goal]
            self._begin(Itinerary(self._now, until))
        self._wait()

    def live(self, speed: float) -> None:
        """Let time pass by itself, `speed` times as fast as real time, until `pause`. Raises Busy."""
        with self._turn:
            self._begin(Itinerary(self._now, speed=speed))

    def pause(self) -> None:
        """Let time stand still, as soon as the attempts under way have come to their end."""
        if travel := self.travel:
            travel.stop()
            travel.wait(_PATIENCE_SECONDS)

    def close(self) -> None:
        """End everything at once; nothing is lost."""
        self._closed = True
        if travel := self.travel:
            travel.abandon()

    @property
    def random(self) -> random.Random:
        """Where made-up facts come from."""
        return self._random

    def _load(self, draft: Draft, *, active: bool) -> Integration:
        return draft.load(active=active, allow_http=self.options.allow_http, timeout=self.options.timeout)

    def _expect_stillness(self) -> None:
        if self.travelling:
            raise Busy("time is passing; pause it, or wait until it has come to its goal")

    def _expect(self, placed: Placed) -> None:
        self.book.place(placed.call)
        if placed.trouble:
            self._troubles[placed.call.id] = placed.trouble

    def _play_out(self) -> None:
        """Let happen what is due now; live, it does so by itself."""
        with self._turn:
            if self.travel is None:
                self._begin(Itinerary(self._now, self._now))
        self._wait()

    def _begin(self, itinerary: Itinerary) -> None:
        if self.travel:
            raise Busy("time is passing already; pause it first")
        self.problem = None
        sink = Sink(self._keep, self._arrive, self._over)
        self.travel = Travel(itinerary, self._engine, self._turn, self._transport, sink)
        self.travel.start()

    def _wait(self) -> None:
        travel = self.travel
        if travel and travel.itinerary.speed is None:
            travel.wait(_PATIENCE_SECONDS)

    def _keep(self, events: Sequence[Event]) -> None:
        if not events:
            return
        self.state.keep(events)
        with self._turn:
            for event in events:
                self.book.take(event)
            self._now = max(self._now, events[-1].at)

    def _arrive(self, now: datetime) -> None:
        with self._turn:
            self._now = max(self._now, now)
            self.state.arrive(self._now)

    def _over(self, problem: str | None) -> None:
        if self._closed:
            return
        with self._turn:
            self.travel = None
            if problem:
                self.problem = problem
                try:
                    self._restore()
                except (SettingsError, sqlite3.Error) as error:
                    self.problem = f"{problem}; {error}; start the console again when that is put right"

    @asynccontextmanager
    async def _transport(self) -> AsyncIterator[Transport]:
        async with self.options.open_transport() as transport:
            breathing = Breathing(transport, self.options.breath)
            yield Kept(Faulty(breathing, plan(self._troubles)), self.state)

    def _restore(self) -> None:
        """Be where the state says it was. Raises SettingsError where its settings cannot be used any more."""
        left, self.book, self._troubles = Unfinished(), Book(), {}
        for placed in self.state.placed():
            self._expect(placed)
        for event in self.state.events():
            left.take(event)
            self.book.take(event)
        self.book.interrupt()
        self._now = max(self.state.now, left.at or self.state.start)
        settings = self._settings(left)
        self._integration, self._engine = settings[-1], Engine(settings[left.changes])
        self._engine.resume(left, settings)
        for change in settings[left.changes + 1 :]:
            self._engine.set_up(self._now, change)
        for call in self.book.to_come:
            self._engine.place(call)

    def _settings(self, left: Unfinished) -> list[Integration]:
        """The settings that were in force, in order, as far as anything still needs them; the others are blank."""
        needed = {held.changes for held in left.held.values()}
        return [_NOTHING] + [
            self._load(saved.draft, active=saved.active) if number >= left.changes or number in needed else _NOTHING
            for number, saved in enumerate(self.state.settings(), 1)
        ]
