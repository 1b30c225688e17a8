"""An asynchronous stream beside its reader: it runs in a thread of its own, and is read in this one."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing, suppress
from queue import SimpleQueue
from typing import Final, TypeVar

__all__ = ["aside"]

T = TypeVar("T")

# How many items a stream may be ahead of its reader, and how often it looks whether it still is.
_AHEAD: Final = 1_000
_PAUSE_SECONDS: Final = 0.02


def aside(stream: AsyncGenerator[T, None]) -> Generator[T, None, None]:
    """The items of a stream, in order. However slowly they are read, what the stream waits for is not held up.

    Closing this iterator cancels the stream; what ends the stream with an error is raised here.
    """
    items: SimpleQueue[tuple[T] | None] = SimpleQueue()
    cancel: Future[Callable[[], object]] = Future()
    with ThreadPoolExecutor(1, "aside") as thread:
        filling = thread.submit(asyncio.run, _fill(stream, items, cancel))
        filling.add_done_callback(lambda _: items.put(None))
        try:
            while item := items.get():
                yield item[0]
        except BaseException:
            with suppress(RuntimeError):  # it has ended by itself
                cancel.result()()
            raise
        filling.result()


async def _fill(
    stream: AsyncGenerator[T, None], items: SimpleQueue[tuple[T] | None], cancel: Future[Callable[[], object]]
) -> None:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a stream runs in a task")
    loop = asyncio.get_running_loop()
    cancel.set_result(lambda: loop.call_soon_threadsafe(task.cancel))
    async with aclosing(stream):
        async for item in stream:
            while items.qsize() >= _AHEAD:
                await asyncio.sleep(_PAUSE_SECONDS)
            items.put((item,))
