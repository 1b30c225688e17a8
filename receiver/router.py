"""Which function handles which event. `handlers.py` fills a `Router`; the receiver asks it."""

import importlib
from collections.abc import Callable, Iterator

from receiver.background import Background
from receiver.decorators import Decorators, call_problems, name_of
from receiver.errors import ConfigurationError, Problem
from receiver.event import CallEvent, EventType

__all__ = ["Handler", "Router", "load"]

Handler = Callable[[CallEvent], str | None]


class Router(Decorators[Handler]):
    """Handlers by event type: one for each, and `any` for what has none of its own.

    A handler is given a CallEvent and returns up to 40 characters that Kaisa saves with the call, or None.
    `background` takes handlers that run after the answer, beside these.
    """

    def __init__(self) -> None:
        self.background = Background()
        self._handlers: dict[EventType | None, Handler] = {}

    def handler_for(self, event_type: EventType | None) -> Handler | None:
        """The handler of an event type; None where nothing is to be done."""
        return self._handlers.get(event_type) or self._handlers.get(None)

    def problems(self) -> Iterator[Problem]:
        """What would make every event fail: no handler at all, or one that cannot be called with an event."""
        if not self._handlers and not self.background:
            yield Problem("handlers", "there is none", "decorate a function, as receiver/handlers.py does")
        for handler in dict.fromkeys(self._handlers.values()):
            yield from call_problems(f"handler {name_of(handler)}", handler)
        yield from self.background.problems()

    def _add(self, event_type: EventType | None, handler: Handler) -> Handler:
        first = self._handlers.setdefault(event_type, handler)
        if first is not handler:
            kind = event_type.label if event_type is not None else "any"
            raise ConfigurationError(
                [
                    Problem(
                        f"handlers for {kind}",
                        f"{name_of(handler)} and {name_of(first)} both handle it; one answer is all Kaisa saves",
                        "keep one, and call the other from it",
                    )
                ]
            )
        return handler


def load(module_name: str) -> Router:
    """The Router in a module. Raises ConfigurationError: no such module, an error in it, no Router or several."""
    where = f"KAISA_HANDLERS={module_name}"
    try:
        module = importlib.import_module(module_name)
    except ConfigurationError:
        raise
    except (Exception, SystemExit) as error:  # the customer's file may raise anything
        what = f"cannot be imported: {type(error).__name__}: {error}"
        raise ConfigurationError([Problem(where, what, "mend the module, or name another one")]) from error
    routers = {id(value): value for value in vars(module).values() if isinstance(value, Router)}
    if len(routers) != 1:
        what = f"holds {len(routers) or 'no'} Router"
        remedy = "write `on = Router()` once in it and decorate the handlers with it, as receiver/handlers.py does"
        raise ConfigurationError([Problem(where, what, remedy)])
    (router,) = routers.values()
    if problems := [*router.problems()]:
        raise ConfigurationError(problems)
    return router
