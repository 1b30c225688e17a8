"""Runs handlers within their budget. The outcome is stored whether or not a request still waits for it."""

import contextvars
import traceback
from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures import TimeoutError as BudgetSpent
from datetime import datetime, timedelta
from functools import partial

import structlog

from receiver import wire
from receiver.answer import Answer, answer
from receiver.errors import HandlerFailed, HandlerRunning, StoreUnavailable
from receiver.event import CallEvent
from receiver.router import Handler
from receiver.store.inbox import Inbox

__all__ = ["Handling"]

log = structlog.get_logger()


class Handling:
    """Handlers on an executor: a request waits `budget` at most, a handler runs to its end."""

    def __init__(self, inbox: Inbox, executor: Executor, *, budget: timedelta, clock: Callable[[], datetime]) -> None:
        self._inbox = inbox
        self._executor = executor
        self._budget = budget
        self._clock = clock

    def run(
        self, handler: Handler, delivery_id: int, claim: str, event: CallEvent, *, since: datetime | None = None
    ) -> Answer:
        """Run a claimed delivery's handler. Raises HandlerRunning over budget, HandlerFailed, StoreUnavailable.

        The budget counts from `since`, when the request came: what storing took is not there for the handler.
        """
        spent = max(self._clock() - since, timedelta(0)) if since else timedelta(0)
        if spent >= self._budget:
            self._inbox.release(delivery_id, claim)
            raise HandlerRunning("storing the delivery took the handler's whole budget; it has not begun")
        # In the request's context, so that its log lines carry the request's id.
        context = contextvars.copy_context()
        running = self._executor.submit(context.run, self._run_and_store, handler, delivery_id, claim, event)
        seconds = (self._budget - spent).total_seconds()
        try:
            return running.result(seconds)
        except BudgetSpent:
            if running.cancel():  # no thread was free to begin it
                self._inbox.release(delivery_id, claim)
                raise HandlerRunning(f"other handlers kept every thread busy for {seconds:g} s") from None
            if running.done():  # it ended in this very moment
                return running.result()
            running.add_done_callback(partial(_tell_loss, delivery_id))
            raise HandlerRunning(f"the handler is not done after {seconds:g} s; it runs on") from None

    def _run_and_store(self, handler: Handler, delivery_id: int, claim: str, event: CallEvent) -> Answer:
        try:
            result = answer(handler(event))
        except BaseException as error:
            self._inbox.fail(delivery_id, claim, traceback.format_exc())
            log.warning("handler failed", delivery=delivery_id, error=f"{type(error).__name__}: {error}")
            raise HandlerFailed(f"the handler raised {type(error).__name__}") from error
        self._inbox.finish(delivery_id, claim, result.body(), self._clock())
        if result.cut:
            log.warning("append cut", delivery=delivery_id, kept=len(result.append or ""), limit=wire.APPEND_LIMIT)
        return result


def _tell_loss(delivery_id: int, ended: "Future[Answer]") -> None:
    """An outcome that could not be stored, and that no request waits for, is told in the log alone."""
    error = ended.exception()
    if isinstance(error, StoreUnavailable):
        log.warning("outcome not stored", delivery=delivery_id, cause=error.cause)
