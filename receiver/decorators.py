"""The decorators of handlers.py, for every kind of handler, and what makes a function one that cannot be called."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from receiver.errors import Problem
from receiver.event import EventType

__all__ = ["Decorators", "call_problems", "name_of"]

F = TypeVar("F", bound=Callable[..., object])


class Decorators(ABC, Generic[F]):
    """One decorator for each event type, and `any`."""

    def post_call(self, handler: F) -> F:
        """After a call."""
        return self._add(EventType.POST_CALL, handler)

    def pre_call(self, handler: F) -> F:
        """Before a call is connected to its end number."""
        return self._add(EventType.PRE_CALL, handler)

    def sms(self, handler: F) -> F:
        """A text message."""
        return self._add(EventType.SMS, handler)

    def any(self, handler: F) -> F:
        """Every event type, also events whose macro leaves the type out."""
        return self._add(None, handler)

    @abstractmethod
    def _add(self, event_type: EventType | None, handler: F) -> F:
        """Take a handler for a type; None is `any`."""


def call_problems(where: str, handler: Callable[..., object]) -> Iterator[Problem]:
    """Why a handler cannot be called with an event."""
    if inspect.iscoroutinefunction(handler):
        yield Problem(where, "is async", "write a plain `def`: each handler has a thread of its own")
    elif not _takes_an_event(handler):
        yield Problem(where, "cannot be called with an event alone", "give it one parameter, the CallEvent")


def name_of(handler: Callable[..., object]) -> str:
    """What a handler is called where it is told of."""
    return getattr(handler, "__qualname__", repr(handler))


def _takes_an_event(handler: Callable[..., object]) -> bool:
    try:
        inspect.signature(handler).bind(None)
    except (TypeError, ValueError):
        return False
    return True
