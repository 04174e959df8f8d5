"""Files of choices: the documented form, public sets' forms, and what is measured of them."""

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from idiolect.errors import DataError, UnknownMethod
from idiolect.features.space import PreferenceSpace
from idiolect.reward.choice_file import read_choices
from idiolect.reward.measured import Measured, measured
from idiolect.reward.protocol import Chosen, Tied
from idiolect.reward.public_sets import FORMATS, Tally, rows_of
from idiolect.schema import Array

SPACE = PreferenceSpace.shipped()
PAIR = {"user": "ada", "prompt": "Why?", "chosen": "Because it is so.", "rejected": "No."}
THREE = {"user": "bob", "prompt": "How?", "answers": ["This way.", "That way!", "Who knows?"], "choice": 1}
TIE = {"user": "bob", "prompt": "When?", "answers": ["Now.", "Later."], "choice": None, "weight": 0.5}


def written(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def choices(tmp_path: Path, *rows: object) -> Path:
    return written(tmp_path / "choices.jsonl", *rows)


class Letters:
    """An embedder that counts letters, and what it was asked."""

    name = "letters"
    dim = 384

    def __init__(self, fails_after: int = 10_000) -> None:
        self.asked: list[str] = []
        self.fails_after = fails_after

    def embed(self, texts: Sequence[str]) -> Array:
        if len(self.asked) + len(texts) > self.fails_after:
            raise KeyboardInterrupt
        self.asked += texts
        counts = np.array([[text.count(chr(97 + j % 26)) + 1 / (j + 1) for j in range(self.dim)] for text in texts])
        rows: Array = counts / np.linalg.norm(counts, axis=1, keepdims=True)
        return rows

    def windows(self, text: str) -> Array:
        return self.embed([text])

    def forget(self, texts: Sequence[str]) -> None:
        """Nothing is kept."""


def test_both_forms_of_a_line_put_the_chosen_answer_first(tmp_path: Path) -> None:
    pair, three, tie = read_choices(choices(tmp_path, PAIR, THREE, TIE))
    assert pair.answers == ("Because it is so.", "No.")
    assert three.answers == ("That way!", "This way.", "Who knows?")
    assert (tie.tied, tie.weight, tie.line) == (True, 0.5, 3)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({**PAIR, "rejected": " "}, "field 'rejected': it is empty"),
        ({**PAIR, "chosen": ""}, "field 'chosen': it is empty"),
        ({**PAIR, "rejected": PAIR["chosen"]}, "identical"),
        ({**PAIR, "colour": "red"}, "unknown field 'colour'; there are: user, prompt, chosen"),
        ({**PAIR, "weight": float("nan")}, "weight"),
        ({**PAIR, "weight": 0}, "greater than 0"),
        ({**PAIR, "choice": 0}, "belongs to `answers`"),
        ({"user": "ada", "prompt": "Why?", "chosen": "So."}, "`chosen` and `rejected`"),
        ({**THREE, "choice": 3}, "counted from 0"),
        ({**THREE, "choice": None}, "a tie is between two answers"),
        ({**THREE, "answers": ["One."]}, "at least 2"),
        ({"prompt": "Why?", "chosen": "a", "rejected": "b"}, "user"),
        ([1, 2], "line 2"),
    ],
)
def test_a_line_of_another_form_is_told_with_its_number(tmp_path: Path, line: object, told: str) -> None:
    with pytest.raises(DataError, match="line 2") as refused:
        list(read_choices(choices(tmp_path, PAIR, line)))
    assert told in str(refused.value)


def test_a_file_that_is_missing_or_empty_or_a_broken_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n\n")
    (tmp_path / "broken.jsonl.gz").write_bytes(gzip.compress(b'{"user"' * 1000)[:-20])
    for name, told in (("nothing.jsonl", "cannot be read"), ("empty.jsonl", "no choices"), ("broken.jsonl.gz", "read")):
        with pytest.raises(DataError, match=told):
            list(read_choices(tmp_path / name))


