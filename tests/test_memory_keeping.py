"""What the process keeps of people follows the database, other processes and the thread's own transaction."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from idiolect.memory.keeping import MOST
from idiolect.memory.store import Store, UserStore, open_store
from idiolect.schema import Correction, Slots, Statement
from postgres import empty_database


def said(name: str, thing: str = "tea") -> Statement:
    return Statement(id=name, text=f"I like {thing}.", slots=(Slots(kind="topic", object=thing),))


def record(person: UserStore, *events: Statement | Correction) -> None:
    with person.transaction() as transaction:
        for event in events:
            transaction.append(event)


def ids(person: UserStore) -> list[str]:
    return [each.id for each in person.preferences()]


@pytest.fixture(params=["file", "postgresql"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """One database, opened twice, as two processes would."""
    for address in empty_database() if request.param == "postgresql" else [str(tmp_path / "me.db")]:
        with open_store(address) as here, open_store(address) as there:
            yield here, there


def test_what_another_process_writes_is_seen(stores: tuple[Store, Store]) -> None:
    here, there = (store.user("ana") for store in stores)
    record(here, said("a"))
    assert ids(there) == ["a"]
    record(here, said("b", "jazz"))
    record(there, said("c", "rain"), Correction(statement="a"))
    assert ids(here) == ids(there) == ["b", "c"]


def test_what_another_process_forgets_or_erases_is_gone_at_once(stores: tuple[Store, Store]) -> None:
    here, there = (store.user("ana") for store in stores)
    record(here, said("a"), said("b", "jazz"))
    assert ids(there) == ["a", "b"]
    here.forget(["b"])
    assert ids(there) == ids(here) == ["a"]
    here.erase()
    assert ids(there) == ids(here) == []
    record(here, said("b", "rain"))
    assert ids(there) == ["b"]


def test_a_transaction_sees_what_it_wrote_and_nobody_sees_what_came_to_nothing(stores: tuple[Store, Store]) -> None:
    here, there = (store.user("ana") for store in stores)
    record(here, said("a"))
    assert ids(here) == ["a"]
    with pytest.raises(ZeroDivisionError), here.transaction() as transaction:
        transaction.append(said("b", "jazz"))
        assert [each.id for each in transaction.preferences()] == ["a", "b"]
        assert ids(here) == ["a", "b"]  # the same thread, through the store
        transaction.forget(["a"])
        assert [each.id for each in transaction.preferences()] == ["b"]
        raise ZeroDivisionError
    assert ids(here) == ids(there) == ["a"]
    record(here, said("c", "rain"))  # SQLite gives it the seq that came to nothing
    assert ids(here) == ids(there) == ["a", "c"]


def test_only_the_last_few_people_are_held(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "me.db")) as store:
        for number in range(MOST + 10):
            record(store.user(f"u{number}"), said("a"))
            assert ids(store.user(f"u{number}")) == ["a"]
        assert len(store._keeping) == MOST
        assert ids(store.user("u0")) == ["a"]


def test_threads_that_write_and_read_and_forget_agree_in_the_end(stores: tuple[Store, Store]) -> None:
    failures: list[BaseException] = []

    def work(store: Store, name: str) -> None:
        try:
            person = store.user("ana")
            for number in range(12):
                record(person, said(f"{name}-{number}", f"{name} {number}"))
                assert f"{name}-{number}" in ids(person)
                if number % 4 == 3:
                    person.forget([f"{name}-{number - 1}"])
                    assert f"{name}-{number - 1}" not in ids(person)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(stores[index % 2], f"t{index}")) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    here, there = (store.user("ana") for store in stores)
    left = [recorded.event.id for recorded in here.events()]
    assert ids(here) == ids(there) == left
    assert len(left) == 36
