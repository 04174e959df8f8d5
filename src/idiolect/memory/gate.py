"""What becomes of a statement at the memory's door: kept, kept without its secrets, left for the person, or refused.

The same steps as the door takes when something is recorded (door.py), told with their reason and storing nothing.
"""

from typing import Final, Literal

from idiolect.errors import BadInput
from idiolect.memory.extraction import manipulation, personal
from idiolect.memory.extraction.admission import admitted
from idiolect.memory.extraction.oneself import of_oneself
from idiolect.memory.extraction.topics import sensitive_of
from idiolect.schema import Noun

OWN: Final = frozenset({"typed", "user", "person", "feedback", "conversation", "choice", "turn", "own"})


class Told(Noun):
    """What becomes of one statement. `text` is what would be kept: nothing personal is left in it."""

    text: str
    verdict: Literal["keep", "redact", "ask", "propose", "refuse"]
    category: str | None = None
    score: float  # 1 where it is let in, a half where the person is asked first, 0 where it is refused
    rule: str | None = None
    version: str = manipulation.VERSION


def gate(text: str, source: str = "typed") -> Told:
    """The verdict on one statement; what isn't the person's own words becomes no belief without them."""
    found = personal.personal(text)
    kept = personal.redacted(text)
    rule = manipulation.manipulation(text)
    if rule is not None:
        return Told(text=kept, verdict="refuse", category="manipulation", score=0, rule=rule)
    try:
        of_oneself(admitted(kept))
    except BadInput as refused:
        return Told(text=kept, verdict="refuse", category="not-of-oneself", score=0, rule=str(refused))
    if source.casefold() not in OWN:
        return Told(text=kept, verdict="propose", category="source", score=0.5, rule=f"from {source}")
    special = sensitive_of(text)
    if special is not None:
        return Told(text=kept, verdict="ask", category="special-category", score=0.5, rule=special)
    if found:
        return Told(text=kept, verdict="redact", category="personal-data", score=1, rule=found[0].what)
    return Told(text=kept, verdict="keep", score=1)
