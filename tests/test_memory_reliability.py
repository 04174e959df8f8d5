"""Forty killed processes lose no acknowledged write; whichever call of the database fails, nothing is half done."""

import json
import os
import random
import signal
import sqlite3
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from failing import failing
from idiolect.errors import StoreError
from idiolect.features.space import PreferenceSpace
from idiolect.learning import Learner
from idiolect.memory.consolidation import Consolidated
from idiolect.memory.feedback import event_of
from idiolect.memory.remembering import heard, remember
from idiolect.memory.store import UserStore, open_store
from idiolect.reward.gaussian import Gaussian
from idiolect.schema import (
    WORD_KINDS,
    Answer,
    Candidate,
    Feedback,
    Interaction,
    Message,
    Trace,
    Verdict,
    now,
)

ROUNDS = 40
FINE = Verdict(score=1.0)
SPACE = PreferenceSpace.shipped()
LEARNER = Learner(Gaussian.shipped(SPACE), SPACE, None)


def turn(name: str, prompt: str) -> Interaction:
    texts = ("Soup, and a long story about soup, with onions and bread beside it.", "Soup.")
    candidates = tuple(Candidate(id=f"{name}-{index}", text=text, verdict=FINE) for index, text in enumerate(texts))
    trace = Trace(method="plain", model="scripted", request_verdict=FINE)
    answer = Answer(id=name, user="ana", text=texts[0], candidates=candidates, chosen=0, trace=trace)
    return Interaction(id=f"evt-{name}", prompt=prompt, prefix=name, answer=answer)


def talked(person: UserStore, name: str) -> list[str]:
    """A turn, with what it says of the person: ids of all that must be there."""
    words = f"I love {name} tea. Keep your answers short from now on. What now?"
    event_ = turn(name, words)
    with person.transaction() as transaction:
        said = remember(transaction, event_, heard([Message(role="user", content=words)], name, event_.at))
        transaction.save_vectors("v1", {f"{name}-0": np.ones(4)})
        LEARNER.refresh(transaction)
    assert said
    return [event_.id, *(statement.id for statement in said)]


def judged(person: UserStore, name: str) -> list[str]:
    """A turn and a choice with the belief that follows."""
    with person.transaction() as transaction:
        transaction.append(turn(f"{name}j", "What now?"))
        choice = event_of(transaction, Feedback(kind="choice", answer=f"{name}j-1", over=f"{name}j-0"))
        LEARNER.learn(transaction, choice)
    return [f"evt-{name}j", choice.id]


# --- kill -9 --------------------------------------------------------------------------------------------------------


def live(file: Path, told: int, round_: int) -> None:
    """What a process does until it is killed: each thing is told as done after it was acknowledged."""
    person, number, mine = open_store(str(file)).user("ana"), 0, list[list[str]]()
    while True:
        name = f"r{round_}n{number}"
        for act in (talked, judged):
            mine.append(act(person, name))
            os.write(told, (json.dumps({"came": mine[-1]}) + "\n").encode())
        if number % 3 == 2:
            gone = mine.pop(0)
            os.write(told, (json.dumps({"going": gone}) + "\n").encode())
            person.forget(gone)
            os.write(told, (json.dumps({"gone": gone}) + "\n").encode())
        number += 1


def killed_in_the_middle(file: Path, round_: int, lines_: int, after_s: float) -> list[dict[str, list[str]]]:
    """What a process told before it was killed, so many seconds after it had told so many things."""
    reads, writes = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            live(file, writes, round_)
        finally:  # it ends by being killed; what ends it otherwise is told
            traceback.print_exc()
            os._exit(1)
    os.close(writes)
    with os.fdopen(reads) as lines:
        told = [lines.readline() for _ in range(lines_)]
        time.sleep(after_s)
        os.kill(process, signal.SIGKILL)
        told += [line for line in lines if line.endswith("\n")]
    os.waitpid(process, 0)
    return [json.loads(line) for line in told]


def derived_is_folded(person: UserStore) -> None:
    """Beliefs in words equal a fold of the events; those in numbers have every event in them.

    Between two refits a belief in numbers is a filter's, not the optimum, so they are compared by what they have seen.
    """
    fold, at = Consolidated(), now()
    for recorded in person.events(*WORD_KINDS):
        fold.take(recorded)
    assert person.preferences(at) == fold.preferences(at)
    kept, anew = LEARNER.belief(person), LEARNER.rebuild(person)
    assert kept.seen == anew.seen
    assert kept.arrays["mean"] == pytest.approx(anew.arrays["mean"], abs=0.2)


def test_forty_killed_processes_lose_no_acknowledged_write_and_leave_what_a_fold_of_the_events_gives(
    tmp_path: Path,
) -> None:
    file, chance = tmp_path / "me.db", random.Random(4)
    with open_store(str(file)) as store:  # what is loaded at first use is loaded before the processes are made
        talked(store.user("ben"), "warm")
        judged(store.user("ben"), "warm")
    came, gone, forgettings = set[str](), set[str](), 0
    for round_ in range(ROUNDS):
        told = killed_in_the_middle(file, round_, chance.randint(1, 9), chance.uniform(0.0, 0.03))
        forgettings += sum("gone" in line for line in told)
        going = {each for line in told for each in line.get("going", ())}
        came |= {each for line in told for each in line.get("came", ())}
        gone |= {each for line in told for each in line.get("gone", ())}
        with open_store(str(file)) as store:
            person = store.user("ana")
            found = {recorded.event.id for recorded in person.events()}
            assert came - gone - going <= found
            assert not gone & found
            for line in told:
                left = found.intersection(line.get("going", ()))
                assert not left or left == {*line["going"]}  # both or neither
            derived_is_folded(person)
            came &= found  # what was on its way out may be gone or not
            if round_ % 10 == 9:
                assert all(check.ok for check in store.check())
                person.erase()  # so that a round does not take longer than the one before
                came, gone = set[str](), gone | found
    assert forgettings > 0  # forgettings were among what was done


# --- the N-th call fails --------------------------------------------------------------------------------------------


ACTS: dict[str, Callable[[UserStore], object]] = {
    "remember": lambda person: talked(person, "second"),
    "feedback": lambda person: judged(person, "second"),
    "forget": lambda person: person.forget(["evt-first"]),
    "erase": lambda person: person.erase(),
}


@pytest.mark.parametrize("act", ACTS)
def test_whichever_call_fails_the_memory_is_as_before_or_as_after_and_says_so(tmp_path: Path, act: str) -> None:
    met: dict[tuple[int, ...], int] = {}
    for at in range(1, 200):
        file = tmp_path / f"{at}.db"
        with open_store(str(file)) as store:
            person = store.user("ana")
            talked(person, "first")
            judged(person, "first")
            person.preferences()
            before = len(person.events())
            with failing(at) as calls, suppress(StoreError):
                ACTS[act](person)
            derived_is_folded(person)  # the process that met the failure goes on
        with open_store(str(file)) as store, sqlite3.connect(file) as rows:
            derived_is_folded(store.user("ana"))
            counts = [
                rows.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("event", "answer", "vector")
            ]
            met.setdefault(tuple(counts), counts[0])
        if calls[0] < at:
            break
    assert calls[0] < at  # the last time nothing failed
    assert len(met) == 2
    assert before in met.values()
