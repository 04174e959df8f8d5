"""Waiting for work that blocks can be left at any time."""

from threading import Event

import pytest

from idiolect.errors import ModelError
from idiolect.waiting import BEAT_S, awaited


def test_signs_of_life_come_until_the_work_is_done() -> None:
    waiting = awaited(lambda left: left.wait(BEAT_S * 2.5))
    beats = []
    with pytest.raises(StopIteration) as ended:
        while True:
            beats.append(next(waiting))
    assert ended.value.value is False  # it was waited for to its end
    assert set(beats) == {""}


def test_leaving_tells_the_work_and_does_not_wait_for_it() -> None:
    has_heard, may_end = Event(), Event()

    def work(left: Event) -> None:
        assert left.wait(10)
        has_heard.set()
        may_end.wait(10)

    waiting = awaited(work)
    assert next(waiting) == ""
    waiting.close()
    assert has_heard.wait(5)
    may_end.set()


def test_what_fails_is_raised_where_it_is_waited_for() -> None:
    def fail(_: Event) -> None:
        raise ModelError("no answer")

    with pytest.raises(ModelError, match="no answer"):
        list(awaited(fail))
