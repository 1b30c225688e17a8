"""Background handlers: functions that a worker runs beside the answer, as often as it takes (docs/background.md)."""

from collections.abc import Callable, Iterator

from receiver.decorators import Decorators, call_problems, name_of
from receiver.errors import Problem
from receiver.event import CallEvent, EventType

__all__ = ["Background", "BackgroundHandler"]

BackgroundHandler = Callable[[CallEvent], object]


class Background(Decorators[BackgroundHandler]):
    """Background handlers by event type. An event goes to each that wants its type, and to each under `any`.

    What they return is ignored. They run at least once, so their effects must be idempotent: use `event.key`.
    """

    def __init__(self) -> None:
        self._handlers: list[tuple[EventType | None, BackgroundHandler]] = []

    def __bool__(self) -> bool:
        return bool(self._handlers)

    def names_for(self, event_type: EventType | None) -> tuple[str, ...]:
        """The names of the handlers that want an event, each once."""
        wanted = (name_of(handler) for kind, handler in self._handlers if kind is None or kind == event_type)
        return tuple(dict.fromkeys(wanted))

    def find(self, name: str) -> BackgroundHandler | None:
        """The handler with a name."""
        return next((handler for _, handler in self._handlers if name_of(handler) == name), None)

    def problems(self) -> Iterator[Problem]:
        """What would make every job fail, or go to another handler than its own."""
        for handler in dict.fromkeys(handler for _, handler in self._handlers):
            where = f"background handler {name_of(handler)}"
            yield from call_problems(where, handler)
            if not hasattr(handler, "__qualname__"):
                yield Problem(where, "has no name to find its jobs by", "write it as a function")
            elif self.find(name_of(handler)) is not handler:
                yield Problem(where, "has the name of another one", "give each a name of its own: jobs are kept by it")

    def _add(self, event_type: EventType | None, handler: BackgroundHandler) -> BackgroundHandler:
        self._handlers.append((event_type, handler))
        return handler
