"""Edits: what a person's rewriting of answers to questions like this one tells (CIPHER on PRELUDE, 2404.15269).

    f~ = the majority of what the k edits with the nearest contexts tell,  y ~ pi(. | f~, x)

What an edit tells is said by the model once, in a line ("Prefers ..."), and with k > 1 merged by it; where the model
can't, or is too small to try, the named attributes that the edit changed most tell it, and the majority is counted:
the trace says which. Lines are derived, kept while the process runs, and made anew from the events.
Unlike the paper an answer that is left as it is tells nothing: most people edit few. Who never edits costs nothing.
Shared: the templates.  Per user: edits with their contexts.  Cost: one call for each edit, once, and one to merge.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import numpy as np

from idiolect.errors import BadInput, ModelError
from idiolect.features.attributes import ATTRIBUTES
from idiolect.features.space import PreferenceSpace
from idiolect.generation.nearest import Embed, nearest
from idiolect.generation.protocol import Host, Person, Prepared
from idiolect.generation.reading_edits import Reader
from idiolect.generation.system_text import SystemText, question, template
from idiolect.memory.quotable import Rewritten
from idiolect.models.protocol import Request
from idiolect.prompting import OfEdits
from idiolect.schema import EarlierTurn

TEMPLATE = "edits-1"
STEP = 1.0  # standard deviations of answers to one prompt: less is no change that a person would notice
BY_MODEL = "as the model itself reads them"
BY_ATTRIBUTES = "read by the attributes that they changed"
MOST = 6  # attributes of one edit: rewriting moves many at once, and the majority tells which were meant


class Edits:
    """Tells the model what the person's nearest edits have in common."""

    family: ClassVar[str] = "prompting"

    def __init__(
        self,
        system: SystemText,
        reader: Reader | None = None,
        settings: OfEdits | None = None,
        embed: Embed | None = None,
    ) -> None:
        """Without a reader attributes tell."""
        self.system = system
        self.reader = reader
        self.settings = settings or OfEdits()
        self.embed = embed

    @classmethod
    def open(cls, host: Host) -> Self:
        """The host's model reads, if it is able to."""
        reader = Reader(host.model) if host.is_able else None
        return cls(host.system_text, reader, host.prompting.edits, host.embed)

    def prepare(self, request: Request, person: Person) -> Prepared:
        """Append what the nearest edits tell to the system message; without edits nothing changes."""
        edits = [each for each in person.edits if each.before.split() != each.after.split()]
        order = nearest("dense", question(request), edits, self.embed)[: self.settings.k] if edits else []
        near = [edits[i] for i in order]
        if not near:
            return Prepared(request)
        asked = len(person.explained)
        told, how = self._read(near, person)
        asked = len(person.explained) - asked
        text, kept = self.system.filled(request, self.settings.budget_tokens, told, _rendered)
        if not kept:
            return Prepared(request)
        calls = f", asked {asked} time{'s' * (asked > 1)} for it" if asked else ""
        note = f"The model was told what {_edits(len(near))} tell, {how}{calls} (template {TEMPLATE})."
        read = tuple(each.turn for each in near if each.turn is not None)
        turns: tuple[EarlierTurn, ...] = read if asked or how == BY_MODEL else ()  # attributes tell nobody's words
        return Prepared(self.system.add(request, text), notes=(note,), turns=turns)

    def _read(self, near: Sequence[Rewritten], person: Person) -> tuple[list[str], str]:
        """Lines, and how they were found."""
        if self.reader is None:
            return by_attributes(near), f"{BY_ATTRIBUTES}, since the model is too small to say it"
        try:
            line = self.reader.read(near, person.explained)
        except (ModelError, BadInput) as error:
            return by_attributes(near), f"{BY_ATTRIBUTES}, since the model could not be asked ({error})"
        if line is None:
            return by_attributes(near), f"{BY_ATTRIBUTES}, since the model's own line was none that may be used"
        return [line], BY_MODEL


def by_attributes(edits: Sequence[Rewritten]) -> list[str]:
    """The changes that more than half of the edits share, in words, the most shared first."""
    votes = Counter(change for edit in edits for change in changed(edit.before, edit.after).items())
    shared = sorted((-count, name, sign) for (name, sign), count in votes.items() if count > len(edits) / 2)
    said = (ATTRIBUTES[name].high if sign > 0 else ATTRIBUTES[name].low for _, name, sign in shared)
    return [f"Prefers {words}." for words in said]


def changed(before: str, after: str) -> Mapping[str, int]:
    """The named attributes that an edit changed most: 1 for more of it, -1 for less."""
    space = PreferenceSpace.shipped()
    old, new = space.phi([before, after], None)[:, : space.attributes]
    moved = new - old
    strongest = np.argsort(-np.abs(moved), kind="stable")[:MOST]
    return {space.names[j]: int(np.sign(moved[j])) for j in strongest.tolist() if abs(moved[j]) >= STEP}


def _rendered(lines: Sequence[str]) -> str:
    return template(TEMPLATE).render(lines=lines).strip()


def _edits(count: int) -> str:
    return "an edit of theirs" if count == 1 else f"{count} of their edits"
