"""A delivery's id is its own for ever: jobs are named after it."""

from sqlalchemy import delete

from receiver.store import database, tables
from tests.unit.receiver.samples import delivery
from tests.unit.receiver.store.conftest import Store


def test_the_id_of_a_deleted_delivery_is_not_given_again(store: Store) -> None:
    inbox = store.open()
    first = inbox.accept(delivery("1", key="event:1")).id
    inbox.write(lambda connection: connection.execute(delete(tables.deliveries)).rowcount)
    assert inbox.accept(delivery("2", key="event:2")).id > first


def test_a_commit_is_on_disk_whatever_the_server_is_set_to(store: Store) -> None:
    with store.open().reading() as connection:
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        else:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
            assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "5s"
            assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "read committed"


def test_options_in_the_url_are_kept(store: Store) -> None:
    if store.url.startswith("postgresql"):
        engine = database.connect(f"{store.url}&options=-c%20search_path%3Dkaisa", connections=1)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW search_path").scalar() == "kaisa"
        engine.dispose()
