"""Who a worker is: the lowest number that no living process holds."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from receiver.jobs import executor_id
from receiver.store import database


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    connected = database.connect(url, connections=4)
    yield connected
    connected.dispose()


def running(engine: Engine) -> int:
    with engine.connect().execution_options(**database.READING) as connection:
        return executor_id.running(connection)


def test_each_worker_holds_the_lowest_number_that_is_free(engine: Engine) -> None:
    assert running(engine) == 0
    first, second, third = (executor_id.hold_lowest(engine) for _ in range(3))
    assert [first.number, second.number, third.number] == [1, 2, 3]
    assert running(engine) == 3
    second.release()
    assert running(engine) == 2
    again = executor_id.hold_lowest(engine)
    assert again.number == 2
    for held in (first, again, third):
        held.release()
    assert running(engine) == 0


def test_a_number_that_is_held_is_not_given_again(engine: Engine) -> None:
    held = executor_id.hold_lowest(engine)
    held.check()
    assert executor_id.hold(engine, 1) is None
    held.release()
    free = executor_id.hold(engine, 1)
    assert free is not None
    free.release()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_session_that_is_cut_is_noticed_and_its_number_free(engine: Engine) -> None:
    held = executor_id.hold_lowest(engine)
    with engine.begin() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        connection.execute(text(f"{others} AND datname = current_database()"))
    with pytest.raises(SQLAlchemyError):
        held.check()
    assert running(engine) == 0
    held.release()
