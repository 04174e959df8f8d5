"""Preference bridge: a list of the directions in which a person's preferences point (PBA of AlignX, 2503.15463).

    P~_u = g(E_u),  y ~ pi(. | P~_u, x);   each direction is positive, negative or neutral

g is no model here: every named attribute of which the belief is sure (|m_j| / sd_j > 1.64) or that was said has a
direction, and so has each topic that was stated; all else is neutral and stands in no prompt. A number that the person
set goes before what they said. The same belief gives the same bytes, whatever the order of its events, so that the
model's own cache of the prompt serves. There is no second store to edit: what a person says, corrects or forgets
changes the list.
Shared: the template.  Per user: the belief, and its text while the process runs.  Cold start: plain.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal, Self, TypeAlias

import numpy as np

from idiolect.features.attributes import ATTRIBUTES
from idiolect.generation.profile_prompt import confident, words_of
from idiolect.generation.protocol import Host, Person, Prepared
from idiolect.generation.system_text import SystemText, template
from idiolect.models.protocol import Request
from idiolect.prompting import OfBridge
from idiolect.schema import Noun, Preference, Profile

TEMPLATE = "bridge-1"
KEPT = 256  # texts of the latest beliefs; they go with the method, when anything is forgotten
BY_HAND = 0.15  # sd of a weight, a little more than a correction leaves

Source: TypeAlias = Literal["said", "seen", ""]
Group: TypeAlias = Literal["limits", "style", "likes", "dislikes"]
GROUPS: tuple[Group, ...] = ("limits", "style", "likes", "dislikes")


class Direction(Noun):
    """One dimension of P~_u: a named attribute or a stated topic, and where the person's preference points."""

    name: str
    sign: Literal[-1, 0, 1] = 0
    words: str = ""  # what is preferred: of an attribute its pole, of a topic what was said; empty where neutral
    source: Source = ""
    group: Group = "style"
    statement: str = ""  # id of the one that it was said in


class Directions(Noun):
    """All of a person's, as they see them."""

    user: str
    directions: tuple[Direction, ...]


class Bridge:
    """Tells the model the directions of a person's preferences."""

    family: ClassVar[str] = "prompting"

    def __init__(self, system: SystemText, settings: OfBridge | None = None) -> None:
        self.system = system
        self.settings = settings or OfBridge()
        self._texts: dict[tuple[tuple[Direction, ...], int], tuple[str, int]] = {}

    @classmethod
    def open(cls, host: Host) -> Self:
        """Counts tokens as the host's model does."""
        return cls(host.system_text, host.prompting.bridge)

    def prepare(self, request: Request, person: Person) -> Prepared:
        """Append the list to the system message; neutral in everything, nothing changes."""
        pointing = tuple(each for each in directions(person) if each.sign)
        if not pointing:
            return Prepared(request)
        text, told = self._text(request, pointing)
        if not told:
            return Prepared(request)
        note = f"The model was told {told} direction{'s' * (told > 1)} of preference (template {TEMPLATE})."
        return Prepared(self.system.add(request, text), notes=(note,))

    def _text(self, request: Request, pointing: tuple[Direction, ...]) -> tuple[str, int]:
        """The list within its budget, limits before style and likes before dislikes, and how many it tells."""
        room = self.system.budget(request, self.settings.budget_tokens)
        known = self._texts.get((pointing, room))
        if known is not None:
            return known
        in_order = sorted(pointing, key=lambda each: GROUPS.index(each.group))
        made = self.system.filled(request, room, in_order, _rendered)
        if len(self._texts) >= KEPT:
            self._texts.clear()
        self._texts[pointing, room] = made
        return made


def directions(person: Person) -> tuple[Direction, ...]:
    """P~_u: every named attribute, in the order of the preference space, then what was said of anything else."""
    said = [each for each in person.preferences if each.kind == "style" and each.attribute and not each.scope]
    stated = {each.attribute: each for each in sorted(said, key=_age) if each.attribute not in _settled(person)}
    seen = dict(confident(person))
    named = (_of_attribute(name, stated.get(name), seen.get(name)) for name in ATTRIBUTES)
    topics = sorted((each for each in person.preferences if each not in said), key=_age, reverse=True)
    told = {words_of(each): _of_topic(each) for each in topics if each.kind != "about_me"}
    return (*named, *told.values())


def directions_of(profile: Profile) -> Directions:
    """The same of all that is believed of a person, for them to see."""
    person = Person(
        preferences=profile.preferences,
        mean=np.array([taste.mean for taste in profile.tastes]),
        sd=np.array([taste.sd for taste in profile.tastes]),
        names=[taste.attribute for taste in profile.tastes],
        evidence=profile.evidence,
    )
    return Directions(user=profile.user, directions=directions(person))


def _settled(person: Person) -> frozenset[str]:
    """Attributes whose number the person has set by hand, or has shown so often that it is as sure."""
    return frozenset(name for name, sd in zip(person.names, person.sd, strict=True) if sd <= BY_HAND)


def _of_attribute(name: str, said: Preference | None, seen: str | None) -> Direction:
    """What was said goes before what was seen."""
    attribute = ATTRIBUTES[name]
    if said is not None:
        pole = attribute.high if said.polarity > 0 else attribute.low
        return Direction(name=name, sign=said.polarity, words=pole, source="said", statement=said.id)
    if seen is not None:
        return Direction(name=name, sign=1 if seen == attribute.high else -1, words=seen, source="seen")
    return Direction(name=name)


def _of_topic(said: Preference) -> Direction:
    return Direction(
        name=said.object or said.text,
        sign=said.polarity,
        words=words_of(said),
        source="said",
        group=_group(said),
        statement=said.id,
    )


def _group(said: Preference) -> Group:
    if said.kind == "constraint":
        return "limits"
    if said.kind == "style":
        return "style"
    return "likes" if said.polarity > 0 else "dislikes"


def _age(preference: Preference) -> tuple[float, str]:
    return preference.at.timestamp(), preference.id


def _rendered(told: Sequence[Direction]) -> str:
    grouped = {group: [each.words for each in told if each.group == group] for group in GROUPS}
    return template(TEMPLATE).render(grouped).strip()