def test_a_file_is_read_line_by_line(tmp_path: Path) -> None:
    """The first choice is there although a later line is bad."""
    rows: Iterator[object] = iter(read_choices(choices(tmp_path, PAIR, {"bad": 1})))
    assert next(rows)
    with pytest.raises(DataError):
        next(rows)


def test_prisms_utterances_are_grouped_by_interaction(tmp_path: Path) -> None:
    def said(interaction: str, response: str, chosen: bool) -> dict[str, object]:
        return {
            "utterance_id": "ut1",
            "interaction_id": interaction,
            "conversation_id": "c0",
            "user_id": "user7",
            "turn": 0,
            "within_turn_id": 0,
            "model_name": "a-model",
            "user_prompt": "What is best?",
            "model_response": response,
            "score": 88,
            "if_chosen": chosen,
        }

    file = written(
        tmp_path / "utterances.jsonl",
        said("int1", "Tea.", False),
        said("int1", "Rest.", True),
        said("int1", "Sun.", False),
        said("int2", "Yes.", True),
        said("int2", "Yes.", False),
    )
    tally = Tally()
    (row,) = rows_of(file, "prism", tally)
    assert (row.user, row.prompt, row.answers) == ("user7", "What is best?", ("Rest.", "Tea.", "Sun."))
    assert tally.left_out == {"nothing to choose from": 1}


def test_prisms_conversations_are_one_choice_a_turn(tmp_path: Path) -> None:
    history = [
        {"turn": 0, "role": "user", "content": "Hello?", "within_turn_id": 0},
        {"turn": 0, "role": "model", "content": "Hi.", "if_chosen": False, "score": 10, "within_turn_id": 0},
        {"turn": 0, "role": "model", "content": "Good day.", "if_chosen": True, "score": 90, "within_turn_id": 1},
        {"turn": 1, "role": "user", "content": "And now?"},
        {"turn": 1, "role": "model", "content": "Tea.", "if_chosen": True, "score": 50},
        {"turn": 1, "role": "model", "content": "Rest.", "if_chosen": False, "score": 40},
    ]
    file = written(
        tmp_path / "conversations.jsonl",
        {"conversation_id": "c0", "user_id": "user7", "conversation_history": history, "open_feedback": "nice"},
    )
    first, second = rows_of(file, "prism")
    assert (first.prompt, first.answers) == ("Hello?", ("Good day.", "Hi."))
    assert (second.prompt, second.answers) == ("And now?", ("Tea.", "Rest."))


def test_personal_llms_people_have_numbered_fields(tmp_path: Path) -> None:
    person = {
        "person_id": 4,
        "person_weight": [0.1, 0.9],
        "prompt_1": "Why?",
        "response_1_a": "So.",
        "response_1_b": "Because.",
        "chosen_1": "b",
        "prompt_2": "How?",
        "response_2_a": "Thus.",
        "response_2_b": "Like this.",
        "chosen_2": "a",
        "prompt_3": None,
        "response_3_a": None,
        "response_3_b": None,
        "chosen_3": None,
        "length": 2,
    }
    one, two = rows_of(written(tmp_path / "people.jsonl", person), "personal-llm")
    assert (one.user, one.answers, two.answers) == ("4", ("Because.", "So."), ("Thus.", "Like this."))
    broken = written(tmp_path / "broken.jsonl", person, {**person, "chosen_2": "c"})
    with pytest.raises(DataError, match=r"line 2.*chosen_2"):
        list(rows_of(broken, "personal-llm"))


