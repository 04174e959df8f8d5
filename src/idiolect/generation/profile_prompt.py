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
from idiolect.generation.system_text import SystemText, one_line, question, template
from idiolect.models.protocol import Request
from idiolect.prompting import OfProfile
from idiolect.schema import Preference

TEMPLATE = "profile-1"
TURNS = "turns-1"
DEFAULT = OfProfile()
CONFIDENT = 1.64  # |m_j| / sd_j: one-sided 95 %
ALWAYS = {"style": 1.0, "constraint": 1.0, "about_me": 0.5, "topic": 0.25}  # expected relevance to any question
WORD = re.compile(r"\w{4,}")


class ProfilePrompt:
    """Tells the model, in its system message, what this person likes."""

    family: ClassVar[str] = "prompting"

    def __init__(
        self,
        system_prompt: str,
        count_tokens: Callable[[str], int],
        budget: int = DEFAULT.budget_tokens,
        turn_budget: int = DEFAULT.turn_budget_tokens,
        context: int | None = None,
    ) -> None:
        self.system = SystemText(system_prompt, count_tokens, context)
        self.budget = budget
        self.turn_budget = turn_budget

    @classmethod
    def open(cls, host: Host) -> Self:
        """Counts tokens as the host's model does."""
        text, settings = host.system_text, host.prompting.profile
        return cls(text.default, text.count, settings.budget_tokens, settings.turn_budget_tokens, text.context)

    def prepare(self, request: Request, person: Person) -> Prepared:
        """Append the profile to the system message; with nothing believed the request is returned unchanged."""
        prepared = self._with_profile(Prepared(request), person)
        return self._with_turns(prepared, person.turns) if person.turns else prepared

    def _with_profile(self, prepared: Prepared, person: Person) -> Prepared:
        request = prepared.request
        said = ranked(person.preferences, question(request))
        statements = list(dict.fromkeys(words_of(preference) for preference in said))
        told = {preference.attribute for preference in said}
        tastes = [words for attribute, words in confident(person) if attribute not in told]
        if not statements and not tastes:
            return prepared

        def rendered(told: Sequence[str]) -> str:
            parts = {"statements": told[: len(statements)], "tastes": told[len(statements) :]}
            return template(TEMPLATE).render(parts).strip()

        text, kept = self.system.filled(request, self.budget, [*statements, *tastes], rendered)
        if not kept:
            return prepared
        return Prepared(self.system.add(request, text), notes=(self._note(kept, len(statements)),))

    def _with_turns(self, prepared: Prepared, turns: Sequence[PastTurn]) -> Prepared:
        """Those that fit into their own budget."""
        text, kept = self.system.filled(prepared.request, self.turn_budget, turns, _quoting)
        if not kept:
            return prepared
        note = f"The model was shown {kept} earlier turn{'s' * (kept > 1)} (template {TURNS})."
        return prepared.then(Prepared(self.system.add(prepared.request, text), notes=(note,)))

    def _note(self, told: int, statements: int) -> str:
        in_words = min(told, statements)
        return (
            f"The model was told {in_words} statement{'' if in_words == 1 else 's'} and "
            f"{told - in_words} taste{'' if told - in_words == 1 else 's'} (template {TEMPLATE})."
        )


def _quoting(turns: Sequence[PastTurn]) -> str:
    return template(TURNS).render(turns=[quoted_turn(turn) for turn in turns]).strip()


def quoted_turn(turn: PastTurn) -> str:
    """A past turn as a dated quotation."""
    answered = f'; you answered: "{one_line(turn.answered)}"' if turn.answered else ""
    return f'On {day(turn.at)} they said: "{one_line(turn.asked)}"{answered}'


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
