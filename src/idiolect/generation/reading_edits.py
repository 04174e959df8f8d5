"""What the model says that edits tell of a person: a line of its own for each, and one that merges several.

A line is a belief about the person and comes from a model, so it is held to what a belief may be: it begins with
"Prefers", stays short, and passes the memory's door, which lets in no instruction to a model, no special category and
no secret. That there is no such line is remembered too, so that the model is asked once.
"""

import re
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Final

from idiolect.generation.system_text import one_line, quoted, template
from idiolect.memory.gate import gate
from idiolect.memory.quotable import Rewritten
from idiolect.models.protocol import Model, Request
from idiolect.schema import Message, Sampling

READING, MERGING = "edit-reading-1", "edit-merging-1"
LONGEST_TEXT = 1500  # characters of each side of an edit
LONGEST_LINE = 200  # characters
GREEDY = Sampling(temperature=0, max_tokens=80, seed=0)  # the same events give the same line
LINE: Final = re.compile(r"^\W*(prefers?\b[^\n]*)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Reader:
    """Asks one model."""

    model: Model

    def read(self, edits: Sequence[Rewritten], known: MutableMapping[str, str]) -> str | None:
        """One line of what these edits tell; None where the model finds none that may be used. Raises ModelError.

        `known` holds what was said before, by the edits' ids, and takes what is said now.
        """
        lines = [self._asked(each.id, self._reading(each), known) for each in edits]
        told = list(dict.fromkeys(line for line in lines if line))
        if len(told) < 2:
            return told[0] if told else None
        merged = "+".join(sorted(each.id for each in edits))
        return self._asked(merged, template(MERGING).render(lines=sorted(told)), known) or None

    def _asked(self, key: str, prompt: str, known: MutableMapping[str, str]) -> str:
        if key not in known:
            request = Request((Message(role="user", content=prompt),), GREEDY)
            known[key] = line_of(self.model.complete(request)[0].text)
        return known[key]

    def _reading(self, edit: Rewritten) -> str:
        return template(READING).render(
            asked=one_line(edit.asked), before=quoted(edit.before, LONGEST_TEXT), after=quoted(edit.after, LONGEST_TEXT)
        )


def line_of(said: str) -> str:
    """The line of a reply that says what is preferred; empty where there is none that may be used."""
    found = LINE.search(said)
    line = one_line(found[1], LONGEST_LINE) if found else ""
    return f"P{line[1:]}" if line and gate(line).verdict == "keep" else ""