def test_a_battle_of_the_arena_is_a_choice_of_its_judge(tmp_path: Path) -> None:
    def battle(winner: str) -> dict[str, object]:
        def talk(answer: str) -> list[dict[str, str]]:
            return [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": answer}]

        return {
            "question_id": "q1",
            "model_a": "m",
            "model_b": "n",
            "winner": winner,
            "judge": "arena_user_1",
            "conversation_a": talk("From a."),
            "conversation_b": talk("From b."),
            "turn": 1,
            "anony": True,
            "language": "English",
            "tstamp": 1682351591.1322,
        }

    file = written(tmp_path / "arena.jsonl", *map(battle, ("model_a", "model_b", "tie", "tie (bothbad)")))
    rows = list(rows_of(file, "chatbot-arena"))
    assert [row.answers[0] for row in rows] == ["From a.", "From b.", "From a.", "From a."]
    assert [row.tied for row in rows] == [False, False, True, True]
    with pytest.raises(DataError, match="line 1, field 'winner'"):
        list(rows_of(written(tmp_path / "odd.jsonl", battle("nobody")), "chatbot-arena"))


def test_a_format_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(UnknownMethod, match=", ".join(FORMATS)):
        list(rows_of(Path("anywhere"), "csv"))


def measure(path: Path, cache: Path, embedder: Letters | None = None) -> Measured:
    return measured(path, SPACE, embedder, cache)


def test_choices_become_pairs_that_share_their_weight(tmp_path: Path) -> None:
    people = measure(choices(tmp_path, PAIR, THREE, TIE), tmp_path / "cache").population()
    assert people.users == ("ada", "bob")
    assert people.owner.tolist() == [0, 1, 1, 1, 1]
    assert people.weight == pytest.approx([1, 0.5, 0.5, 0.25, 0.25])
    assert (people.phi[3] == people.phi[4][::-1]).all()  # a tie stands in both orders
    assert people.phi[1, 0] == pytest.approx(SPACE.phi(["That way!"], None)[0], abs=1e-6)


def test_choices_are_evidence_again(tmp_path: Path) -> None:
    found = measure(choices(tmp_path, PAIR, THREE, TIE), tmp_path / "cache", Letters())
    (_, ada), (_, bob) = found.by_user()
    assert [len(piece.phi) for piece in (found.choice(int(place)) for place in bob)] == [3, 2]
    assert isinstance(found.choice(int(ada[0])), Chosen)
    tie = found.choice(int(bob[1]))
    assert isinstance(tie, Tied)
    assert tie.asked is not None
    assert tie.asked.embedding == pytest.approx(Letters().embed(["When?"])[0], abs=1e-6)


def test_what_was_measured_is_not_measured_again_and_a_stop_is_gone_on_from(tmp_path: Path) -> None:
    many = choices(tmp_path, *({**PAIR, "chosen": f"Answer {number}."} for number in range(150)))
    whole = measure(many, tmp_path / "other", Letters())
    stopped = Letters(fails_after=400)
    with pytest.raises(KeyboardInterrupt):
        measure(many, tmp_path / "cache", stopped)
    assert stopped.asked
    going_on = Letters()
    again = measure(many, tmp_path / "cache", going_on)
    assert set(going_on.asked).isdisjoint({f"Answer {number}." for number in range(64)})
    assert (again.phi == whole.phi).all()
    idle = Letters()
    measure(many, tmp_path / "cache", idle)
    assert not idle.asked


def test_a_bad_line_is_told_before_anything_is_measured(tmp_path: Path) -> None:
    embedder = Letters()
    with pytest.raises(DataError, match="line 2"):
        measure(choices(tmp_path, PAIR, {"user": "ada"}), tmp_path / "cache", embedder)
    assert not embedder.asked


def test_a_file_in_which_nothing_is_said_is_told(tmp_path: Path) -> None:
    same = {"user_id": "u", "interaction_id": "i", "user_prompt": "?", "model_response": "Same.", "if_chosen": True}
    file = written(tmp_path / "utterances.jsonl", same, {**same, "if_chosen": False})
    with pytest.raises(DataError, match="no choice that says anything"):
        measured(file, SPACE, None, tmp_path / "cache", "prism")
