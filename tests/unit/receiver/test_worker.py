"""What a worker holds of requests that have not come to their end."""

import threading
from types import SimpleNamespace
from typing import Any, cast

from receiver.worker import _HELD, DeadlineWorker


def test_who_holds_much_is_cut_off_where_too_much_is_held_and_who_holds_little_is_not() -> None:
    worker = cast("Any", SimpleNamespace(_held=0, _holding=threading.Lock(), worker_connections=1000))

    def may_hold(size: int) -> tuple[bool, Any]:
        connection = cast("Any", SimpleNamespace(size=size, counted=0))
        return DeadlineWorker._may_hold(worker, connection), connection

    assert may_hold(_HELD)[0]
    assert may_hold(_HELD // 1000)[0]
    cut_off, connection = may_hold(_HELD // 500)
    assert not cut_off
    DeadlineWorker._let_go(worker, connection)
    assert worker._held == _HELD + _HELD // 1000
