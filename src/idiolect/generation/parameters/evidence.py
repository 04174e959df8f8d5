"""What a LoRA is trained on: what the person chose over something else, and what they wrote in an answer's place."""

from collections.abc import Iterator
from dataclasses import dataclass

from idiolect.memory.reading import Reading
from idiolect.schema import AnyEvent, Choice, Edit, Interaction, Interviewed

KINDS = ("choice", "edit", "interview")


@dataclass(frozen=True)
class Example:
    """One preference: a prompt, the answer that was preferred to another, and the events that tell of it."""

    prompt: str
    chosen: str
    rejected: str
    events: tuple[str, ...] = ()
    others: tuple[str, ...] = ()  # the prompt's further answers, which nobody compared
    liked: tuple[float, ...] = ()  # what is believed of chosen, rejected and the others: r_u; empty: not known

    @property
    def answers(self) -> tuple[str, ...]:
        """All of them; without a belief the two that were compared."""
        return (self.chosen, self.rejected, *(self.others if self.liked else ()))


def examples_of(reader: Reading) -> list[Example]:
    """Oldest first. What is only rated, said or inferred of a person is left to their prompt and posterior."""
    return [example for recorded in reader.events(*KINDS) for example in _read(reader, recorded.event)]


def _read(reader: Reading, event: AnyEvent) -> Iterator[Example]:
    match event:
        case Choice(id=name, chosen=chosen, over=over):
            turn = reader.interaction(chosen)
            for each in over:
                other = reader.interaction(each)
                compared = (_text(turn, chosen), _text(other, each))
                yield Example(turn.prompt, *compared, (name, turn.id, other.id), _others(turn, compared))
        case Edit(id=name, candidate=candidate, text=text):
            turn = reader.interaction(candidate)
            compared = (text, _text(turn, candidate))
            yield Example(turn.prompt, *compared, (name, turn.id), _others(turn, compared))
        case Interviewed(id=name, prompt=prompt, answers=answers, chosen=chosen, skipped=False) if chosen is not None:
            yield Example(prompt, answers[chosen], answers[1 - chosen], (name,))


def _text(turn: Interaction, candidate: str) -> str:
    return next(each.text for each in turn.answer.candidates if each.id == candidate)


def _others(turn: Interaction, compared: tuple[str, str]) -> tuple[str, ...]:
    texts = (each.text for each in turn.answer.candidates)
    return tuple(text for text in dict.fromkeys(texts) if text.strip() and text not in compared)
