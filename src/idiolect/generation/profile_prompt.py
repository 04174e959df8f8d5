"""Profile prompt: what is believed of a person becomes text in the system message.

    y ~ pi(. | render(profile, x), x)

Statements first, sorted by expected relevance x confidence; then the attributes with |m_j| / sd_j > 1.64, in words;
then the past turns that bear on the question, as dated quotations.
Shared: the template, whose version stands in the trace.  Per user: statements and posterior.  Cold start: no text.
"""

import re
from collections.abc import Callable, Sequence
from typing import ClassVar, Self

from idiolect.explain import day
from idiolect.features.attributes import ATTRIBUTES
from idiolect.generation.protocol import Host, PastTurn, Person, Prepared
from idiolect.generation.system_text import one_line, template, with_system_text, within
from idiolect.models.protocol import Request
from idiolect.schema import Preference

TEMPLATE = "profile-1"
TURNS = "turns-1"
BUDGET = 400  # tokens
TURN_BUDGET = 300  # tokens of all past turns
CONFIDENT = 1.64  # |m_j| / sd_j: one-sided 95 %
ALWAYS = {"style": 1.0, "constraint": 1.0, "about_me": 0.5, "topic": 0.25}  # expected relevance to any question
WORD = re.compile(r"\w{4,}")


class ProfilePrompt:
    """Tells the model, in its system message, what this person likes."""

    family: ClassVar[str] = "prompting"

    def __init__(self, system_prompt: str, count_tokens: Callable[[str], int], budget: int = BUDGET) -> None:
        self.system_prompt = system_prompt
        self.count_tokens = count_tokens
        self.budget = budget

    @classmethod
    def open(cls, host: Host) -> Self:
        """Counts tokens as the host's model does."""
        return cls(host.system_prompt, host.model.count_tokens)

    def prepare(self, request: Request, person: Person) -> Prepared:
        """Append the profile to the system message; with nothing believed the request is returned unchanged."""
        said = ranked(person.preferences, question(request))
        statements = list(dict.fromkeys(words_of(preference) for preference in said))
        told = {preference.attribute for preference in said}
        tastes = [words for attribute, words in confident(person) if attribute not in told]
        frame = template(TEMPLATE).render(statements=[], tastes=[])
        room = self.budget - self.count_tokens(frame) if statements or tastes else 0
        kept = within([f"- They said: {words}" for words in statements] + tastes, room, self.count_tokens)
        turns = self._turns(person.turns)
        texts, notes = [], []
        if kept:
            texts.append(template(TEMPLATE).render(statements=statements[: len(kept)], tastes=kept[len(statements) :]))
            notes.append(self._note(len(kept), len(said)))
        if turns:
            texts.append(template(TURNS).render(turns=turns))
            notes.append(f"The model was shown {len(turns)} earlier turn{'s' * (len(turns) > 1)} (template {TURNS}).")
        if not texts:
            return Prepared(request)
        text = "\n\n".join(each.strip() for each in texts)
        return Prepared(with_system_text(request, text, self.system_prompt), notes=tuple(notes))

    def _turns(self, turns: Sequence[PastTurn]) -> list[str]:
        """Those that fit into their own budget."""
        room = TURN_BUDGET - self.count_tokens(template(TURNS).render(turns=[]))
        return within([quoted_turn(turn) for turn in turns], room, self.count_tokens) if turns else []

    def _note(self, told: int, statements: int) -> str:
        in_words = min(told, statements)
        return (
            f"The model was told {in_words} statement{'' if in_words == 1 else 's'} and "
            f"{told - in_words} taste{'' if told - in_words == 1 else 's'} (template {TEMPLATE})."
        )


def quoted_turn(turn: PastTurn) -> str:
    """A past turn as a dated quotation."""
    answered = f'; you answered: "{one_line(turn.answered)}"' if turn.answered else ""
    return f'On {day(turn.at)} they said: "{one_line(turn.asked)}"{answered}'


def question(request: Request) -> str:
    """The newest words of the person."""
    return next((message.text for message in reversed(request.messages) if message.role == "user"), "")


def ranked(preferences: Sequence[Preference], asked: str) -> list[Preference]:
    """Most relevant first, then newest first; every statement was made on purpose, so that all are equally sure."""
    stems = _stems(asked)

    def order(preference: Preference) -> tuple[float, float, str]:
        own = _stems(preference.text)
        overlap = len(own & stems) / len(own) if own else 0.0
        return (-max(ALWAYS[preference.kind], overlap), -preference.at.timestamp(), preference.id)

    return sorted(preferences, key=order)


def words_of(preference: Preference) -> str:
    """A statement as data: a style in the words of its attribute, all else as a quotation; with its scope before it."""
    scope = f"{one_line(preference.scope)}: " if preference.scope else ""
    attribute = ATTRIBUTES.get(preference.attribute or "")
    if preference.kind == "style" and attribute is not None:
        return scope + (attribute.high if preference.polarity > 0 else attribute.low)
    quotation = f'"{one_line(preference.text)}"'
    if preference.origin == "chosen":  # the name of what they picked, or gave as the reason for it
        return f"{scope}{'for' if preference.polarity > 0 else 'against'} {quotation}, by what they picked"
    return (scope if preference.scope not in preference.text else "") + quotation


def confident(person: Person) -> list[tuple[str, str]]:
    """The attributes that are sure enough for words, surest first, with those words."""
    if not person.evidence:
        return []
    sure = [
        (abs(mean) / sd, name, ATTRIBUTES[name].high if mean > 0 else ATTRIBUTES[name].low)
        for name, mean, sd in zip(person.names, person.mean, person.sd, strict=True)
        if name in ATTRIBUTES and sd > 0 and abs(mean) / sd > CONFIDENT
    ]
    return [(name, words) for _, name, words in sorted(sure, key=lambda each: (-each[0], each[1]))]


def _stems(text: str) -> set[str]:
    return {word[:5] for word in WORD.findall(text.lower())}
