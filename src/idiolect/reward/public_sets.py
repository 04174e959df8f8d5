"""Public sets of people's choices, in the form in which they are published, as rows of choices.

What says nothing is left out and counted: answers that are empty or the same, turns in which nobody chose.

`prism` (Kirk et al., 2024, arXiv 2404.16019): `utterances.jsonl`, an answer on each line, or `conversations.jsonl`.
`personal-llm` (Zollo et al., 2024, arXiv 2409.20296): the database of interactions, a person on each line, with
    `prompt_1`, `response_1_a`, `response_1_b`, `chosen_1`, and so on.
`chatbot-arena` (Zheng et al., 2023, arXiv 2306.05685): a battle on each line, with `judge`, who chose, `winner`,
    `conversation_a` and `conversation_b`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from idiolect.errors import DataError, UnknownMethod
from idiolect.reward.choice_file import MOST_ANSWERS, Reader, Row, numbered, parsed, read_choices

NUMBERED = re.compile(r"prompt_(\d+)")


class _Lenient(BaseModel):
    """These sets have more fields than are read."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Utterance(_Lenient):
    """One answer in PRISM's long form. `score` from 1 to 100 is not read: which one was chosen is."""

    user_id: str
    interaction_id: str
    user_prompt: str
    model_response: str
    if_chosen: bool


class Said(_Lenient):
    """One message of a conversation in PRISM, of the user or of a model."""

    turn: int
    role: Literal["user", "model"]
    content: str
    if_chosen: bool | None = None


class Conversation(_Lenient):
    """A conversation in PRISM, several answers to each turn."""

    user_id: str
    conversation_history: list[Said]


class Interactions(BaseModel):
    """A person of PersonalLLM, with numbered fields."""

    model_config = ConfigDict(frozen=True, extra="allow")

    person_id: int | str


class Message(_Lenient):
    """One of a battle's conversations."""

    role: str
    content: str


class Battle(_Lenient):
    """A battle of the arena."""

    judge: str = Field(min_length=1)
    winner: Literal["model_a", "model_b", "tie", "tie (bothbad)"]
    conversation_a: list[Message]
    conversation_b: list[Message]


@dataclass
class Tally:
    """What was read and what was left out."""

    rows: int = 0
    left_out: dict[str, int] = field(default_factory=dict)

    def leave(self, why: str) -> None:
        """Count one that was left out."""
        self.left_out[why] = self.left_out.get(why, 0) + 1


def rows_of(path: Path, format: str = "choices", tally: Tally | None = None) -> Iterator[Row]:  # noqa: A002 - as the command spells it
    """The choices of a file of one of `FORMATS`. Raises UnknownMethod for another, DataError for a bad line."""
    if format not in FORMATS:
        raise UnknownMethod(f"no format of choices named {format!r}; there are: {', '.join(FORMATS)}")
    counted = tally if tally is not None else Tally()
    for row in FORMATS[format](path):
        why = _nothing_said(row)
        if why:
            counted.leave(why)
        else:
            counted.rows += 1
            yield row


def _nothing_said(row: Row) -> str:
    if len(row.answers) < 2:
        return "nothing to choose from"
    if len(set(row.answers)) < len(row.answers):
        return "answers are the same"
    if not all(answer.strip() for answer in row.answers):
        return "an answer is empty"
    return ""


def prism(path: Path) -> Iterator[Row]:
    """Of both files. Utterances of one interaction stand together, as they are published."""
    lines = numbered(path)
    number, text = next(lines)
    rest = _first_and(number, text, lines)
    if b'"conversation_history"' in text:
        for number, text in rest:
            yield from _turns(number, parsed(Conversation, path, number, text))
        return
    read = ((number, parsed(Utterance, path, number, text)) for number, text in rest)
    for _, group in groupby(read, key=lambda each: each[1].interaction_id):
        together = list(group)
        first = together[0][1]
        chosen = [each.model_response for _, each in together if each.if_chosen]
        others = [each.model_response for _, each in together if not each.if_chosen]
        yield from _of_turn(together[0][0], first.user_id, first.user_prompt, chosen, others)


def personal_llm(path: Path) -> Iterator[Row]:
    """A person on each line."""
    for number, text in numbered(path):
        person = parsed(Interactions, path, number, text)
        fields = person.model_extra or {}
        turns = sorted(int(found[1]) for name in fields if (found := NUMBERED.fullmatch(name)))
        if not turns:
            raise DataError(f"{path}, line {number}: no `prompt_1`; is this PersonalLLM's database of interactions?")
        for turn in turns:
            names = (f"prompt_{turn}", f"response_{turn}_a", f"response_{turn}_b", f"chosen_{turn}")
            prompt, a, b, chosen = (fields.get(name) for name in names)
            if prompt is None and a is None and b is None:
                continue  # a shorter person of a table: its missing cells are null
            if (
                not isinstance(prompt, str)
                or not isinstance(a, str)
                or not isinstance(b, str)
                or chosen not in ("a", "b")
            ):
                raise DataError(f"{path}, line {number}: {', '.join(names)} are not three texts and `a` or `b`")
            answers = (a, b) if chosen == "a" else (b, a)
            yield Row(line=number, user=str(person.person_id), prompt=prompt, answers=answers)


def chatbot_arena(path: Path) -> Iterator[Row]:
    """A battle on each line; of several turns, the person's messages are the prompt and a model's are its answer."""
    for number, text in numbered(path):
        battle = parsed(Battle, path, number, text)
        a, b = _joined(battle.conversation_a, "assistant"), _joined(battle.conversation_b, "assistant")
        answers = (b, a) if battle.winner == "model_b" else (a, b)
        prompt = _joined(battle.conversation_a, "user")
        tied = battle.winner.startswith("tie")
        yield Row(line=number, user=battle.judge, prompt=prompt, answers=answers, tied=tied)


FORMATS: Final[dict[str, Reader]] = {
    "choices": read_choices,
    "prism": prism,
    "personal-llm": personal_llm,
    "chatbot-arena": chatbot_arena,
}


def _first_and(number: int, text: bytes, rest: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    yield number, text
    yield from rest


def _turns(number: int, conversation: Conversation) -> Iterator[Row]:
    history = sorted(enumerate(conversation.conversation_history), key=lambda each: (each[1].turn, each[0]))
    for _, group in groupby((said for _, said in history), key=lambda said: said.turn):
        together = list(group)
        prompt = "\n\n".join(said.content for said in together if said.role == "user")
        chosen = [said.content for said in together if said.role == "model" and said.if_chosen]
        others = [said.content for said in together if said.role == "model" and not said.if_chosen]
        yield from _of_turn(number, conversation.user_id, prompt, chosen, others)


def _of_turn(number: int, user: str, prompt: str, chosen: list[str], others: list[str]) -> Iterator[Row]:
    """One row of a turn; the answers that were not chosen once each, and not if they are the chosen one's words."""
    first = chosen[:1] if len(set(chosen)) == 1 else []
    rivals = [answer for answer in dict.fromkeys(others) if answer not in first][: MOST_ANSWERS - 1]
    yield Row(line=number, user=user, prompt=prompt, answers=(*first, *rivals) if first else ())


def _joined(messages: list[Message], role: str) -> str:
    return "\n\n".join(message.content for message in messages if message.role == role)
